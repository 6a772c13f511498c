"""Seccomp: the kernel lets a process make only the system calls that reading a file needs (seccomp(2)).

The filter lists allowed calls, not forbidden ones, since each kernel adds new calls. Every other call fails with
ENOSYS, as on a kernel that lacks it, for which C libraries have a fallback. A call of another ABI than this machine's
own ends the process; the numbers of x32 have a bit that no number here has.
"""

import ctypes
import errno
import os
import platform
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from readers import linux

Instruction = tuple[int, int, int, int]
"""Of classic BPF: code, jump if true, jump if false, operand (include/uapi/linux/filter.h)."""

_MACHINES: Final = {"x86_64": 0, "aarch64": 1}
"""Index of each machine's numbers in `_CALLS`."""
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""AUDIT_ARCH_* of include/uapi/linux/audit.h."""

_CALLS: Final[Mapping[str, tuple[int | None, int | None]]] = {
    # Files that are open, or that are opened for reading.
    "read": (0, 63),
    "readv": (19, 65),
    "pread64": (17, 67),
    "write": (1, 64),
    "writev": (20, 66),
    "pwrite64": (18, 68),
    "lseek": (8, 62),
    "close": (3, 57),
    "openat": (257, 56),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "stat": (4, None),
    "lstat": (6, None),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "ftruncate": (77, 46),
    "fadvise64": (221, 223),
    # Memory.
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    # Signals to the process itself, and its exit.
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # Locks, time and system information.
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getrusage": (98, 165),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrandom": (318, 278),
}
"""Numbers on x86_64 and on aarch64, which lacks some old calls (arch/x86/entry/syscalls/syscall_64.tbl,
include/uapi/asm-generic/unistd.h)."""

_SECCOMP: Final = (317, 277)
"""seccomp(2) itself, on the same machines."""
_SET_FILTER, _IS_AVAILABLE, _NEW_LISTENER = 1, 2, 1 << 3
_FIRST_SUPERVISION: Final = (5, 9)
"""The first version of Linux in which a supervisor can pass a file descriptor."""

_WHOLE: Final = 0xFFFFFFFF
_WRITING: Final = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | 0o20000000
"""The flags of open(2) that write, create or truncate a file; the last one is O_TMPFILE without O_DIRECTORY."""
_IOCTLS: Final = (0x5401, 0x5450, 0x5451)
"""TCGETS tests for a terminal; FIONCLEX and FIOCLEX set whether a descriptor is inherited."""
_FCNTLS: Final = (0, 1, 2, 3, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC: not F_SETOWN, which sends signals."""

_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in `seccomp_data`; an argument has eight bytes, its lower half first on both machines."""
_ALLOW: Final = 0x7FFF0000
_ASK: Final = 0x7FC00000
_ERROR: Final = 0x00050000
_KILL_PROCESS: Final = 0x80000000


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on an argument of a call: a C `int`, of which the kernel uses only the lower half.

    Attributes:
        argument: index of the argument, from 0.
        mask: bits to compare.
        values: allowed values of these bits.
    """

    argument: int
    mask: int
    values: tuple[int, ...]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def is_supported() -> bool:
    """Returns whether this kernel supports filters and the system calls of this machine are known."""
    try:
        linux.set_filter(0)
    except OSError as error:
        return error.errno == errno.EFAULT and platform.machine() in _MACHINES
    return False


def supports_supervision() -> bool:
    """Returns whether this kernel can stop a process at openat(2) and have another process open the file for it."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    if not is_supported() or not release or tuple(map(int, release.groups())) < _FIRST_SUPERVISION:
        return False
    action = ctypes.c_uint32(_ASK)
    try:
        linux.syscall(_number(_SECCOMP), _IS_AVAILABLE, 0, ctypes.addressof(action))
    except OSError:
        return False
    return True


def allow_reading_calls_only() -> None:
    """Restricts this process to the system calls that reading a file needs.

    It can open files only for reading, and write to files that are open already. It cannot use the network, start
    processes, send signals to other processes or inspect them.

    Raises:
        OSError: the kernel refuses.
    """
    program = _program(instructions(platform.machine(), os.getpid()))
    linux.set_filter(ctypes.addressof(program))


def ask_before_opening() -> int:
    """Stops this process at each openat(2) until the holder of the returned file descriptor has replied.

    Raises:
        OSError: the kernel refuses.
    """
    program = _program(
        [
            (_LOAD, 0, 0, _NUMBER),
            (_EQUAL, 0, 1, _number(_CALLS["openat"])),
            (_RETURN, 0, 0, _ASK),
            (_RETURN, 0, 0, _ALLOW),
        ]
    )
    return linux.syscall(_number(_SECCOMP), _SET_FILTER, _NEW_LISTENER, ctypes.addressof(program))


def _program(lines: Sequence[Instruction]) -> _Program:
    return _Program(len(lines), b"".join(struct.pack("=HBBI", *line) for line in lines))


def _number(numbers: tuple[int | None, int | None]) -> int:
    number = numbers[_MACHINES[platform.machine()]]
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return number


def instructions(machine: str, process: int) -> Sequence[Instruction]:
    """Returns the filter for a process.

    Args:
        machine: `x86_64` or `aarch64`.
        process: its process id.
    """
    checks = {
        "openat": Check(2, _WRITING, (0,)),
        "ioctl": Check(1, _WHOLE, _IOCTLS),
        "fcntl": Check(1, _WHOLE, _FCNTLS),
        **dict.fromkeys(("kill", "tkill", "tgkill"), Check(0, _WHOLE, (process,))),
    }
    lines: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for name, numbers in _CALLS.items():
        number = numbers[_MACHINES[machine]]
        if number is not None:
            verdict = _checked(checks[name]) if name in checks else [(_RETURN, 0, 0, _ALLOW)]
            lines += [(_EQUAL, 0, len(verdict), number), *verdict]
    return [*lines, (_RETURN, 0, 0, _ERROR | errno.ENOSYS)]


def _checked(check: Check) -> list[Instruction]:
    """Returns instructions that allow a call if its argument has one of the values, and else let it fail with EPERM."""
    comparisons = [(_EQUAL, len(check.values) - index, 0, value) for index, value in enumerate(check.values)]
    return [
        (_LOAD, 0, 0, _ARGUMENTS + 8 * check.argument),
        (_AND, 0, 0, check.mask),
        *comparisons,
        (_RETURN, 0, 0, _ERROR | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
