"""Attacks that a hijacked reader could try; each raises OSError or PermissionError when it is stopped."""

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PTRACE_ATTACH, _PTRACE_DETACH = 16, 17
_PIDFD_GETFD = 438


@dataclass(frozen=True)
class Target:
    """Resources of a function that its reader must not reach.

    Attributes:
        process: the function's, with `SECRET` in its environment.
        address: of memory of that process in which SECRET lies; not in the reader's own.
        length: of SECRET.
        descriptor: of a file with SECRET in it, which the function holds open.
        port: of TCP and of UDP on 127.0.0.1, on which the function listens.
        folder: of other files, with `secret` and `socket` in it.
    """

    process: int
    address: int
    length: int
    descriptor: int
    port: int
    folder: Path


def read_environment(target: Target) -> bytes:
    return Path(f"/proc/{target.process}/environ").read_bytes()


def read_memory_as_file(target: Target) -> bytes:
    with Path(f"/proc/{target.process}/mem").open("rb", buffering=0) as memory:
        memory.seek(target.address)
        return memory.read(target.length)


def read_memory_by_call(target: Target) -> bytes:
    class Vector(ctypes.Structure):
        _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

    taken = ctypes.create_string_buffer(target.length)
    here = Vector(ctypes.addressof(taken), target.length)
    there = Vector(target.address, target.length)
    _checked(_libc.process_vm_readv(target.process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
    return taken.raw


def read_memory_as_debugger(target: Target) -> bytes:
    attach = _libc.ptrace
    attach.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
    _checked(attach(_PTRACE_ATTACH, target.process, None, None))
    os.waitpid(target.process, 0x40000000)  # __WALL: a traced process is nobody's child here
    _checked(attach(_PTRACE_DETACH, target.process, None, None))
    return b"SECRET"


def read_map(target: Target) -> bytes:
    return b"SECRET" if Path(f"/proc/{target.process}/maps").read_bytes() else b""


def open_descriptor_of_the_function(target: Target) -> bytes:
    return Path(f"/proc/{target.process}/fd/{target.descriptor}").read_bytes()


def take_descriptor_of_the_function(target: Target) -> bytes:
    taken = _checked(_libc.syscall(_PIDFD_GETFD, os.pidfd_open(target.process), target.descriptor, 0))
    return os.pread(taken, target.length, 0)


def use_inherited_descriptor(target: Target) -> bytes:
    return os.pread(target.descriptor, target.length, 0)


def connect_by_tcp(target: Target) -> bytes:
    with socket.create_connection(("127.0.0.1", target.port), timeout=10) as connection:
        return connection.recv(target.length)


def send_by_udp(target: Target) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.sendto(b"what was read", ("127.0.0.1", target.port))
    return b"SECRET"


def connect_by_unix_socket(target: Target) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(target.folder / "socket"))
        return connection.recv(target.length)


def pair_sockets(_target: Target) -> bytes:
    for end in socket.socketpair():
        end.close()
    return b"SECRET"


def read_another_file(target: Target) -> bytes:
    return (target.folder / "secret").read_bytes()


def read_another_file_by_a_way_round(target: Target) -> bytes:
    with os.scandir("/") as entries:
        next(entries)
    return Path("/proc/self/root", *target.folder.parts[1:], "secret").read_bytes()


def list_another_folder(target: Target) -> bytes:
    return b"SECRET" if os.listdir(target.folder) else b""  # noqa: PTH208 - the call itself is what is tried


def make_a_file(target: Target) -> bytes:
    (target.folder / "made").write_bytes(b"for the next document")
    return b"SECRET"


def make_a_file_without_a_name(target: Target) -> bytes:
    os.close(os.open(target.folder, os.O_RDWR | os.O_TMPFILE))
    return b"SECRET"


def change_a_file(target: Target) -> bytes:
    with (target.folder / "changeable").open("ab") as stream:
        stream.write(b"changed")
    return b"SECRET"


def cut_a_file(target: Target) -> bytes:
    os.truncate(target.folder / "changeable", 0)
    return b"SECRET"


def make_a_folder(target: Target) -> bytes:
    (target.folder / "folder").mkdir()
    return b"SECRET"


def make_a_link(target: Target) -> bytes:
    (target.folder / "link").symlink_to("/")
    return b"SECRET"


def delete_a_file(target: Target) -> bytes:
    (target.folder / "changeable").unlink()
    return b"SECRET"


def rename_a_file(target: Target) -> bytes:
    (target.folder / "changeable").rename(target.folder / "renamed")
    return b"SECRET"


def change_the_rights_of_a_file(target: Target) -> bytes:
    (target.folder / "changeable").chmod(0o777)
    return b"SECRET"


def start_a_program(_target: Target) -> bytes:
    return subprocess.run(["/bin/sh", "-c", "printf SECRET"], capture_output=True, check=True).stdout


def become_a_program(_target: Target) -> bytes:
    os.execv("/bin/sh", ["/bin/sh", "-c", "printf SECRET"])  # noqa: S606 - the call itself is what is tried


def leave_a_process(_target: Target) -> bytes:
    if os.fork() == 0:
        os._exit(0)
    return b"SECRET"


def signal_the_function(target: Target) -> bytes:
    os.kill(target.process, signal.SIGURG)  # by default it does nothing
    return b"SECRET"


def signal_the_group(_target: Target) -> bytes:
    os.killpg(0, signal.SIGURG)
    return b"SECRET"


ALL: dict[str, Callable[[Target], bytes]] = {
    attack.__name__: attack
    for attack in (
        *(read_environment, read_memory_as_file, read_memory_by_call, read_memory_as_debugger, read_map),
        *(open_descriptor_of_the_function, take_descriptor_of_the_function, use_inherited_descriptor),
        *(connect_by_tcp, send_by_udp, connect_by_unix_socket, pair_sockets),
        *(read_another_file, read_another_file_by_a_way_round, list_another_folder),
        *(make_a_file, make_a_file_without_a_name, change_a_file, cut_a_file, make_a_folder, make_a_link),
        *(delete_a_file, rename_a_file, change_the_rights_of_a_file),
        *(start_a_program, become_a_program, leave_a_process, signal_the_function, signal_the_group),
    )
}


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
