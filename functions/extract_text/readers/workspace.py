"""The folder in which documents lie while they are read: one for each process, and none is left by one that has ended.

Lambda keeps `/tmp` when it ends a function's process, at a timeout for example, and starts another in the same place. A
document of one tenant must not lie there while that of another is read.
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
    """Makes this process's folder, which temporary files lie in from here on, and deletes those of ended processes.

    A folder is locked by the process that it belongs to for as long as that runs.
    """
    root = Path(tempfile.gettempdir())
    one_at_a_time = _locked(root)
    try:
        for left in root.glob(f"{_PREFIX}*/"):
            if not left.is_symlink():
                _delete_if_left(left)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        _locked(folder)
    finally:
        os.close(one_at_a_time)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # at an end that is none of Lambda's, which kills
    tempfile.tempdir = str(folder)
    return folder


def _locked(folder: Path) -> int:
    """The descriptor that holds a lock on a folder; the process waits for it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _delete_if_left(folder: Path) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except (FileNotFoundError, PermissionError):  # just deleted by its own process, or of another user
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
    except BlockingIOError:  # its process runs
        return
    finally:
        os.close(descriptor)
