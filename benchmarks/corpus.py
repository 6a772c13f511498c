"""Reads every file below a folder as the workflow does, and checks what must hold for every chunk.

`make corpus CORPUS=<folder>`; with no folder it reads one sample of each format. It ends with 1 where something does
not hold or where anything but a bad document comes up.
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
from benchmarks.way import Trip, Way
from cli.output import make_console, number_text, printable, table
from onggi.domain.errors import BadDocument
from tests.files.samples import MAKERS, make_sample

USAGE = "No folder was named, so samples are read; `make corpus CORPUS=<folder>` reads your own files."
TOTAL = "all"
MEGABYTE = 1_000_000
COLUMNS = ("format", "files", "text", "OCR pages", "errors", "pages", "pages/s", "peak MB", "chunks")


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of one file.

    Attributes:
        format: its family as detected, or its suffix.
        code: of the error; None where it was read.
        cause: what a reader raised that is no published error.
        needs_ocr: pages that show something and hold no text.
        wrong: what should hold and does not, or what should never have been raised.
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
    wrong: tuple[str, ...] = ()


@dataclass(slots=True)
class Sum:
    """What is known of all files of one format."""

    files: int = 0
    with_text: int = 0
    needs_ocr_pages: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    seconds: float = 0.0
    peak_bytes: int = 0
    chunks: int = 0
    wrong: int = 0

    def add(self, reading: Reading) -> Self:
        """Counts a file in."""
        self.files += 1
        self.with_text += reading.chunks > 0
        self.needs_ocr_pages += reading.needs_ocr
        if reading.code:
            self.errors[reading.code] += 1
        self.pages += reading.pages
        self.seconds += reading.seconds
        self.peak_bytes = max(self.peak_bytes, reading.peak_bytes)
        self.chunks += reading.chunks
        self.wrong += len(reading.wrong)
        return self

    @property
    def pages_per_second(self) -> float:
        """Pages by wall clock; files that could not be read take their time, too."""
        return self.pages / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """The sum for programs."""
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
            "wrong": self.wrong,
        }


def main() -> int:
    """Reads the folder that the command line names and returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="where the files lie (default: samples of all formats)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--verbose", action="store_true", help="print a line for each file, with its name")
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/corpus.json")
    arguments = parser.parse_args()
    if arguments.folder and not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is no folder.")
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
    return tell_what_is_wrong(readings)


@contextmanager
def folder_or_samples(folder: Path | None) -> Iterator[Path]:
    """The folder, or one for a moment with a sample of each format."""
    if folder is not None:
        yield folder
        return
    print(USAGE, file=sys.stderr)
    with tempfile.TemporaryDirectory() as temporary:
        for name in MAKERS:
            Path(temporary, name).write_bytes(make_sample(name))
        yield Path(temporary)


def read_all(folder: Path) -> Iterator[Reading]:
    """Every file below a folder, in the order of their names; a bar shows how far it is, on a terminal."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    way = Way()
    console = make_console(sys.stderr)
    try:
        for file in track(files, "reading", console=console, disable=not sys.stderr.isatty(), transient=True):
            yield read_one(way, file, str(file.relative_to(folder)))
    finally:
        way.close()


def read_one(way: Way, file: Path, name: str) -> Reading:
    """One file, copied to a folder of its own, as the workflow's step has it."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary, "document")
        shutil.copyfile(file, copy)
        return reading_of(way.go(copy, name), name)


def reading_of(trip: Trip, name: str) -> Reading:
    """What is kept of a document's way."""
    extracted, error = trip.extracted, trip.error
    wrong = violations(extracted, trip.chunks) if extracted else []
    if error and not isinstance(error, BadDocument):
        wrong.append(f"raised {type(error).__name__}")
    return Reading(
        name,
        trip.family or suffix_of(name),
        code=error.code if isinstance(error, BadDocument) else None,
        cause=" ".join(getattr(error, "__notes__", [])),
        pages=len(extracted.page_starts) if extracted else 0,
        needs_ocr=len(extracted.needs_ocr) if extracted else 0,
        chunks=len(trip.chunks),
        seconds=trip.seconds,
        peak_bytes=trip.peak_bytes,
        attempts=len(trip.reads),
        wrong=tuple(wrong),
    )


def suffix_of(name: str) -> str:
    """What a file is called that no family claims."""
    return Path(name).suffix.lower() or "no suffix"


def sums_by_format(readings: Iterable[Reading]) -> dict[str, Sum]:
    """The sums of each format, the one with the most files first, and of all files last."""
    sums: dict[str, Sum] = {}
    total = Sum()
    for reading in readings:
        sums.setdefault(reading.format, Sum()).add(reading)
        total.add(reading)
    return dict(sorted(sums.items(), key=lambda entry: (-entry[1].files, entry[0]))) | {TOTAL: total}


def report(sums: dict[str, Sum]) -> dict[str, Any]:
    """The sums for programs."""
    formats = {name: found.to_json() for name, found in sums.items() if name != TOTAL}
    return {"date": today(), "machine": machine(), "formats": formats, "total": sums[TOTAL].to_json()}


def show(sums: dict[str, Sum]) -> None:
    """Prints the sums for people."""
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
    """One file for people."""
    outcome = reading.code or f"{reading.pages} pages"
    more = [f"{reading.attempts} attempts"] if reading.attempts > 1 else []
    more += [reading.cause] if reading.cause else []
    more += reading.wrong
    return "  ".join([f"{reading.seconds * 1000:8.1f} ms", f"{reading.format:<9}", outcome, reading.name, *more])


def tell_what_is_wrong(readings: Iterable[Reading]) -> int:
    """Prints what does not hold, without names of files, and returns the exit status."""
    wrong = [f"{reading.format}: {sentence}" for reading in readings for sentence in reading.wrong]
    for sentence, times in Counter(wrong).most_common():
        print(f"{sentence} ({times} times)" if times > 1 else sentence, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
