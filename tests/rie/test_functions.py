import json
from pathlib import Path

import pytest

from tests.deployment_template import EARLIER_NAMES
from tests.rie.answers import is_answer
from tests.rie.emulator import BUILD, LAYER, REPOSITORY, Runtime, running
from tests.rie.stack import DeployedFunctions

NAMES = sorted(app.parent.name for app in (REPOSITORY / "functions").glob("*/app.py"))


def logical_id(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))


def test_every_function_folder_is_deployed_under_its_name_and_no_other_is(functions: DeployedFunctions) -> None:
    assert functions.logical_ids() == {logical_id(name) for name in NAMES} | set(EARLIER_NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_built_function_starts_and_responds(
    name: str, functions: DeployedFunctions, runtime: Runtime, tmp_path: Path
) -> None:
    event = functions.placed(json.loads((REPOSITORY / "events" / f"{name}.json").read_text(encoding="utf-8")))
    environment = functions.environment(logical_id(name))

    with running(BUILD / logical_id(name), runtime, environment, tmp_path / "log") as function:
        answers = [function.invoke(event), function.invoke(event)]

        assert all(is_answer(answer) for answer in answers), (answers, function.log())
        assert function.init_milliseconds() < 5000


def test_packages_missing_in_an_artifact_are_detected(runtime: Runtime, tmp_path: Path) -> None:
    artifact = tmp_path / "Lacking"
    (tmp_path / LAYER / "python").mkdir(parents=True)
    artifact.mkdir()
    # The packages that run these tests must not help out.
    (artifact / "app.py").write_text("import boto3\n\ndef handler(event, context):\n    return {}\n", encoding="utf-8")

    with running(artifact, runtime, {}, tmp_path / "log") as function:
        answer = function.invoke({})

    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert not is_answer(answer)
