"""Barriers around a process that reads a document: they limit which parts of the machine a hostile file can reach.

Which barriers can be set depends on the kernel. A barrier that the kernel supports and that cannot be set is an error.
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
"""Files that the C library, the loader and Python open by themselves; Lambda's Python is in `/var/lang`."""


@dataclass(frozen=True, slots=True)
class KernelSupport:
    """The barriers that this machine's kernel supports.

    Attributes:
        seccomp: whether it filters system calls.
        landlock: version of the interface; 0 without Landlock.
        supervision: whether another process can open files for a child; used without Landlock.
    """

    seccomp: bool
    landlock: int
    supervision: bool


def kernel_support() -> KernelSupport:
    """Returns which barriers this machine's kernel supports."""
    return KernelSupport(seccomp.is_supported(), landlock.version(), seccomp.supports_supervision())


@functools.cache
def code_and_libraries() -> tuple[Path, ...]:
    """Returns the files and folders that a reader opens besides its document: Python, its packages and C libraries."""
    python = (*sys.path, f"{sys.prefix}/lib", f"{sys.base_prefix}/lib")
    found = {Path(path).resolve() for path in (*python, *_LIBRARIES) if os.access(path, os.R_OK)}
    return tuple(path for path in found if found.isdisjoint(path.parents))  # a folder includes all below it


class Confinement:
    """All supported barriers around one child process. Create it before the fork.

    Args:
        support: barriers that the kernel supports.
        readable: files and folders that the process may open for reading, besides code and libraries.
    """

    def __init__(self, support: KernelSupport, readable: Sequence[Path] = ()) -> None:
        self._support = support
        self._readable = (*code_and_libraries(), *readable)
        is_supervised = support.supervision and not support.landlock
        self._supervisor = Supervisor(self._readable) if is_supervised else None

    def enter(self, descriptors: Collection[int]) -> None:
        """Sets the barriers for this process, for good. Called by the child.

        Args:
            descriptors: file descriptors that stay open, besides the standard streams; all others are closed.

        Raises:
            OSError: a barrier cannot be set.
        """
        _close_all_but({0, 1, 2, *descriptors, *([self._supervisor.descriptor] if self._supervisor else [])})
        linux.close_process()
        linux.drop_capabilities()
        linux.forbid_new_privileges()
        if self._support.landlock:
            landlock.allow_reading_only(self._readable)
        if self._supervisor:
            self._supervisor.submit()
        if self._support.seccomp:
            seccomp.allow_reading_calls_only()

    def wait_for(self, child: int, seconds: float) -> bool:
        """Waits for the child and returns whether it has ended in time. Called by the parent.

        Args:
            child: process id.
            seconds: limit of wall-clock time.
        """
        # A pidfd becomes readable when the process ends, whatever that has done to its descriptors.
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
            with suppress(OSError):  # the descriptor that listed the folder is closed already
                os.close(int(link.name))
