"""Folder for documents while they are read: each process has its own and deletes those of ended processes.

Lambda keeps `/tmp` when it ends a function's process, for example at a timeout, and starts another one in the same
environment. No document of one tenant may be there while a document of another tenant is read.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_PREFIX: Final = "onggi-documents-"


def claim() -> Path:
    """Creates this process's folder, makes it the folder of temporary files, and deletes those of ended processes.

    Each process holds a lock on its folder until it ends.
    """
    root = Path(tempfile.gettempdir())
    root_lock = _lock(root)
    try:
        for other in root.glob(f"{_PREFIX}*/"):
            if not other.is_symlink():
                _delete_if_unlocked(other)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        _lock(folder)
    finally:
        os.close(root_lock)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # for a normal exit; Lambda kills its processes
    tempfile.tempdir = str(folder)
    return folder


def _lock(folder: Path) -> int:
    """Waits for the lock on a folder and returns the file descriptor that holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _delete_if_unlocked(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, PermissionError):  # just deleted by its own process, or another user's
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except BlockingIOError:  # its process is running
        return
    finally:
        os.close(descriptor)
