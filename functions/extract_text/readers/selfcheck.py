"""Tries, inside the barriers, what they should stop, so that each deployment shows which barriers its kernel keeps."""

import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from readers.barriers import KernelSupport

_OUTSIDE: Final = Path("/etc/passwd")
"""A file that every machine has and no reader needs."""


def found_open() -> list[str]:
    """Returns which of `network`, `processes`, `files` and `writing` this process can reach."""
    attempts: Mapping[str, Callable[[], object]] = {
        "network": lambda: socket.socket().close(),
        "processes": _read_other_process,
        "files": _OUTSIDE.read_bytes,
        "writing": lambda: tempfile.TemporaryFile().close(),
    }
    return [name for name, attempt in attempts.items() if _succeeds(attempt)]


def must_be_closed(support: KernelSupport) -> set[str]:
    """Returns what the supported barriers keep closed, in the words of `found_open`."""
    by_seccomp = {"network", "writing"} if support.seccomp else set()
    by_landlock = {"processes", "files", "writing"} if support.landlock else set()
    by_supervision = {"processes", "files"} if support.supervision else set()
    return by_seccomp | by_landlock | by_supervision


def _read_other_process() -> None:
    """Reads the environment of any other process.

    Raises:
        PermissionError: none can be read.
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
