"""The local cloud in the background: start it, stop it, ask whether it runs, delete what it holds."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from local.settings import HELD_IN_STATE, REPOSITORY, CloudSettings, LocalCloudError, code_fingerprint

START_SECONDS = 30.0
STOP_SECONDS = 60.0
POLL_SECONDS = 0.05
# How long a cloud may hold its folder without an answer, while it starts or ends.
CHANGE_SECONDS = 5.0
LOG_LINES_SHOWN = 15
MEGABYTE = 1_000_000


def check(settings: CloudSettings) -> str:
    """Find out whether `start` can use the port; needs nothing installed.

    Returns:
        A sentence that says that it can, or that the cloud runs there already.

    Raises:
        LocalCloudError: another program uses the port, or this folder's cloud runs at another one.
    """
    running = _running(settings)
    if running:
        _require_port(settings, running)
        return f"The local cloud already runs at {running['endpoint']} (process {running['pid']})."
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", settings.port))
        except PermissionError as error:
            message = f"Only root may use port {settings.port}: name another one, as in `make up PORT=4570`."
            raise LocalCloudError(message) from error
        except OSError as error:
            message = (
                f"Port {settings.port} is already in use by another program: name another one, as in "
                "`make up PORT=4570`."
            )
            raise LocalCloudError(message) from error
    return f"Port {settings.port} is free."


def start(settings: CloudSettings) -> str:
    """Start the cloud unless it runs already, and wait until it answers; one that runs on other code is started again.

    Returns:
        A sentence that says where it is.

    Raises:
        LocalCloudError: the port cannot be used, the cloud did not answer in time, or ended at once; with the end of
            its log.
    """
    sentence = check(settings)
    running = _running(settings)
    if running and running.get("code") == code_fingerprint():
        return sentence
    if running:
        stop(settings)
    settings.state.mkdir(parents=True, exist_ok=True)
    process = _spawn(settings)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(settings.endpoint):
        if process.poll() is not None:
            message = f"The local cloud ended with status {process.returncode}:\n{_log_end(settings)}"
            raise LocalCloudError(message)
        if time.monotonic() > deadline:
            _end_group(process.pid, signal.SIGKILL)
            process.wait()
            message = f"The local cloud did not answer within {START_SECONDS:.0f} s:\n{_log_end(settings)}"
            raise LocalCloudError(message)
        time.sleep(POLL_SECONDS)
    return f"The local cloud runs at {settings.endpoint} (process {process.pid}), its log is {settings.log}."


def stop(settings: CloudSettings) -> str:
    """Stop the cloud if it runs: SIGTERM lets it save its state, SIGKILL follows if it does not end.

    Returns:
        A sentence that says what happened.

    Raises:
        LocalCloudError: it runs at another port than the one that was named.
    """
    running = _running(settings)
    if not running:
        return "The local cloud does not run."
    _require_port(settings, running)
    pid = int(running["pid"])
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_locked(settings):
        if time.monotonic() > deadline:
            _end_group(pid, signal.SIGKILL)
            _wait_until_unlocked(settings)
            return f"The local cloud (process {pid}) did not end and was killed: its last seconds are lost."
        time.sleep(POLL_SECONDS)
    return f"The local cloud (process {pid}) has stopped."


def _wait_until_unlocked(settings: CloudSettings) -> None:
    """Give a process that was killed the time that it takes to give back its memory."""
    deadline = time.monotonic() + CHANGE_SECONDS
    while _is_locked(settings) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def status(settings: CloudSettings) -> tuple[bool, str]:
    """Whether the cloud runs and answers, and a sentence about it."""
    running = _running(settings)
    if not running:
        return False, "The local cloud does not run."
    if not _answers(running["endpoint"]):
        return False, f"The local cloud (process {running['pid']}) does not answer at {running['endpoint']}."
    return True, f"The local cloud runs at {running['endpoint']} (process {running['pid']})."


def reset(settings: CloudSettings) -> str:
    """Stop the cloud if it runs, and delete everything that it holds.

    Returns:
        A sentence that says what was deleted.

    Raises:
        LocalCloudError: another process has started it in the meantime.
    """
    sentences = [stop(settings)] if _running(settings) else []
    found = [entry for name in HELD_IN_STATE for entry in settings.state.glob(name)]
    if not found:
        return "\n".join([*sentences, f"The local cloud holds nothing in {settings.state}."])
    with _held(settings):
        freed = sum(_size(entry) for entry in found)
        for entry in found:
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)
    settings.lock.unlink(missing_ok=True)
    with suppress(OSError):  # somebody keeps something else in it
        settings.state.rmdir()
    names = ", ".join(sorted(entry.name for entry in found))
    return "\n".join([*sentences, f"Deleted from {settings.state}: {names} ({freed / MEGABYTE:.1f} MB)."])


def _require_port(settings: CloudSettings, running: dict[str, Any]) -> None:
    """Refuse to take a running cloud for one at the port that the user has named."""
    if settings.port_is_named and running["endpoint"] != settings.endpoint:
        message = (
            f"The local cloud of {settings.state} runs at {running['endpoint']} and was left as it is: stop it by "
            "`make down` first, without PORT."
        )
        raise LocalCloudError(message)


def _running(settings: CloudSettings) -> dict[str, Any] | None:
    """The description of the cloud that holds this state folder, or None.

    Only the process that holds the lock has written the description, so its process id is ours to end. One that was
    killed may have left a copy of itself behind that holds the lock for a moment longer.
    """
    deadline = time.monotonic() + CHANGE_SECONDS
    description: dict[str, Any] | None = None
    while time.monotonic() < deadline:
        if not _is_locked(settings):
            return None
        try:
            description = json.loads(settings.description.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            description = None  # it is just starting or ending
        if description and _answers(description["endpoint"]):
            return description
        time.sleep(POLL_SECONDS)
    if description:
        return description  # it hangs
    message = f"{settings.lock} is held by a process that has not said which: end it by hand."
    raise LocalCloudError(message)


def _is_locked(settings: CloudSettings) -> bool:
    try:
        with settings.lock.open("r", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


@contextmanager
def _held(settings: CloudSettings) -> Iterator[None]:
    """Keep every cloud from starting on the state folder."""
    with settings.lock.open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            message = f"A local cloud has started on {settings.state} in the meantime: try again."
            raise LocalCloudError(message) from error
        yield


def _spawn(settings: CloudSettings) -> subprocess.Popen[bytes]:
    arguments = [
        *(sys.executable, "-m", "local", "run", "--port", str(settings.port)),
        *("--state", str(settings.state)),
        *("--botocore-data", str(settings.botocore_data)),
    ]
    with settings.log.open("wb") as log:
        # A session of its own: a key pressed at the terminal does not reach it.
        return subprocess.Popen(
            arguments, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _answers(endpoint: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{endpoint}/_ministack/health", timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # something else listens there
    except (OSError, urllib.error.URLError):
        return False


def _end_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself in the meantime
        os.killpg(pid, number)


def _size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir())


def _log_end(settings: CloudSettings) -> str:
    lines = settings.log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-LOG_LINES_SHOWN:])
