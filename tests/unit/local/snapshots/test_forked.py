import fcntl
import os
import signal
import tempfile
import time
from pathlib import Path

import pytest

from local.snapshots.forked import ForkedCall, ForkedCallError


def test_the_copy_sees_memory_as_it_was() -> None:
    seen = {"value": 1}
    call = ForkedCall(lambda: seen)
    seen["value"] = 2
    assert call.result(10) == {"value": 1}


def test_a_large_result_comes_whole() -> None:
    assert len(ForkedCall(lambda: "한" * 500_000).result(10)) == 500_000


def test_an_exception_comes_with_its_trace() -> None:
    with pytest.raises(ForkedCallError, match="ZeroDivisionError"):
        ForkedCall(lambda: 1 // 0).result(10)


def test_one_that_takes_too_long_is_ended() -> None:
    call = ForkedCall(lambda: time.sleep(60))
    with pytest.raises(ForkedCallError, match="did not end within 0 s"):
        call.result(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(call._pid, 0)


def test_one_that_has_ended_is_not_killed() -> None:
    call = ForkedCall(lambda: 1)
    call.result(10)
    call.kill()  # its number may be another process's


def test_one_that_is_killed_has_no_result() -> None:
    call = ForkedCall(lambda: time.sleep(60))
    call.kill()
    with pytest.raises(ForkedCallError, match=f"status {signal.SIGKILL.value}"):
        call.result(10)


def test_the_copy_holds_no_lock_and_no_file_of_the_process(tmp_path: Path) -> None:
    started = tmp_path / "started"
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)

    def wait() -> None:
        started.touch()
        time.sleep(60)

    call = ForkedCall(wait)
    os.close(lock)
    deadline = time.monotonic() + 10
    while not started.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with (tmp_path / "lock").open("w", encoding="utf-8") as again:
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where the copy holds it
    call.kill()
    with pytest.raises(ForkedCallError):
        call.result(10)


def test_the_copy_has_its_standard_files_and_the_way_back() -> None:
    with tempfile.TemporaryFile():
        inherited = ForkedCall(lambda: [entry.name for entry in Path("/dev/fd").iterdir()]).result(10)
    assert set(inherited) <= {"0", "1", "2", "3", "4"}  # 4 is the folder that is being listed
