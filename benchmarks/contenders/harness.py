"""What the processes of all contenders share: a file's path comes by standard input, how it was read goes out.

Standard library only: each contender runs in an environment of its own.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

SECONDS = 60.0
"""What reading one file may take, for every contender."""

MEMORY = 4 << 30
"""Bytes of address space for those that set themselves no limit: a hostile file must not take the machine down."""

type Read = Callable[[Path], int]
"""Reads a file; answers its pages, 0 where it does not tell."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How reading one file went.

    Attributes:
        error: what was raised, `timeout` or `crash`; None where it was read.
    """

    pages: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    error: str | None = None


def warm_up_file() -> Path:
    """A small PDF that a contender reads before it is measured: what a process does once no file has to bear."""
    return Path(sys.argv[1])


def serve(measure: Callable[[Path], Reading], *packages: str) -> None:
    """Tells that it is ready, with its packages' versions, then measures each file until its input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # libraries print
    print(json.dumps({package: version(package) for package in packages}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(asdict(measure(Path(json.loads(line))))), file=answers, flush=True)


def forked(prepare: Callable[[], Read]) -> Callable[[Path], Reading]:
    """Measures in a forked child a file, so that none has a share in another's memory, caches or crash.

    Args:
        prepare: what is done in the child before its time begins; answers what reads.
    """

    def measure(file: Path) -> Reading:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _work(prepare, file, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            in_time, _, _ = select.select([answer], [], [], SECONDS)
            if not in_time:
                os.kill(child, signal.SIGKILL)
            content = answer.read()
        os.waitpid(child, 0)
        if not in_time:
            return Reading(error="timeout")
        return Reading(**json.loads(content)) if content else Reading(error="crash")

    return measure


def _work(prepare: Callable[[], Read], file: Path, writing: int) -> NoReturn:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries warn
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(writing, json.dumps(asdict(_timed(prepare(), file))).encode())
    finally:
        os._exit(0)


def _timed(read: Read, file: Path) -> Reading:
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        pages, error = read(file), None
    except Exception as raised:  # what a library raises for a damaged file is its own affair
        pages, error = 0, type(raised).__name__
    return Reading(pages, time.process_time() - cpu, time.perf_counter() - wall, error)
