"""Tests that the barriers are checked and logged before the first document is read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from readers.sandbox import Sandbox
from readers.sandboxed import SandboxedReaders
from tests.files.samples import MAKERS, make_sample

REPOSITORY = Path(__file__).resolve().parents[3]
FORK_SERVERS = "tests.unit.extract_text.fork_servers"
TASKS = "tests.unit.extract_text.hostile_tasks"


class SandboxWithoutLandlock(Sandbox):
    fork_server_module = f"{FORK_SERVERS}.without_landlock"


class SandboxWithoutFiles(Sandbox):
    fork_server_module = f"{FORK_SERVERS}.without_files"


class SandboxThatFails(Sandbox):
    fork_server_module = f"{FORK_SERVERS}.with_a_barrier_that_fails"


class SandboxThatDoesNotHold(Sandbox):
    fork_server_module = f"{FORK_SERVERS}.with_a_barrier_that_does_not_hold"


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [vars(record) for record in caplog.records if record.message == "reader barriers"]


def test_the_barriers_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = Sandbox(tasks=TASKS)
    for _ in range(3):
        sandbox.call("echo", value="a secret")
    sandbox.close()
    (line,) = logged(caplog)
    assert {"seccomp", "landlock", "supervision", "open", "kernel"} <= set(line)
    assert (line["open"], line["kernel"], line["levelname"]) == ([], os.uname().release, "INFO")


def test_without_landlock_nothing_is_open(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = SandboxWithoutLandlock(tasks=TASKS)
    sandbox.call("echo", value=1)
    sandbox.close()
    (line,) = logged(caplog)
    assert (line["landlock"], line["open"]) == (0, [])


def test_resources_without_a_barrier_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    sandbox = SandboxWithoutFiles(tasks=TASKS)
    sandbox.call("echo", value=1)
    sandbox.close()
    (line,) = logged(caplog)
    assert line["levelname"] == "WARNING"
    assert line["open"] in (["files"], ["processes", "files"]), (
        "processes: others of this user, where tests have no rights"
    )


@pytest.mark.parametrize(
    ("sandbox", "fault"),
    [(SandboxThatFails(tasks=TASKS), "Invalid argument"), (SandboxThatDoesNotHold(tasks=TASKS), "network")],
)
def test_no_document_is_read_when_a_barrier_fails(sandbox: Sandbox, fault: str) -> None:
    with pytest.raises(RuntimeError, match=fault):
        sandbox.call("echo", value=1)
    sandbox.close()


@pytest.mark.parametrize(
    ("change", "expected"),
    [("linux.close_process = lambda: None", "AWS_SECRET_ACCESS_KEY=secret"), ("", "corrupt PermissionError")],
    ids=["function left open", "as it is"],
)
def test_readers_cannot_read_the_keys_of_the_function_even_if_files_are_open(change: str, expected: str) -> None:
    """In a separate process, which no sandbox has closed before."""
    code = f"""
from onggi.domain.errors import BadDocument
from readers import linux
from readers.sandbox import Sandbox
linux.drop_capabilities()  # on Lambda a function has none, and what root has would keep its children out
{change}
sandbox = Sandbox(tasks="{TASKS}")
sandbox.fork_server_module = "{FORK_SERVERS}.without_files"
try:
    print(sandbox.call("environment_of_the_function"))
except BadDocument as bad:
    print(bad.code, *bad.__notes__)
sandbox.close()
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
def test_the_text_of_each_family_is_the_same_without_landlock(name: str, tmp_path: Path) -> None:
    file = tmp_path / "content"
    file.write_bytes(make_sample(name))
    usual, old = Sandbox(), SandboxWithoutLandlock()
    texts = [SandboxedReaders(sandbox).read(file, name, {}).text for sandbox in (usual, old)]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 20
    if name.endswith(".pdf"):
        pictures = [SandboxedReaders(sandbox).page_image(file, 1) for sandbox in (usual, old)]
        assert pictures[0] == pictures[1]
    usual.close()
    old.close()
