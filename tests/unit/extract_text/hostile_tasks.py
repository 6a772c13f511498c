"""Tasks that behave as parsers do with hostile files, for tests of the sandbox."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from onggi.domain.errors import BadDocument
from readers import attachment


def prepare() -> list[int]:
    return [attachment.descriptor()]


def echo(value: Any) -> Any:
    return value


def refuse() -> NoReturn:
    raise BadDocument("encrypted")


def stumble() -> NoReturn:
    raise KeyError("a secret of the document")


def abort() -> NoReturn:
    os.abort()


def kill() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def leave() -> NoReturn:
    os._exit(0)


def eat_memory() -> int:
    return len(bytearray(1 << 34))


def burn() -> NoReturn:
    while True:
        pass


def hang() -> NoReturn:
    while True:
        time.sleep(3600)


def hide_and_hang() -> NoReturn:
    os.closerange(0, 64)
    hang()


def answer_with(text: str) -> NoReturn:
    """Writes to all open descriptors and exits as if the task had succeeded."""
    for descriptor in range(3, 64):
        with suppress(OSError):
            os.write(descriptor, text.encode())
    os._exit(0)


def attach(content: str) -> str:
    """Replaces the content of the file for attachments, and returns what it was before."""
    before = os.pread(attachment.descriptor(), 100, 0).decode()
    attachment.store(content.encode())
    return before


def environment() -> dict[str, str]:
    return dict(os.environ)


def environment_of_the_function() -> str:
    _, _, facts = Path(f"/proc/{os.getppid()}/stat").read_text(encoding="utf-8").rpartition(")")
    return Path(f"/proc/{facts.split()[1]}/environ").read_bytes().decode()


def open_descriptors() -> list[str]:
    return [str(Path(f"/proc/self/fd/{number}").readlink()) for number in (0, 1, 2)]


def parent_process() -> int:
    return os.getppid()


def print_a_lot() -> None:
    os.write(1, b"not JSON\n" * 100)


def recurse() -> None:
    recurse()
