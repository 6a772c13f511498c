"""Compares the extraction of text and chunks from PDFs: bare pdfium, this project, LangChain and markitdown.

`make bench CORPUS=<folder>`, or `python -m benchmarks.extraction --corpus <folder>`. Each file is read by all
contenders in turn, in rounds, so that other load affects all of them. Only files that all have read count.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from operator import truediv
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.contenders.harness import SECONDS, Reading
from benchmarks.contenders.processes import ENVIRONMENTS, Contender, ContenderError, own_environment, running
from benchmarks.machine import REPOSITORY, RESULTS, machine, today
from cli.demo.pdf import LINES_PER_PAGE, make_pdf
from cli.output import make_console

NO_CORPUS = (
    "No folder was given, so nothing is compared and no result is written:"
    " `make bench CORPUS=<folder>` reads its PDFs of 5 to 500 pages."
)
RESULT = RESULTS / "extraction.json"
OURS, BARE, LANGCHAIN, MARKITDOWN = "onggi", "pdfium", "pypdfloader", "markitdown"
TITLES = {
    BARE: "bare pdfium (text only)",
    OURS: "Onggi (bytes to chunks, sandboxed)",
    LANGCHAIN: "PyPDFLoader + splitter",
    MARKITDOWN: "markitdown (no chunks)",
}
GOALS = {LANGCHAIN: 10.0, BARE: 0.5}
"""The goal of this project, as a multiple of the contender's pages per second."""

MIN_PAGES = 5
"""Shorter files mainly measure the start of a reader."""
MAX_PAGES = 500
"""Longer files would exceed the timeout of some contenders."""
ENOUGH_PAGES = 1000
"""The total number of pages; further files of the folder are left out."""
MAX_ROUNDS = 5
BUDGET_SECONDS = 480.0
"""For all rounds: the first one stops at this time, and no further one starts that would exceed it."""

LONG_PAGES = 2500
BAR_WIDTH = 40

type Readings = dict[str, dict[Path, list[Reading]]]


@dataclass(frozen=True, slots=True)
class Sample:
    """The files to read.

    Attributes:
        pages: Number of pages of each file by pdfium, in reading order.
        looked_at: Number of PDFs examined until there were enough pages.
        of: Number of different PDFs in the folder.
    """

    pages: Mapping[Path, int]
    looked_at: int
    of: int


