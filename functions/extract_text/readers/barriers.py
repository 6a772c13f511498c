"""The barriers around a process that reads a document: what of the machine a hostile file could reach through it.

Which of them there are depends on the kernel. A barrier that the kernel offers and that cannot be set is an error.
"""

import functools
import os
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from readers import landlock, linux, seccomp

_LIBRARIES: Final = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/var/lang/lib"),
    *("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/dev/null", "/dev/urandom"),
)
"""What the C library, the loader and Python open by themselves; Lambda's Python is in `/var/lang`."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What the kernel of this machine has.

    Attributes:
        seccomp: filters of system calls.
        landlock: the version of the interface, 0 where there is none.
    """

    seccomp: bool
    landlock: int


def offered() -> Offered:
    """Asks the kernel."""
    return Offered(seccomp.is_offered(), landlock.version())


@functools.cache
def code_and_libraries() -> tuple[Path, ...]:
    """The files and folders that a reader opens besides its document: Python, its packages and C libraries."""
    python = (*sys.path, f"{sys.prefix}/lib", f"{sys.base_prefix}/lib")
    return tuple(Path(path) for path in dict.fromkeys((*python, *_LIBRARIES)) if os.access(path, os.R_OK))


def enclose(barriers: Offered, readable: Collection[Path], descriptors: Collection[int]) -> None:
    """Sets every barrier there is around this process; none can be taken away again.

    Args:
        barriers: as the kernel offers them.
        readable: files and folders that it may open for reading.
        descriptors: that stay open, with the standard streams; all others are closed.

    Raises:
        OSError: when a barrier cannot be set.
    """
    _close_all_but({0, 1, 2, *descriptors})
    linux.close_process()
    linux.drop_capabilities()
    linux.forbid_new_privileges()
    if barriers.landlock:
        landlock.allow_reading_only(readable)
    if barriers.seccomp:
        seccomp.allow_reading_calls_only()


def _close_all_but(kept: Collection[int]) -> None:
    for link in Path("/proc/self/fd").iterdir():
        if int(link.name) not in kept:
            with suppress(OSError):  # the one by which the folder was listed is closed already
                os.close(int(link.name))
