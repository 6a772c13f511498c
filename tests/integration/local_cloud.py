"""A local cloud that tests start and use."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
import urllib3

REPOSITORY = Path(__file__).resolve().parents[2]
EMULATOR_PYTHON = os.environ.get("ONGGI_EMULATOR_PYTHON", str(REPOSITORY / ".venvs/emulator/bin/python"))
BOTOCORE_DATA = Path(botocore.__file__).parent / "data"
REGION = "ap-northeast-2"
ACCOUNT = "000000000000"
START_SECONDS = 30.0
STOP_SECONDS = 15.0


@dataclass(frozen=True)
class LocalCloud:
    port: int
    state: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def session(self, credentials: dict[str, Any] | None = None) -> boto3.Session:
        """Returns a session of the account's root user, or of temporary credentials from STS."""
        if credentials is None:
            return boto3.Session("test", "test", region_name=REGION)
        return boto3.Session(
            credentials["AccessKeyId"],
            credentials["SecretAccessKey"],
            credentials.get("SessionToken"),
            region_name=REGION,
        )

    def client(self, service: str, session: boto3.Session | None = None) -> Any:
        make: Any = (session or self.session()).client  # the stubs know service names as literals only
        return make(service, endpoint_url=self.endpoint)

    @property
    def log(self) -> Path:
        """The log of the cloud's own process."""
        return self.state / "test.log"

    def command(self, name: str, *more: str) -> list[str]:
        options = ("--port", str(self.port), "--state", str(self.state), "--botocore-data", str(BOTOCORE_DATA))
        return [EMULATOR_PYTHON, "-m", "local", name, *options, *more]

    # ── in the background ───────────────────────────────────────────────────────────────────────────────────────────
    def control(self, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(name), cwd=REPOSITORY, capture_output=True, encoding="utf-8", timeout=60, check=False
        )

    def start(self) -> None:
        started = self.control("start")
        assert started.returncode == 0, started.stderr

    @property
    def process(self) -> int:
        """The id of the server process and of its session."""
        return int(json.loads((self.state / "cloud.json").read_text(encoding="utf-8"))["pid"])

    def kill(self) -> None:
        """Kills the server process."""
        os.kill(self.process, signal.SIGKILL)

    def wait_until_saved(self) -> None:
        """Waits for a snapshot of the present state: the second, since the next one may have started already."""
        wanted = self._snapshot() + 2
        identity = self.client("sts")
        # Each call is a request, and every request leads to a snapshot.
        wait_for(lambda: identity.get_caller_identity() and self._snapshot() >= wanted, 30)

    def _snapshot(self) -> int:
        """Returns the number of the newest snapshot."""
        try:
            with (self.state / "data/snapshot").open("rb") as file:
                return int(json.loads(file.readline())["number"])
        except FileNotFoundError:
            return 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_answering(cloud: LocalCloud) -> bool:
    try:
        return bool(urllib3.request("GET", f"{cloud.endpoint}/_ministack/health", retries=False, timeout=2).status)
    except urllib3.exceptions.HTTPError:
        return False


@contextmanager
def running_cloud(state: Path, *options: str) -> Iterator[LocalCloud]:
    """Runs a cloud on a free port during the block; its data remains in `state`."""
    started = LocalCloud(free_port(), state)
    with started.log.open("wb") as output:
        process = subprocess.Popen(
            started.command("run", *options), cwd=REPOSITORY, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_answering(started):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the local cloud did not start:\n{started.log.read_text(encoding='utf-8')[-3000:]}")
            time.sleep(0.05)
        yield started
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def members(session: int) -> list[int]:
    """Returns the processes of a session."""
    command = ["ps", "-eo", "sid=,pid=,stat="]
    listed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for sid, pid, state in rows if int(sid) == session and not state.startswith("Z")]


def wait_for[T](condition: Callable[[], T | None], seconds: float = 10.0) -> T:
    """Calls `condition` until it is true, and returns its value; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.02)
    return value
