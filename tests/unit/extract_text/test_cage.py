"""Whatever a parser does, the function goes on."""

import os
import signal
from collections.abc import Iterator

import pytest

from onggi.domain.errors import BadDocument
from readers.cage import Cage, CageError, Limits

TASKS = "tests.unit.extract_text.hostile_tasks"


@pytest.fixture(scope="module")
def cage() -> Iterator[Cage]:
    cage = Cage(Limits(memory=1 << 29, cpu_seconds=1, wall_seconds=30), TASKS)
    yield cage
    cage.close()


@pytest.mark.parametrize("value", ["똠방각하\u2028", [1, None, {"a": 1.5}], ""])
def test_an_answer_comes_back_as_it_was(cage: Cage, value: object) -> None:
    assert cage.call("echo", value=value) == value


def test_an_answer_of_megabytes_comes_back_whole(cage: Cage) -> None:
    assert cage.call("echo", value="값" * 3_000_000) == "값" * 3_000_000


def test_a_bad_document_keeps_its_code(cage: Cage) -> None:
    with pytest.raises(BadDocument) as caught:
        cage.call("refuse")
    assert caught.value.code == "encrypted"


def test_any_other_exception_means_a_corrupt_file_and_tells_no_content(cage: Cage) -> None:
    with pytest.raises(BadDocument) as caught:
        cage.call("stumble")
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
def test_a_task_that_does_not_end_by_itself_costs_nothing_but_itself(cage: Cage, function: str, how: str) -> None:
    with pytest.raises(CageError) as caught:
        cage.call(function)
    assert (caught.value.how, caught.value.waited) == (how, False)
    assert cage.call("echo", value="still here") == "still here"


def test_a_task_that_waits_for_ever_is_ended() -> None:
    cage = Cage(Limits(wall_seconds=0.2), TASKS)
    with pytest.raises(CageError) as caught:
        cage.call("hang")
    assert (caught.value.how, caught.value.waited) == ("timeout", True)
    cage.close()


def test_a_task_that_hides_its_end_is_ended_too() -> None:
    cage = Cage(Limits(wall_seconds=0.5), TASKS)
    with pytest.raises(CageError, match="timeout"):
        cage.call("hide_and_hang")
    cage.close()


def test_what_a_task_is_given_and_answers_does_not_pass_through_the_process_that_others_are_forked_from() -> None:
    class Overheard(Cage):
        heard = b""

        def _exchange(self, line: bytes) -> bytes:
            reply = super()._exchange(line)
            self.heard += line + reply
            return reply

    cage = Overheard(tasks=TASKS)
    assert cage.call("echo", value="a secret of one tenant") == "a secret of one tenant"
    assert b"echo" in cage.heard
    assert b"secret" not in cage.heard
    cage.close()


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
def test_an_answer_of_a_form_that_no_reader_gives_is_a_crash(cage: Cage, text: str) -> None:
    with pytest.raises(CageError, match="crash"):
        cage.call("answer_with", text=text)
    assert cage.call("echo", value="still here") == "still here"


def test_an_attachment_is_gone_with_its_document(cage: Cage) -> None:
    assert cage.call("attach", content="of the first") == ""
    assert cage.call("attach", content="of the second") == ""


def test_endless_recursion_is_a_corrupt_file(cage: Cage) -> None:
    with pytest.raises(BadDocument, match="corrupt"):
        cage.call("recurse")


def test_a_task_sees_no_credentials_and_no_pipe_of_ours(cage: Cage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    fresh = Cage(tasks=TASKS)
    assert "AWS_SECRET_ACCESS_KEY" not in fresh.call("environment")
    fresh.close()
    assert cage.call("open_descriptors") == [os.devnull] * 3


def test_what_a_library_prints_disturbs_nothing(cage: Cage) -> None:
    cage.call("print_a_lot")
    assert cage.call("echo", value=1) == 1


def test_tasks_fork_from_one_process_and_a_dead_one_is_replaced() -> None:
    cage = Cage(tasks=TASKS)
    keeper = cage.call("keeper")
    assert cage.call("keeper") == keeper
    os.kill(keeper, signal.SIGKILL)
    os.waitid(os.P_PID, keeper, os.WEXITED | os.WNOWAIT)
    assert cage.call("keeper") != keeper
    cage.close()
