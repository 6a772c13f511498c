"""Contenders as running processes: each has its environment, starts once, and reads one file after another."""

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
"""Where each contender, a module beside this one, finds its packages."""


class ContenderError(Exception):
    """A contender does not start or has ended; its own words went to standard error."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A contender that reads files.

    Attributes:
        versions: of the packages that it uses.
    """

    name: str
    process: subprocess.Popen[str]
    versions: Mapping[str, str]

    def read(self, file: Path) -> Reading:
        """How reading a file went."""
        if self.process.stdin is None:
            raise ContenderError(f"{self.name} takes no files.")
        self.process.stdin.write(json.dumps(str(file)) + "\n")
        self.process.stdin.flush()
        return Reading(**json.loads(answer_of(self.name, self.process)))


@contextmanager
def running(names: Sequence[str]) -> Iterator[list[Contender]]:
    """Contenders, started one after another; they end with the block.

    Raises:
        ContenderError: when one does not start.
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
        yield Contender(name, process, json.loads(answer_of(name, process)))
        if process.stdin:
            process.stdin.close()  # it ends by itself


def own_environment() -> dict[str, str]:
    """This process's environment, with the path on which the functions' own modules are found."""
    return {**os.environ, "PYTHONPATH": OWN_PATH}


def answer_of(name: str, process: subprocess.Popen[str]) -> str:
    """The next line that a contender says.

    Raises:
        ContenderError: when it says nothing any more.
    """
    answer = process.stdout.readline() if process.stdout else ""
    if not answer:
        raise ContenderError(f"{name} has ended; why stands above.")
    return answer
