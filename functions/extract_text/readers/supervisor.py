"""Opens files for a process that may not open any itself; replaces Landlock on kernels that lack it (Linux 5.9).

The kernel stops the process at each openat(2) and asks its supervisor, which is outside the barriers
(seccomp_unotify(2)). The supervisor reads the path from the memory of the process, opens the file itself if that is
allowed, and hands over the descriptor. The path is read once: changing it afterwards changes nothing.
"""

import array  # noqa: F401 - send_fds imports it, which a process that waits for its supervisor cannot
import errno
import fcntl
import os
import re
import select
import socket
import struct
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from readers import linux, seccomp

_REQUEST: Final = struct.Struct("=QIIiIQ6Q")
"""seccomp_notif: id, process, flags; then the call's number, architecture, instruction pointer and arguments."""
_RESPONSE: Final = struct.Struct("=QqiI")
"""seccomp_notif_resp: id, value, error, flags."""
_ADDITION: Final = struct.Struct("=QIIII")
"""seccomp_notif_addfd: id, flags, descriptor here, descriptor there, flags of that one."""
_RECEIVE, _SEND, _ADD_DESCRIPTOR = 0xC0502100, 0xC0182101, 0x40182103
"""ioctl(2) of a listener (include/uapi/linux/seccomp.h)."""

_WORKING_FOLDER: Final = 0xFFFFFF9C
"""AT_FDCWD, -100: a relative path begins at the working folder, which is the same on both sides."""
_INT: Final = 0xFFFFFFFF
_LONGEST_PATH: Final = 4096
"""PATH_MAX of Linux, with the zero byte that ends a path."""
_LARGEST_ADDRESS: Final = (1 << 63) - 1
_OWN_DESCRIPTOR: Final = re.compile(r"/proc/self/fd/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class _Opening:
    """Arguments of a call of openat(2)."""

    folder: int
    path: str
    flags: int


class Supervisor:
    """Opens for reading the files that one child process may read. Create it before the fork.

    Args:
        readable: files, and folders with all below them.
    """

    def __init__(self, readable: Collection[Path]) -> None:
        self._readable = {os.path.realpath(path) for path in readable}
        self._here, self._there = socket.socketpair()

    @property
    def descriptor(self) -> int:
        """File descriptor that the child needs until it calls `submit`."""
        return self._there.fileno()

    def submit(self) -> None:
        """Makes the supervisor open each file that this process opens from now on. Called by the child.

        Raises:
            OSError: the kernel refuses, or the supervisor cannot read this process.
        """
        # A supervisor without root's rights can only read the memory of an open process. This one holds nothing but one
        # document, and the only other processes of this user are those that the document comes from.
        linux.open_process()
        listener = seccomp.ask_before_opening()
        socket.send_fds(self._there, [b"!"], [listener])
        os.close(listener)
        confirmation = self._there.recv(1)
        self._there.close()
        if not confirmation:
            raise OSError("The supervisor cannot read the memory of this process.")

    def serve(self, child: int, end: int, seconds: float) -> bool:
        """Opens files until the child ends, and returns whether it has ended in time. Called by the parent.

        Args:
            child: process id.
            end: its pidfd.
            seconds: limit of wall-clock time.
        """
        deadline = time.monotonic() + seconds
        self._there.close()
        with self._here:
            try:
                listener = _receive_descriptor(self._here, seconds)
            except (TimeoutError, ProcessLookupError):  # the child has not called `submit`
                return bool(select.select([end], [], [], max(0.0, deadline - time.monotonic()))[0])
            memory = os.open(f"/proc/{child}/mem", os.O_RDONLY | os.O_CLOEXEC)
            self._here.send(b"!")
        try:
            return self._serve(child, end, listener, memory, deadline)
        finally:
            os.close(memory)
            os.close(listener)

    def _serve(self, child: int, end: int, listener: int, memory: int, deadline: float) -> bool:
        waiting = select.poll()
        waiting.register(end, select.POLLIN)
        waiting.register(listener, select.POLLIN)
        while (remaining := deadline - time.monotonic()) > 0:
            events = dict(waiting.poll(remaining * 1000))
            if end in events:
                return True
            if events.get(listener, 0) & select.POLLIN:
                with suppress(FileNotFoundError):  # the process was killed while it waited
                    self._handle_request(child, listener, memory)
            elif listener in events:  # the processes with this filter have ended
                waiting.unregister(listener)
        return False

    def _handle_request(self, child: int, listener: int, memory: int) -> None:
        request = bytearray(_REQUEST.size)
        fcntl.ioctl(listener, _RECEIVE, request)
        number, _, _, _, _, _, folder, address, flags, *_ = _REQUEST.unpack(request)
        try:
            here = self._open(child, _Opening(folder & _INT, _read_path(memory, address), flags & _INT))
            try:
                addition = bytearray(_ADDITION.pack(number, 0, here, 0, flags & os.O_CLOEXEC))
                there, error = fcntl.ioctl(listener, _ADD_DESCRIPTOR, addition), 0
            finally:
                os.close(here)
        except OSError as refused:
            there, error = 0, -(refused.errno or errno.EACCES)
        fcntl.ioctl(listener, _SEND, bytearray(_RESPONSE.pack(number, there, error, 0)))

    def _open(self, child: int, opening: _Opening) -> int:
        """Opens a file that the child may read and returns its descriptor.

        Raises:
            OSError: as openat(2) does; EACCES for a file that the child may not read.
        """
        if own := _OWN_DESCRIPTOR.fullmatch(opening.path):  # a file that it has open already, such as an attachment
            return os.open(f"/proc/{child}/fd/{own[1]}", os.O_RDONLY | os.O_CLOEXEC)
        path = os.path.realpath(opening.path)
        is_resolvable = opening.path.startswith("/") or opening.folder == _WORKING_FOLDER
        if not is_resolvable or not self._readable & {path, *map(str, Path(path).parents)}:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        # After realpath no part of the path is a link; the child can make none.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | opening.flags & os.O_DIRECTORY)


def _receive_descriptor(channel: socket.socket, seconds: float) -> int:
    """Returns the file descriptor that a child sends.

    Raises:
        ProcessLookupError: the child has ended without sending one.
        TimeoutError: it has not sent one in time.
    """
    channel.settimeout(seconds)
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    if not descriptors:
        raise ProcessLookupError
    return descriptors[0]


def _read_path(memory: int, address: int) -> str:
    """Reads the path at an address; a path must end before the readable memory does."""
    if address > _LARGEST_ADDRESS:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
    path, end, _ = os.pread(memory, _LONGEST_PATH, address).partition(b"\0")
    if not end:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return os.fsdecode(path)
