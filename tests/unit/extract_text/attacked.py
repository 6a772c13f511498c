"""Run by itself: plays a function whose reader was hijacked, and prints how each attack of `attacks.py` went, as JSON.

`KEY=SECRET python -m tests.unit.extract_text.attacked FOLDER USER BARRIERS`, where USER is an id to run as, or -1 for
the one there is, and BARRIERS is `null` for none, or the fields of `KernelSupport` as JSON.
"""

import ctypes
import encodings.idna  # noqa: F401 - connecting needs it, and a user without rights cannot import it
import errno
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from readers import linux
from readers.barriers import Confinement, KernelSupport
from tests.unit.extract_text import attacks
from tests.unit.extract_text.attacks import Target

SECRET = b"SECRET"
Attack = Callable[[Target], bytes]
_PR_SET_DUMPABLE, _PR_SET_PTRACER, _ANY = 4, 0x59616D61, ctypes.c_ulong(-1)


def become(user: int) -> None:
    """Drops root's rights and leaves the process as open as one that this user has started."""
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)


@contextmanager
def served(*listeners: socket.socket) -> Iterator[None]:
    """Sends SECRET to each client, as Lambda's interface sends the next event."""
    server = os.fork()
    if server == 0:
        while True:
            for listener in select.select(listeners, [], [])[0]:
                connection, _ = listener.accept()
                connection.sendall(SECRET)
                connection.close()
    try:
        yield
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)


def outcome(attack: Attack, target: Target) -> str:
    """Returns `reached`, `nothing`, or the name of the error that stopped an attack."""
    try:
        return "reached" if SECRET in attack(target) else "nothing"
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, type(error).__name__)


def attempted(
    attack: Attack, target: Target, barriers: KernelSupport | None, memory: "ctypes.Array[ctypes.c_char]"
) -> str:
    """Returns the outcome of an attack from a child process."""
    reset(target.folder)
    (go, ready), (reading, writing) = os.pipe(), os.pipe()
    memory.raw = b"-" * target.length  # the child has a copy of this, and not of what is written next
    confinement = Confinement(barriers) if barriers else None
    child = os.fork()
    if child == 0:
        try:
            os.read(go, 1)
            os.dup2(writing, 1)
            if confinement:
                confinement.enter([])
            os.write(1, outcome(attack, target).encode())
        finally:
            os._exit(0)
    memory.raw = SECRET
    os.write(ready, b"!")
    for descriptor in (go, ready, writing):
        os.close(descriptor)
    assert not confinement or confinement.wait_for(child, 60)
    with os.fdopen(reading, "rb") as stream:
        found = stream.read().decode()
    os.waitpid(child, 0)
    return "reached" if found.startswith("SECRET") else found


def reset(folder: Path) -> None:
    """Reverts the changes of an attack to the folder."""
    for entry in folder.iterdir():
        if entry.name in {"made", "folder", "link", "renamed"}:
            entry.rmdir() if entry.name == "folder" else entry.unlink()
    (folder / "changeable").write_bytes(b"unchanged")


def main() -> None:
    folder, user, barriers = Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    if user >= 0:
        become(user)
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)  # where Yama is, a child may not debug its parent by itself
    (folder / "secret").write_bytes(SECRET)
    tcp, udp = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(tcp.getsockname())
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(folder / "socket"))
    unix.listen()
    memory = ctypes.create_string_buffer(len(SECRET))
    descriptor = os.open(folder / "secret", os.O_RDONLY)
    port = tcp.getsockname()[1]
    target = Target(os.getpid(), ctypes.addressof(memory), len(SECRET), descriptor, port, folder)
    if barriers:
        linux.close_process()
    with served(tcp, unix):
        found = {
            name: attempted(attack, target, barriers and KernelSupport(**barriers), memory)
            for name, attack in attacks.ALL.items()
        }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
