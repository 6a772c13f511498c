"""The protocol of the contenders' processes: file paths on standard input, readings as JSON on standard output.

Standard library only: each contender runs in its own environment.
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
"""The timeout of one file, for every contender."""

MEMORY = 4 << 30
"""The limit of address space in bytes: a hostile file must not exhaust the machine."""

type Read = Callable[[Path], int]
"""Reads a file; returns the number of pages, or 0 if it is not known."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of one file.

    Attributes:
        error: Name of the exception, `timeout` or `crash`; None if the file was read.
    """

    pages: int = 0
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    error: str | None = None


def warm_up_file() -> Path:
    """Returns a small PDF that a contender reads first, so that one-time costs count for no file."""
    return Path(sys.argv[1])


def serve(measure: Callable[[Path], Reading], *packages: str) -> None:
    """Prints the packages' versions, then measures each file until the input ends."""
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)  # libraries print to standard output
    print(json.dumps({package: version(package) for package in packages}), file=output, flush=True)
    for line in sys.stdin:
        print(json.dumps(asdict(measure(Path(json.loads(line))))), file=output, flush=True)


def forked(prepare: Callable[[], Read]) -> Callable[[Path], Reading]:
    """Returns a function that measures a file in a forked child, so that files share no memory, caches or crash.

    Args:
        prepare: Called in the child before the measurement; returns the reader.
    """

    def measure(file: Path) -> Reading:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _work(prepare, file, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            in_time, _, _ = select.select([pipe], [], [], SECONDS)
            if not in_time:
                os.kill(child, signal.SIGKILL)
            content = pipe.read()
        os.waitpid(child, 0)
        if not in_time:
            return Reading(error="timeout")
        return Reading(**json.loads(content)) if content else Reading(error="crash")

    return measure


def _work(prepare: Callable[[], Read], file: Path, writing: int) -> NoReturn:
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries write warnings
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.write(writing, json.dumps(asdict(_timed(prepare(), file))).encode())
    finally:
        os._exit(0)


def _timed(read: Read, file: Path) -> Reading:
    began, began_cpu = time.perf_counter(), time.process_time()
    try:
        pages, error = read(file), None
    except Exception as raised:  # libraries raise various exceptions for damaged files
        pages, error = 0, type(raised).__name__
    return Reading(pages, time.process_time() - began_cpu, time.perf_counter() - began, error)
