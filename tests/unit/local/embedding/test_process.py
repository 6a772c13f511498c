import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.embedding.process import REPOSITORY, WorkerProcess

MODEL = """
import os, signal, time
from array import array
from local.embedding.worker import serve

def load():
    def embed(text):
        print("noise of a library")
        if text == "end":
            os._exit(7)
        if text == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if text == "busy":
            time.sleep(600)
        return array("f", [len(text), 0.5]).tobytes()
    return embed

serve(load)
"""
COMMAND = (sys.executable, "-c", MODEL)
PARENT = f"""
import sys
from local.embedding.process import WorkerProcess
worker = WorkerProcess((sys.executable, "-c", {MODEL!r}))
worker.embed("")
print("ready", flush=True)
worker.embed("busy")
"""
END_SECONDS = 20


@pytest.fixture
def worker() -> Iterator[WorkerProcess]:
    started = WorkerProcess(COMMAND)
    yield started
    started.close()


def test_texts_of_any_length_and_language_come_back_as_vectors(worker: WorkerProcess) -> None:
    for text in ("", "a", "연금 지급일", "🙂", "가" * 50_000):
        assert list(worker.embed(text)) == [len(text), 0.5]


@pytest.mark.parametrize("text", ["end", "killed"])
def test_a_process_that_ends_is_seen_and_closed(worker: WorkerProcess, text: str) -> None:
    assert worker.is_running()
    with pytest.raises((OSError, EOFError)):
        worker.embed(text)
    worker.close()
    assert not worker.is_running()
    worker.close()


def test_an_interrupt_of_the_group_does_not_end_it(worker: WorkerProcess) -> None:
    worker.embed("it is loaded")
    os.kill(worker.pid, signal.SIGINT)
    assert list(worker.embed("ab")) == [2, 0.5]


def test_it_does_not_outlive_a_parent_that_is_killed_while_it_computes() -> None:
    # The worker has the parent's standard error: that ends when both have ended.
    with subprocess.Popen(
        (sys.executable, "-c", PARENT), cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(signal.SIGKILL)
        parent.communicate(timeout=END_SECONDS)


def test_it_starts_in_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    started = WorkerProcess(COMMAND)
    assert list(started.embed("abc")) == [3, 0.5]
    started.close()
