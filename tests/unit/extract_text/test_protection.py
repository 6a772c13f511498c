"""Which barriers hold is checked before the first document is read, and logged."""

import os
from pathlib import Path

import pytest

from readers.cage import Cage
from readers.caged import CagedReaders
from tests.files.samples import MAKERS, make_sample

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
