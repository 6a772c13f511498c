"""Tries, inside the barriers, what they are there to stop: a first deployment shows so what holds on its kernel."""

import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from readers.barriers import Offered

_OUTSIDE: Final = Path("/etc/passwd")
"""A file that every machine has and no reader needs."""


def found_open() -> list[str]:
    """What this process can reach, of `network`, `processes`, `files` and `writing`."""
    attempts: Mapping[str, Callable[[], object]] = {
        "network": lambda: socket.socket().close(),
        "processes": _read_other_process,
        "files": _OUTSIDE.read_bytes,
        "writing": lambda: tempfile.TemporaryFile().close(),
    }
    return [name for name, attempt in attempts.items() if _succeeds(attempt)]


def must_be_closed(barriers: Offered) -> set[str]:
    """What the barriers that the kernel offers keep closed."""
    by_seccomp = {"network", "writing"} if barriers.seccomp else set()
    by_landlock = {"processes", "files", "writing"} if barriers.landlock else set()
    by_supervision = {"processes", "files"} if barriers.supervision else set()
    return by_seccomp | by_landlock | by_supervision


def _read_other_process() -> None:
    """Reads the environment of any other process.

    Raises:
        PermissionError: when none can be read.
    """
    others = (path for path in Path("/proc").iterdir() if path.name.isdigit() and path.name != str(os.getpid()))
    if not any(_succeeds((other / "environ").read_bytes) for other in others):
        raise PermissionError


def _succeeds(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return False
    return True
