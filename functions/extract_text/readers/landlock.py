"""Landlock: the kernel lets a process open only files that are allowed to it (landlock(7), Linux 5.13 and later)."""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from readers import linux

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
"""System calls; they have the same numbers on every architecture."""

_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1

_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_FILE_RIGHTS: Final = (0, 13, 14, 15, 15, 16)
"""Number of rights on files in each version of the interface, from 0 (no Landlock) to 5; later versions add none."""
_NETWORK_VERSION, _NETWORK_RIGHTS = 4, 0b11
"""Binding and connecting TCP."""
_SCOPE_VERSION, _SCOPES = 6, 0b11
"""Abstract Unix sockets of outside processes, and signals to them."""


class _Ruleset(ctypes.Structure):
    """Rights that are denied unless a rule allows them."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    """A rule: rights that are allowed on a file, or on a folder and everything below it."""

    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Returns the version of the kernel's interface; 0 when it has none or this process may not use it."""
    try:
        return linux.syscall(_CREATE_RULESET, 0, 0, _VERSION_FLAG)
    except OSError:
        return 0


def allow_reading_only(paths: Iterable[Path]) -> None:
    """Restricts this process to reading some files and folders; it can no longer write, create or delete any.

    Files that are open already stay usable.

    Args:
        paths: files, and folders with everything below them; they must exist.

    Raises:
        OSError: the kernel refuses.
    """
    found = version()
    ruleset = _Ruleset(
        files=(1 << _FILE_RIGHTS[min(found, len(_FILE_RIGHTS) - 1)]) - 1,
        network=_NETWORK_RIGHTS if found >= _NETWORK_VERSION else 0,
        scopes=_SCOPES if found >= _SCOPE_VERSION else 0,
    )
    descriptor = linux.syscall(_CREATE_RULESET, ctypes.addressof(ruleset), ctypes.sizeof(ruleset), 0)
    try:
        for path in paths:
            _allow_reading(descriptor, path)
        linux.syscall(_RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)


def _allow_reading(ruleset: int, path: Path) -> None:
    rights = _READ_FILE | _READ_DIR if path.is_dir() else _READ_FILE
    parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(rights, parent)
        linux.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.addressof(rule), 0)
    finally:
        os.close(parent)
