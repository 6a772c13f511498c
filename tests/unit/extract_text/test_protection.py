"""Which barriers hold is checked before the first document is read, and logged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from readers.cage import Cage
from readers.caged import CagedReaders
from tests.files.samples import MAKERS, make_sample

REPOSITORY = Path(__file__).resolve().parents[3]
KEEPERS = "tests.unit.extract_text.keepers"
TASKS = "tests.unit.extract_text.hostile_tasks"


class CageWithoutLandlock(Cage):
    keeper_module = f"{KEEPERS}.without_landlock"


class CageWithoutFiles(Cage):
    keeper_module = f"{KEEPERS}.without_files"


class CageThatFails(Cage):
    keeper_module = f"{KEEPERS}.with_a_barrier_that_fails"


class CageThatDoesNotHold(Cage):
    keeper_module = f"{KEEPERS}.with_a_barrier_that_does_not_hold"


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [vars(record) for record in caplog.records if record.message == "reader barriers"]


def test_what_protects_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    cage = Cage(tasks=TASKS)
    for _ in range(3):
        cage.call("echo", value="a secret")
    cage.close()
    (line,) = logged(caplog)
    assert {"seccomp", "landlock", "supervision", "open", "kernel"} <= set(line)
    assert (line["open"], line["kernel"], line["levelname"]) == ([], os.uname().release, "INFO")


def test_on_a_kernel_without_landlock_nothing_is_open_either(caplog: pytest.LogCaptureFixture) -> None:
    cage = CageWithoutLandlock(tasks=TASKS)
    cage.call("echo", value=1)
    cage.close()
    (line,) = logged(caplog)
    assert (line["landlock"], line["open"]) == (0, [])


def test_what_no_barrier_of_the_kernel_closes_is_named(caplog: pytest.LogCaptureFixture) -> None:
    cage = CageWithoutFiles(tasks=TASKS)
    cage.call("echo", value=1)
    cage.close()
    (line,) = logged(caplog)
    assert line["levelname"] == "WARNING"
    assert line["open"] in (["files"], ["processes", "files"]), (
        "processes: others of this user, where tests have no rights"
    )


@pytest.mark.parametrize(
    ("cage", "fault"), [(CageThatFails(tasks=TASKS), "Invalid argument"), (CageThatDoesNotHold(tasks=TASKS), "network")]
)
def test_no_document_is_read_behind_a_barrier_that_fails(cage: Cage, fault: str) -> None:
    with pytest.raises(RuntimeError, match=fault):
        cage.call("echo", value=1)
    cage.close()


@pytest.mark.parametrize(
    ("change", "expected"),
    [("linux.close_process = lambda: None", "AWS_SECRET_ACCESS_KEY=secret"), ("", "corrupt PermissionError")],
    ids=["function left open", "as it is"],
)
def test_the_keys_of_the_function_are_closed_to_its_readers_even_where_files_are_open(
    change: str, expected: str
) -> None:
    """In a process of its own, which no cage has closed before."""
    code = f"""
from onggi.domain.errors import BadDocument
from readers import linux
from readers.cage import Cage
linux.drop_capabilities()  # on Lambda a function has none, and what root has would keep its children out
{change}
cage = Cage(tasks="{TASKS}")
cage.keeper_module = "{KEEPERS}.without_files"
try:
    print(cage.call("environment_of_the_function"))
except BadDocument as bad:
    print(bad.code, *bad.__notes__)
cage.close()
"""
    path = [REPOSITORY, REPOSITORY / "functions/extract_text", REPOSITORY / "layers/core"]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": ":".join(map(str, path)), "AWS_SECRET_ACCESS_KEY": "secret"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    assert expected in done.stdout


@pytest.mark.parametrize("name", MAKERS)
def test_each_family_is_read_alike_on_a_kernel_without_landlock(name: str, tmp_path: Path) -> None:
    file = tmp_path / "content"
    file.write_bytes(make_sample(name))
    usual, old = Cage(), CageWithoutLandlock()
    texts = [CagedReaders(cage).read(file, name, {}).text for cage in (usual, old)]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 20
    if name.endswith(".pdf"):
        pictures = [CagedReaders(cage).page_image(file, 1) for cage in (usual, old)]
        assert pictures[0] == pictures[1]
    usual.close()
    old.close()