def main() -> None:
    """Measures, prints tables and, if a folder was given, writes the results to `benchmarks/results/`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description=__doc__.partition("\n")[0])
    parser.add_argument("--corpus", default=os.environ.get("CORPUS"), help="a folder with PDFs (default: $CORPUS)")
    corpus = parser.parse_args().corpus
    result: dict[str, Any] = {"date": today(), "machine": machine()}
    if corpus:
        try:
            result["side_by_side"] = compare(Path(corpus))
        except ContenderError as error:
            sys.exit(str(error))
        print(table(result["side_by_side"]))
    else:
        print(NO_CORPUS)
    result |= own_cost()
    print(own_cost_table(result))
    if corpus:
        RESULTS.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def compare(folder: Path) -> dict[str, Any]:
    """Measures all contenders on the PDFs below a folder."""
    with running(list(ENVIRONMENTS)) as contenders:
        bare = next(contender for contender in contenders if contender.name == BARE)
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() == ".pdf" and file.is_file())
        sample = select_sample(files, lambda file: bare.read(file).pages)
        if not sample.pages:
            sys.exit(
                f"No PDF in {folder} has {MIN_PAGES} to {MAX_PAGES} pages that pdfium reads; choose another folder."
            )
        readings, rounds = read_in_rounds(contenders, list(sample.pages))
        versions = {contender.name: dict(contender.versions) for contender in contenders}
    return summary(readings, sample, rounds) | {"versions": versions}


def select_sample(files: Iterable[Path], pages_of: Callable[[Path], int]) -> Sample:
    """Returns PDFs in the order of their hashes, which is pseudo-random and the same on every machine."""
    by_content = {hashlib.sha256(file.read_bytes()).hexdigest(): file for file in files}
    pages: dict[Path, int] = {}
    looked_at = 0
    for _, file in sorted(by_content.items()):
        if sum(pages.values()) >= ENOUGH_PAGES:
            break
        looked_at += 1
        count = pages_of(file)
        if MIN_PAGES <= count <= MAX_PAGES:
            pages[file] = count
    return Sample(pages, looked_at, len(by_content))


def read_in_rounds(contenders: Sequence[Contender], files: Sequence[Path]) -> tuple[Readings, int]:
    """Returns all readings and the number of rounds; the first contender changes with every file and round."""
    readings: Readings = {contender.name: {} for contender in contenders}
    began = time.monotonic()
    rounds = 0
    with Progress(console=make_console(sys.stderr), transient=True, disable=not sys.stderr.isatty()) as progress:
        while rounds < MAX_ROUNDS and (time.monotonic() - began) * (rounds + 1) <= BUDGET_SECONDS * max(rounds, 1):
            for number, file in progress.track(list(enumerate(files)), description=f"round {rounds + 1}"):
                if time.monotonic() - began > BUDGET_SECONDS:
                    break
                first = (number + rounds) % len(contenders)
                for contender in [*contenders[first:], *contenders[:first]]:
                    readings[contender.name].setdefault(file, []).append(contender.read(file))
            rounds += 1
    return readings, rounds


def summary(readings: Readings, sample: Sample, rounds: int) -> dict[str, Any]:
    """Returns the sums of the medians of those files that all contenders have read in every round."""
    tried = readings[OURS]
    common = [file for file in tried if all(is_read(readings[name][file]) for name in readings)]
    pages = sum(sample.pages[file] for file in common)
    contenders = {
        name: figures([by_file[file] for file in common], pages) | {"errors": errors(by_file.values())}
        for name, by_file in readings.items()
    }
    return {
        "files": {
            "in_the_folder": sample.of,
            "looked_at": sample.looked_at,
            "of_5_to_500_pages": len(sample.pages),
            "tried": len(tried),
            "read_by_all": len(common),
        },
        "pages": pages,
        "rounds": rounds,
        "seconds_allowed_a_file": SECONDS,
        "contenders": contenders,
        "ratios": {name: ratios(readings[OURS], readings[name], common) for name in readings if name != OURS},
    }


def is_read(readings: Iterable[Reading]) -> bool:
    """Returns whether a file was read in every round."""
    return all(reading.error is None for reading in readings)


def figures(files: Sequence[Sequence[Reading]], pages: int) -> dict[str, float]:
    """Returns the seconds of all files, per page and as pages per second."""
    cpu = sum(median_cpu(file) for file in files)
    wall_seconds = sum(median_wall_seconds(file) for file in files)
    return {
        "cpu_seconds": round(cpu, 3),
        "wall_seconds": round(wall_seconds, 3),
        "cpu_ms_a_page": round(cpu / pages * 1000, 3) if pages else 0.0,
        "pages_per_cpu_second": round(pages / cpu, 1) if cpu else 0.0,
        "pages_per_second": round(pages / wall_seconds, 1) if wall_seconds else 0.0,
    }


def errors(files: Iterable[Sequence[Reading]]) -> dict[str, int]:
    """Returns the number of files that could not be read, by the first error."""
    first = (next((reading.error for reading in file if reading.error), None) for file in files)
    return dict(Counter(error for error in first if error).most_common())


def ratios(
    ours: Mapping[Path, Sequence[Reading]], theirs: Mapping[Path, Sequence[Reading]], files: Sequence[Path]
) -> dict[str, float]:
    """Returns how many times as fast this project is, over all pages and for the median file."""
    if not files:
        return {}
    our_cpu, their_cpu = ([median_cpu(side[file]) for file in files] for side in (ours, theirs))
    our_wall_seconds, their_wall_seconds = (
        [median_wall_seconds(side[file]) for file in files] for side in (ours, theirs)
    )
    return {
        "cpu": round(sum(their_cpu) / sum(our_cpu), 2),
        "wall": round(sum(their_wall_seconds) / sum(our_wall_seconds), 2),
        "cpu_of_the_median_file": round(statistics.median(map(truediv, their_cpu, our_cpu)), 2),
        "wall_of_the_median_file": round(statistics.median(map(truediv, their_wall_seconds, our_wall_seconds)), 2),
    }


def median_cpu(readings: Iterable[Reading]) -> float:
    """Returns the median of a file's CPU seconds."""
    return statistics.median(reading.cpu_seconds for reading in readings)


