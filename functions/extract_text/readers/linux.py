"""Calls to the Linux kernel that Python's standard library lacks; each raises OSError when the kernel refuses."""

import ctypes
import os
from typing import Final

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
"""prctl(2); the numbers are those of include/uapi/linux/prctl.h and seccomp.h."""

_CAPABILITY_VERSION_3: Final = 0x20080522
_CAP_DAC_READ_SEARCH: Final = 2
"""capabilities(7), include/uapi/linux/capability.h."""

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    """Half of the capabilities of a process, as bits: the first of two is 0 to 31."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def syscall(number: int, *arguments: int) -> int:
    """Makes a system call by its number; a pointer is passed as its address."""
    result: int = _libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments))
    return _checked(result)


def close_process() -> None:
    """Closes the memory, environment and descriptors of this process to other processes of its user.

    This lasts until the process executes a program, and applies to children that it forks. It does not stop a process
    with the capability CAP_SYS_PTRACE.
    """
    _prctl(_PR_SET_DUMPABLE, 0)
    if _prctl(_PR_GET_DUMPABLE) != 0:
        raise OSError("The process is still open to others of its user.")


def open_process() -> None:
    """Reverts `close_process`."""
    _prctl(_PR_SET_DUMPABLE, 1)


def drop_capabilities() -> None:
    """Drops root's capabilities except for reading files of other users; no other user has any to drop."""
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    capabilities = (_Capabilities * 2)()
    _checked(_libc.capget(ctypes.byref(header), capabilities))
    kept = capabilities[0].permitted & (1 << _CAP_DAC_READ_SEARCH)
    capabilities[0] = _Capabilities(kept, kept, 0)
    capabilities[1] = _Capabilities()
    _checked(_libc.capset(ctypes.byref(header), capabilities))


def forbid_new_privileges() -> None:
    """Prevents programs that this process executes from gaining privileges; a filter can only be set after this."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def set_filter(program: int) -> None:
    """Sets a seccomp filter for this process, for good.

    Args:
        program: address of a `sock_fprog` (seccomp(2)).
    """
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, program)


def _prctl(option: int, *arguments: int) -> int:
    values = (*arguments, 0, 0, 0, 0)[:4]
    return _checked(_libc.prctl(ctypes.c_int(option), *map(ctypes.c_ulong, values)))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
