"""The barriers around a process that reads a document: what of the machine a hostile file could reach through it.

Which of them there are depends on the kernel. A barrier that the kernel offers and that cannot be set is an error.
"""

import functools
import os
import select
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from readers import landlock, linux, seccomp
from readers.supervisor import Supervisor

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
        supervision: of the files that a process opens; used where there is no Landlock.
    """

    seccomp: bool
    landlock: int
    supervision: bool


def offered() -> Offered:
    """Asks the kernel."""
    return Offered(seccomp.is_offered(), landlock.version(), seccomp.has_supervision())


@functools.cache
def code_and_libraries() -> tuple[Path, ...]:
    """The files and folders that a reader opens besides its document: Python, its packages and C libraries."""
    python = (*sys.path, f"{sys.prefix}/lib", f"{sys.base_prefix}/lib")
    found = {Path(path).resolve() for path in (*python, *_LIBRARIES) if os.access(path, os.R_OK)}
    return tuple(path for path in found if found.isdisjoint(path.parents))  # what lies below another is in that


class Enclosure:
    """Every barrier there is around one child process. It is made before the process is forked.

    Args:
        barriers: as the kernel offers them.
        readable: files and folders that the process may open for reading, besides code and libraries.
    """

    def __init__(self, barriers: Offered, readable: Sequence[Path] = ()) -> None:
        self._barriers = barriers
        self._readable = (*code_and_libraries(), *readable)
        is_supervised = barriers.supervision and not barriers.landlock
        self._supervisor = Supervisor(self._readable) if is_supervised else None

    def enter(self, descriptors: Collection[int]) -> None:
        """Called by the child: sets the barriers, none of which it can take away again.

        Args:
            descriptors: that stay open, with the standard streams; all others are closed.

        Raises:
            OSError: when a barrier cannot be set.
        """
        _close_all_but({0, 1, 2, *descriptors, *([self._supervisor.descriptor] if self._supervisor else [])})
        linux.close_process()
        linux.drop_capabilities()
        linux.forbid_new_privileges()
        if self._barriers.landlock:
            landlock.allow_reading_only(self._readable)
        if self._supervisor:
            self._supervisor.submit()
        if self._barriers.seccomp:
            seccomp.allow_reading_calls_only()

    def ends(self, child: int, seconds: float) -> bool:
        """Called by the parent: waits for the child, and returns whether it has ended in time.

        Args:
            child: the process.
            seconds: of wall clock.
        """
        # A pidfd is readable when the process has ended, whatever that has done to its descriptors.
        end = os.pidfd_open(child)
        try:
            if self._supervisor:
                return self._supervisor.serve(child, end, seconds)
            return bool(select.select([end], [], [], seconds)[0])
        finally:
            os.close(end)


def _close_all_but(kept: Collection[int]) -> None:
    for link in Path("/proc/self/fd").iterdir():
        if int(link.name) not in kept:
            with suppress(OSError):  # the one by which the folder was listed is closed already
                os.close(int(link.name))