def median_wall_seconds(readings: Iterable[Reading]) -> float:
    """Returns the median of a file's wall-clock seconds."""
    return statistics.median(reading.wall_seconds for reading in readings)


def own_cost() -> dict[str, Any]:
    """Returns the cost of the sandbox and of a long PDF, measured in a separate process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "long.pdf")
        # In a separate process, since the memory of this one would count for the process that it forks.
        maker = get_context("spawn").Process(target=write_long_pdf, args=(file,))
        maker.start()
        maker.join()
        measured = subprocess.run(
            [sys.executable, "-m", "benchmarks.contenders.own_cost", file],
            cwd=REPOSITORY,
            env=own_environment(),
            stdout=subprocess.PIPE,
            check=True,
        )
    found: dict[str, Any] = json.loads(measured.stdout)
    return found


def write_long_pdf(file: Path) -> None:
    """Writes a PDF of LONG_PAGES pages."""
    file.write_bytes(make_pdf([page_text(number) for number in range(1, LONG_PAGES + 1)], title="A long report"))


def page_text(number: int) -> str:
    """Returns the text of a full page, Korean and English; all lines differ."""
    lines = (
        f"{number}쪽 {line}행: 펌프 {number * 31 + line}호의 압력은 {line * 13 + 7}바이고 점검은 매달 한다."
        if line % 2
        else f"Page {number}, line {line}: pump {number * 31 + line} holds {line * 13 + 7} bar and is checked monthly."
        for line in range(LINES_PER_PAGE)
    )
    return "\n".join(lines)


def table(found: dict[str, Any]) -> str:
    """Returns a table of the contenders with bars."""
    files, contenders = found["files"], found["contenders"]
    headline = (
        f"{files['in_the_folder']:,} different PDFs, {files['looked_at']:,} examined,"
        f" {files['of_5_to_500_pages']:,} of {MIN_PAGES} to {MAX_PAGES} pages, {files['tried']:,} tried,"
        f" {files['read_by_all']:,} read by all: {found['pages']:,} pages, {found['rounds']} rounds"
    )
    lines = [
        headline,
        "",
        f"{'':<32}{'pages/s':>9}{'CPU ms/page':>13}",
    ]
    fastest = max((entry["pages_per_second"] for entry in contenders.values()), default=0.0) or 1.0
    for name, entry in contenders.items():
        bar = "█" * max(1, round(entry["pages_per_second"] / fastest * BAR_WIDTH))
        lines.append(f"{TITLES[name]:<32}{entry['pages_per_second']:>9,.0f}{entry['cpu_ms_a_page']:>13.2f}  {bar}")
        lines += [f"    {error}: {count} files" for error, count in entry["errors"].items()]
    lines += ["", f"{'Onggi, times as fast as':<32}{'CPU':>9}{'wall':>13}"]
    lines += [
        f"{TITLES[name]:<32}{ratio['cpu']:>9.2f}{ratio['wall']:>13.2f}"
        + (f"  goal {GOALS[name]:g}: {'reached' if ratio['cpu'] >= GOALS[name] else 'missed'}" if name in GOALS else "")
        for name, ratio in found["ratios"].items()
        if ratio
    ]
    return "\n".join([*lines, ""])


def own_cost_table(result: dict[str, Any]) -> str:
    """Returns the costs of this project as text."""
    sandbox, long_pdf = result["sandbox"], result["long_pdf"]
    return (
        f"the sandbox: {sandbox['call_ms']:.1f} ms per call, {sandbox['first_call_ms']:.0f} ms for the first\n"
        f"a text PDF of {long_pdf['pages']:,} pages, {long_pdf['megabytes']} MB, {long_pdf['chunks']:,} chunks:\n"
        f"    {long_pdf['cpu_seconds']:.1f} CPU s in {long_pdf['seconds']:.1f} s of wall clock,"
        f" {long_pdf['reader_peak_mb']:.0f} MB at most for the reader, {long_pdf['splitter_peak_mb']:.0f} for the rest"
    )


if __name__ == "__main__":
    main()
