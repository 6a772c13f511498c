"""Reads every file below a folder as the workflow does, and checks the invariants of its chunks.

`make corpus CORPUS=<folder>`; without a folder, it reads one sample of each format. The exit status is 1 if an
invariant is violated or an error other than `BadDocument` is raised.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from rich.progress import track

from benchmarks.invariants import violations
from benchmarks.machine import RESULTS, machine, today
from benchmarks.pipeline import Pipeline, PipelineResult
from cli.output import make_console, number_text, printable, table
from onggi.domain.errors import BadDocument
from tests.files.samples import MAKERS, make_sample

USAGE = "No folder was given, so samples are read; `make corpus CORPUS=<folder>` reads your own files."
TOTAL = "all"
MEGABYTE = 1_000_000
COLUMNS = ("format", "files", "text", "OCR pages", "errors", "pages", "pages/s", "peak MB", "chunks")


@dataclass(frozen=True, slots=True)
class Reading:
    """The outcome of one file.

    Attributes:
        format: The detected format, or the suffix.
        code: The error code, or None if the file was read.
        cause: The exception of a reader that has no error code.
        needs_ocr: Number of pages with content but without text.
        violations: Violated invariants and unexpected exceptions.
    """

    name: str
    format: str
    code: str | None = None
    cause: str = ""
    pages: int = 0
    needs_ocr: int = 0
    chunks: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    attempts: int = 0
    violations: tuple[str, ...] = ()


@dataclass(slots=True)
class Sum:
    """The sums of all files of one format."""

    files: int = 0
    with_text: int = 0
    needs_ocr_pages: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    chunks: int = 0
    violations: int = 0

    def add(self, reading: Reading) -> Self:
        """Adds a file."""
        self.files += 1
        self.with_text += reading.chunks > 0
        self.needs_ocr_pages += reading.needs_ocr
        if reading.code:
            self.errors[reading.code] += 1
        self.pages += reading.pages
        self.seconds += reading.seconds
        self.peak_bytes = max(self.peak_bytes, reading.peak_bytes)
        self.chunks += reading.chunks
        self.violations += len(reading.violations)
        return self

    @property
    def pages_per_second(self) -> float:
        """Pages per second of wall clock, including the time of files that could not be read."""
        return self.pages / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Returns the sums as a JSON object."""
        return {
            "files": self.files,
            "with_text": self.with_text,
            "needs_ocr_pages": self.needs_ocr_pages,
            "errors": dict(sorted(self.errors.items())),
            "pages": self.pages,
            "seconds": round(self.seconds, 3),
            "pages_per_second": round(self.pages_per_second, 1),
            "peak_mb": round(self.peak_bytes / MEGABYTE, 1),
            "chunks": self.chunks,
            "wrong": self.violations,
        }


def main() -> int:
    """Reads the folder of the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "folder", type=Path, nargs="?", help="the folder of the files (default: samples of all formats)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--verbose", action="store_true", help="print a line for each file, with its name")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/corpus.json")
    arguments = parser.parse_args()
    if arguments.folder and not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder.")
    with folder_or_samples(arguments.folder) as folder:
        readings = []
        for reading in read_all(folder):
            readings.append(reading)
            if arguments.verbose:
                print(printable(line(reading)), file=sys.stderr, flush=True)
    sums = sums_by_format(readings)
    if arguments.write:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "corpus.json").write_text(json.dumps(report(sums), indent=2) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(report(sums), indent=2))
    else:
        show(sums)
    return report_violations(readings)


@contextmanager
def folder_or_samples(folder: Path | None) -> Iterator[Path]:
    """Yields the folder, or a temporary one with a sample of each format."""
    if folder is not None:
        yield folder
        return
    print(USAGE, file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        for name in MAKERS:
            Path(temporary, name).write_bytes(make_sample(name))
        yield Path(temporary)


def read_all(folder: Path) -> Iterator[Reading]:
    """Yields the outcome of every file below a folder, sorted by path, and shows a progress bar on a terminal."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    pipeline = Pipeline()
    console = make_console(sys.stderr)
    try:
        for file in track(files, "reading", console=console, disable=not sys.stderr.isatty(), transient=True):
            yield read_one(pipeline, file, str(file.relative_to(folder)))
    finally:
        pipeline.close()


def read_one(pipeline: Pipeline, file: Path, name: str) -> Reading:
    """Returns the outcome of one file, which is copied to its own folder as in the workflow's step."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "document")
        shutil.copyfile(file, copy)
        return reading_of(pipeline.run(copy, name), name)


def reading_of(result: PipelineResult, name: str) -> Reading:
    """Returns the outcome of a pipeline run."""
    extracted, error = result.extracted, result.error
    found = violations(extracted, result.chunks) if extracted else []
    if error and not isinstance(error, BadDocument):
        found.append(f"raised {type(error).__name__}")
    return Reading(
        name,
        result.family or suffix_of(name),
        code=error.code if isinstance(error, BadDocument) else None,
        cause=" ".join(getattr(error, "__notes__", [])),
        pages=len(extracted.page_starts) if extracted else 0,
        needs_ocr=len(extracted.needs_ocr) if extracted else 0,
        chunks=len(result.chunks),
        seconds=result.seconds,
        peak_bytes=result.peak_bytes,
        attempts=len(result.reads),
        violations=tuple(found),
    )


def suffix_of(name: str) -> str:
    """Returns the suffix of a file, as the format of an undetected one."""
    return Path(name).suffix.lower() or "no suffix"


def sums_by_format(readings: Iterable[Reading]) -> dict[str, Sum]:
    """Returns the sums of each format, most files first, and of all files last."""
    sums: dict[str, Sum] = {}
    total = Sum()
    for reading in readings:
        sums.setdefault(reading.format, Sum()).add(reading)
        total.add(reading)
    return dict(sorted(sums.items(), key=lambda entry: (-entry[1].files, entry[0]))) | {TOTAL: total}


def report(sums: dict[str, Sum]) -> dict[str, Any]:
    """Returns the report as a JSON object."""
    formats = {name: found.to_json() for name, found in sums.items() if name != TOTAL}
    return {"date": today(), "machine": machine(), "formats": formats, "total": sums[TOTAL].to_json()}


def show(sums: dict[str, Sum]) -> None:
    """Prints the sums as a table."""
    rows = (
        (
            name,
            number_text(found.files),
            number_text(found.with_text),
            number_text(found.needs_ocr_pages),
            ", ".join(f"{code} {count}" for code, count in found.errors.most_common()),
            number_text(found.pages),
            f"{found.pages_per_second:,.0f}",
            f"{found.peak_bytes / MEGABYTE:,.0f}",
            number_text(found.chunks),
        )
        for name, found in sums.items()
    )
    make_console(sys.stdout).print(table(COLUMNS, rows, right=set(COLUMNS) - {"format", "errors"}))


def line(reading: Reading) -> str:
    """Returns the outcome of one file as a line."""
    outcome = reading.code or f"{reading.pages} pages"
    more = [f"{reading.attempts} attempts"] if reading.attempts > 1 else []
    more += [reading.cause] if reading.cause else []
    more += reading.violations
    return "  ".join([f"{reading.seconds * 1000:8.1f} ms", f"{reading.format:<9}", outcome, reading.name, *more])


def report_violations(readings: Iterable[Reading]) -> int:
    """Prints the violations without file names; returns the exit status."""
    lines = [f"{reading.format}: {sentence}" for reading in readings for sentence in reading.violations]
    for sentence, times in Counter(lines).most_common():
        print(f"{sentence} ({times} times)" if times > 1 else sentence, file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
