"""One local cloud for all integration tests of a run, started in the emulator's own environment."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.integration.local_cloud import REPOSITORY, LocalCloud, answers, free_port

START_SECONDS = 30.0
STOP_SECONDS = 15.0


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    started = LocalCloud(free_port(), tmp_path_factory.mktemp("cloud"))
    log = started.state / "test.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            started.command("run"), cwd=REPOSITORY, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(started):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the local cloud did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.05)
        yield started
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
