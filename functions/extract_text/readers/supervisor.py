"""Opens files for a process that may not open any by itself: what Landlock does, on kernels that lack it (Linux 5.9).

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
    """What openat(2) was called with."""

    folder: int
    path: str
    flags: int


class Supervisor:
    """Opens for reading, for one child process, what that may read. It is made before the process is forked.

    Args:
        readable: files, and folders with all below them.
    """

    def __init__(self, readable: Collection[Path]) -> None:
        self._readable = {os.path.realpath(path) for path in readable}
        self._here, self._there = socket.socketpair()

    @property
    def descriptor(self) -> int:
        """That the child needs until it submits."""
        return self._there.fileno()

    def submit(self) -> None:
        """Called by the child: from here on, each file that it opens is opened by the supervisor.

        Raises:
            OSError: when the kernel refuses.
        """
        # A supervisor without root's rights reads the memory of an open process only. There is nothing in it but one
        # document, and no other process of this user but those that the document comes from.
        linux.open_process()
        listener = seccomp.ask_before_opening()
        socket.send_fds(self._there, [b"!"], [listener])
        os.close(listener)
        answer = self._there.recv(1)
        self._there.close()
        if not answer:
            raise OSError("The supervisor cannot read the memory of this process.")

    def serve(self, child: int, end: int, seconds: float) -> bool:
        """Called by the parent: opens files until the child ends; returns whether it did so in time.

        Args:
            child: the process.
            end: its pidfd.
            seconds: that it has.
        """
        deadline = time.monotonic() + seconds
        self._there.close()
        with self._here:
            try:
                listener = _received(self._here, seconds)
            except (TimeoutError, ProcessLookupError):  # it asks for nothing
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
        while (left := deadline - time.monotonic()) > 0:
            events = dict(waiting.poll(left * 1000))
            if end in events:
                return True
            if events.get(listener, 0) & select.POLLIN:
                with suppress(FileNotFoundError):  # the kernel's word for a process that was killed while it waited
                    self._answer(child, listener, memory)
            elif listener in events:  # no process is left that could ask
                waiting.unregister(listener)
        return False

    def _answer(self, child: int, listener: int, memory: int) -> None:
        request = bytearray(_REQUEST.size)
        fcntl.ioctl(listener, _RECEIVE, request)
        number, _, _, _, _, _, folder, address, flags, *_ = _REQUEST.unpack(request)
        try:
            here = self._opened(child, _Opening(folder & _INT, _path(memory, address), flags & _INT))
            try:
                addition = bytearray(_ADDITION.pack(number, 0, here, 0, flags & os.O_CLOEXEC))
                there, error = fcntl.ioctl(listener, _ADD_DESCRIPTOR, addition), 0
            finally:
                os.close(here)
        except OSError as refused:
            there, error = 0, -(refused.errno or errno.EACCES)
        fcntl.ioctl(listener, _SEND, bytearray(_RESPONSE.pack(number, there, error, 0)))

    def _opened(self, child: int, opening: _Opening) -> int:
        """A descriptor of a file that the child may read.

        Raises:
            OSError: as openat(2) would; EACCES for what it may not.
        """
        if own := _OWN_DESCRIPTOR.fullmatch(opening.path):  # what it holds already, such as an attachment
            return os.open(f"/proc/{child}/fd/{own[1]}", os.O_RDONLY | os.O_CLOEXEC)
        path = os.path.realpath(opening.path)
        is_placed = opening.path.startswith("/") or opening.folder == _WORKING_FOLDER
        if not is_placed or not self._readable & {path, *map(str, Path(path).parents)}:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        # After realpath no part of the path is a link; the child can make none.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | opening.flags & os.O_DIRECTORY)


def _received(channel: socket.socket, seconds: float) -> int:
    """The descriptor that a child has sent.

    Raises:
        ProcessLookupError: when the child has ended without sending one.
        TimeoutError: when it has sent none for so long.
    """
    channel.settimeout(seconds)
    _, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    if not descriptors:
        raise ProcessLookupError
    return descriptors[0]


def _path(memory: int, address: int) -> str:
    """The path at an address; memory that ends there gives what there is."""
    if address > _LARGEST_ADDRESS:
        raise OSError(errno.EFAULT, os.strerror(errno.EFAULT))
    path, end, _ = os.pread(memory, _LONGEST_PATH, address).partition(b"\0")
    if not end:
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    return os.fsdecode(path)
