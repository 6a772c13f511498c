"""The readers' processes where they run: in the built artifact, under the runtime interface emulator."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from onggi.domain.document import document_id_of
from onggi.domain.tenant import TenantContext
from tests.files.bombs import make_self_referencing_form
from tests.files.pdf_glyphs import make_glyphs
from tests.files.samples import MAKERS, make_sample
from tests.rie.emulator import BUILD, REPOSITORY, RunningFunction, Runtime, running
from tests.rie.stack import DeployedFunctions


@pytest.fixture(scope="module")
def function(
    functions: DeployedFunctions, runtime: Runtime, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningFunction]:
    log = tmp_path_factory.mktemp("log") / "log"
    with running(BUILD / "ExtractText", runtime, functions.environment("ExtractText"), log) as function:
        yield function


def extracted(function: RunningFunction, functions: DeployedFunctions, name: str, content: bytes) -> dict[str, Any]:
    event = functions.placed(json.loads((REPOSITORY / "events/extract_text.json").read_text(encoding="utf-8")))
    tenant = TenantContext.from_dict(event["tenant"])
    key = f"{tenant.prefix}sandbox/{name}"
    version = functions.upload(tenant.placement.documents_bucket, key, content)
    document = {"document_id": document_id_of(tenant, key), "key": key, "name": name, "version": version}
    functions.wait_until_registered(tenant.tenant_id, document["document_id"])
    state = event | {"document": event["document"] | document | {"size": len(content)}}
    answer: dict[str, Any] = function.invoke(state | {"grant": functions.grant(state)})
    return answer


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_of_each_family_is_read(function: RunningFunction, functions: DeployedFunctions, name: str) -> None:
    answer = extracted(function, functions, name, make_sample(name))
    assert answer.get("characters", 0) > 20, (answer, function.log())


def test_letters_of_a_font_that_no_machine_has_are_read_in_their_lines(
    function: RunningFunction, functions: DeployedFunctions
) -> None:
    lines = ["성별 남 11", "병역 필, 유무 - 무", "끝"]
    answer = extracted(function, functions, "glyphs.pdf", make_glyphs(lines))
    assert answer["characters"] == len("\n".join(lines)), (answer, function.log())


def test_a_hostile_file_is_refused_and_the_next_file_is_read(
    function: RunningFunction, functions: DeployedFunctions
) -> None:
    hostile = extracted(function, functions, "bomb.pdf", make_self_referencing_form())
    assert hostile["errorType"] == "BadDocument", hostile
    after = extracted(function, functions, "after.txt", "장독대에는 옹기가 줄지어 있다.".encode())
    assert after["characters"] > 10


def test_the_barriers_hold_where_the_function_runs(function: RunningFunction, functions: DeployedFunctions) -> None:
    extracted(function, functions, "barriers.txt", "장독대에는 옹기가 줄지어 있다.".encode())
    lines = [line for line in function.log().splitlines() if '"reader barriers"' in line]
    found = json.loads(lines[0][lines[0].index("{") :])
    assert len(lines) == 1
    assert found["seccomp"]
    assert found["open"] == ([] if found["landlock"] or found["supervision"] else ["files"])
