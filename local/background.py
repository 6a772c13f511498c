"""The local cloud in the background: start it, stop it, ask whether it runs."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

from local.settings import REPOSITORY, CloudSettings, LocalCloudError

START_SECONDS = 30.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.05
# How long a cloud may hold its folder without a description, while it starts or ends.
CHANGE_SECONDS = 5.0
LOG_LINES_SHOWN = 15


def start(settings: CloudSettings) -> str:
    """Start the cloud unless it runs already, and wait until it answers.

    Returns:
        A sentence that says where it is.

    Raises:
        LocalCloudError: it did not answer in time, or ended at once; with the end of its log.
    """
    running = _running(settings)
    if running:
        return f"The local cloud already runs at {running['endpoint']} (process {running['pid']})."
    if _answers(settings):
        message = f"Port {settings.port} is already in use by another program: name another one by --port."
        raise LocalCloudError(message)
    settings.state.mkdir(parents=True, exist_ok=True)
    process = _spawn(settings)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(settings):
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
    """
    running = _running(settings)
    if not running:
        return "The local cloud does not run."
    pid = int(running["pid"])
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_locked(settings):
        if time.monotonic() > deadline:
            _end_group(pid, signal.SIGKILL)
            return f"The local cloud (process {pid}) did not end and was killed: its newest state is lost."
        time.sleep(POLL_SECONDS)
    return f"The local cloud (process {pid}) has stopped."


def status(settings: CloudSettings) -> tuple[bool, str]:
    """Whether the cloud runs and answers, and a sentence about it."""
    running = _running(settings)
    if not running:
        return False, "The local cloud does not run."
    if not _answers(settings, running["endpoint"]):
        return False, f"The local cloud (process {running['pid']}) does not answer at {running['endpoint']}."
    return True, f"The local cloud runs at {running['endpoint']} (process {running['pid']})."


def _running(settings: CloudSettings) -> dict[str, Any] | None:
    """The description of the cloud that holds this state folder, or None.

    Only the process that holds the lock has written the description, so its process id is ours to end.
    """
    deadline = time.monotonic() + CHANGE_SECONDS
    while time.monotonic() < deadline:
        if not _is_locked(settings):
            return None
        try:
            description: dict[str, Any] = json.loads(settings.description.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(POLL_SECONDS)  # it is just starting or ending
        else:
            return description
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


def _spawn(settings: CloudSettings) -> subprocess.Popen[bytes]:
    arguments = [
        *(sys.executable, "-m", "local", "run"),
        *("--port", str(settings.port)),
        *("--state", str(settings.state)),
        *("--botocore-data", str(settings.botocore_data)),
    ]
    with settings.log.open("wb") as log:
        # A group of its own, so that what it starts can be ended with it.
        return subprocess.Popen(
            arguments, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _answers(settings: CloudSettings, endpoint: str | None = None) -> bool:
    url = f"{endpoint or settings.endpoint}/_ministack/health"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # something else listens there
    except (OSError, urllib.error.URLError):
        return False


def _end_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself in the meantime
        os.killpg(pid, number)


def _log_end(settings: CloudSettings) -> str:
    lines = settings.log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-LOG_LINES_SHOWN:])
