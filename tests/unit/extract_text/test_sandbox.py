"""Tests that the function survives whatever a parser does."""

import os
import signal
from collections.abc import Iterator

import pytest

from onggi.domain.errors import BadDocument
from readers.sandbox import Limits, Sandbox, SandboxError

TASKS = "tests.unit.extract_text.hostile_tasks"
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(Limits(memory=1 << 29, cpu_seconds=1, wall_seconds=30), TASKS)
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize("value", ["똠방각하\u2028", [1, None, {"a": 1.5}], ""])
def test_a_result_is_returned_unchanged(sandbox: Sandbox, value: object) -> None:
    assert sandbox.call("echo", value=value) == value


def test_a_result_of_megabytes_is_returned_whole(sandbox: Sandbox) -> None:
    assert sandbox.call("echo", value="값" * 3_000_000) == "값" * 3_000_000


def test_a_bad_document_keeps_its_code(sandbox: Sandbox) -> None:
    with pytest.raises(BadDocument) as caught:
        sandbox.call("refuse")
    assert caught.value.code == "encrypted"


def test_other_exceptions_mean_a_corrupt_file_and_reveal_no_content(sandbox: Sandbox) -> None:
    with pytest.raises(BadDocument) as caught:
        sandbox.call("stumble")
    assert (caught.value.code, caught.value.__notes__) == ("corrupt", ["KeyError"])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("function", "how"),
    [
        ("abort", "crash"),
        ("kill", "crash"),
        ("leave", "crash"),
        ("eat_memory", "memory"),
        ("burn", "timeout"),
    ],
)
def test_the_sandbox_survives_a_task_that_does_not_end_by_itself(sandbox: Sandbox, function: str, how: str) -> None:
    with pytest.raises(SandboxError) as caught:
        sandbox.call(function)
    assert (caught.value.how, caught.value.waited) == (how, False)
    assert sandbox.call("echo", value="still here") == "still here"


def test_a_task_that_waits_for_ever_is_stopped() -> None:
    sandbox = Sandbox(Limits(wall_seconds=0.2), TASKS)
    with pytest.raises(SandboxError) as caught:
        sandbox.call("hang")
    assert (caught.value.how, caught.value.waited) == ("timeout", True)
    sandbox.close()


def test_a_task_that_closes_its_descriptors_is_stopped() -> None:
    sandbox = Sandbox(Limits(wall_seconds=0.5), TASKS)
    with pytest.raises(SandboxError, match="timeout"):
        sandbox.call("hide_and_hang")
    sandbox.close()


def test_arguments_and_results_do_not_pass_through_the_fork_server() -> None:
    class Overheard(Sandbox):
        heard = b""

        def _exchange(self, line: bytes) -> bytes:
            reply = super()._exchange(line)
            self.heard += line + reply
            return reply

    sandbox = Overheard(tasks=TASKS)
    assert sandbox.call("echo", value="a secret of one tenant") == "a secret of one tenant"
    assert b"echo" in sandbox.heard
    assert b"secret" not in sandbox.heard
    sandbox.close()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '"value"',
        "[" * 100_000,
        '{"code": "of_its_own", "message": "m"}',
        '{"code": "corrupt"}',
    ],
)
def test_a_result_of_an_unknown_form_is_a_crash(sandbox: Sandbox, text: str) -> None:
    with pytest.raises(SandboxError, match="crash"):
        sandbox.call("answer_with", text=text)
    assert sandbox.call("echo", value="still here") == "still here"


def test_an_attachment_is_deleted_with_its_document(sandbox: Sandbox) -> None:
    assert sandbox.call("attach", content="of the first") == ""
    assert sandbox.call("attach", content="of the second") == ""


def test_endless_recursion_is_a_corrupt_file(sandbox: Sandbox) -> None:
    with pytest.raises(BadDocument, match="corrupt"):
        sandbox.call("recurse")


def test_a_task_has_no_credentials_and_no_pipe_of_the_function(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    fresh = Sandbox(tasks=TASKS)
    assert "AWS_SECRET_ACCESS_KEY" not in fresh.call("environment")
    fresh.close()
    assert sandbox.call("open_descriptors") == [os.devnull] * 3


def test_output_of_libraries_is_discarded(sandbox: Sandbox) -> None:
    sandbox.call("print_a_lot")
    assert sandbox.call("echo", value=1) == 1


def test_tasks_fork_from_one_process_and_a_dead_one_is_replaced() -> None:
    sandbox = Sandbox(tasks=TASKS)
    fork_server = sandbox.call("parent_process")
    assert sandbox.call("parent_process") == fork_server
    os.kill(fork_server, signal.SIGKILL)
    os.waitid(os.P_PID, fork_server, os.WEXITED | os.WNOWAIT)
    assert sandbox.call("parent_process") != fork_server
    sandbox.close()
