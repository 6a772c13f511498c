"""The contenders' processes: each runs in its own environment, starts once and reads one file after another."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.contenders.harness import Reading
from benchmarks.machine import REPOSITORY
from cli.demo.pdf import make_pdf

OWN_PATH: Final = ":".join(
    str(REPOSITORY / folder) for folder in ("layers/core", "functions/extract_text", "functions/chunk_text")
)
ENVIRONMENTS: Final = {
    "pdfium": ".venv",
    "onggi": ".venv",
    "pypdfloader": ".venvs/pypdfloader",
    "markitdown": ".venvs/markitdown",
}
"""The virtual environment of each contender, which is a module in this package."""


class ContenderError(Exception):
    """A contender did not start or has ended; its messages are on standard error."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A running contender.

    Attributes:
        versions: Versions of its packages.
    """

    name: str
    process: subprocess.Popen[str]
    versions: Mapping[str, str]

    def read(self, file: Path) -> Reading:
        """Returns the outcome of a file."""
        if self.process.stdin is None:
            raise ContenderError(f"{self.name} has no standard input.")
        self.process.stdin.write(json.dumps(str(file)) + "\n")
        self.process.stdin.flush()
        return Reading(**json.loads(next_line(self.name, self.process)))


@contextmanager
def running(names: Sequence[str]) -> Iterator[list[Contender]]:
    """Yields contenders that run during the block.

    Raises:
        ContenderError: One did not start.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        warm_up = Path(folder, "document.pdf")
        warm_up.write_bytes(make_pdf(["Warm up.", "몸을 푼다."], title="Warm up"))
        yield [stack.enter_context(_running(name, warm_up)) for name in names]


@contextmanager
def _running(name: str, warm_up: Path) -> Iterator[Contender]:
    python = REPOSITORY / ENVIRONMENTS[name] / "bin" / "python"
    if not python.exists():
        raise ContenderError(f"{name} is not installed; run `make {ENVIRONMENTS[name]}/installed`.")
    with subprocess.Popen(
        [python, "-W", "ignore", "-m", f"benchmarks.contenders.{name}", warm_up],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=REPOSITORY,
        env=own_environment(),
        encoding="utf-8",
    ) as process:
        yield Contender(name, process, json.loads(next_line(name, process)))
        if process.stdin:
            process.stdin.close()  # then it ends


def own_environment() -> dict[str, str]:
    """Returns this process's environment, with the functions' modules on the path."""
    return {**os.environ, "PYTHONPATH": OWN_PATH}


def next_line(name: str, process: subprocess.Popen[str]) -> str:
    """Returns the next line of a contender's output.

    Raises:
        ContenderError: The process has ended.
    """
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise ContenderError(f"{name} has ended; the reason is printed above.")
    return line
