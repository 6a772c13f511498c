import os
import time
from pathlib import Path

import pytest

from benchmarks import extraction
from benchmarks.contenders import harness
from benchmarks.contenders.harness import Read, Reading, forked
from benchmarks.extraction import BARE, LANGCHAIN, MARKITDOWN, OURS, Sample, page_text, select_sample, summary, table
from cli.demo.pdf import make_pdf

A, B, C = Path("a"), Path("b"), Path("c")


def readings_of(*seconds: float) -> list[Reading]:
    return [Reading(10, cpu_seconds=cpu, wall_seconds=2 * cpu) for cpu in seconds]


READINGS = {
    BARE: {A: readings_of(0.1), B: readings_of(0.3), C: readings_of(1.0)},
    OURS: {A: readings_of(0.9, 0.2, 0.1), B: readings_of(0.6), C: readings_of(1.0)},
    LANGCHAIN: {A: readings_of(2.0), B: readings_of(18.0), C: [*readings_of(1.0), Reading(error="timeout")]},
    MARKITDOWN: {A: readings_of(4.0), B: readings_of(4.0), C: readings_of(1.0)},
}


def test_the_summary_uses_medians_of_files_that_all_have_read() -> None:
    found = summary(READINGS, Sample({A: 10, B: 30, C: 50}, 8, of=9), rounds=1)

    assert found["files"] == {
        "in_the_folder": 9,
        "looked_at": 8,
        "of_5_to_500_pages": 3,
        "tried": 3,
        "read_by_all": 2,
    }
    assert found["pages"] == 40
    assert found["contenders"][OURS] == {
        "cpu_seconds": 0.8,
        "wall_seconds": 1.6,
        "cpu_ms_a_page": 20.0,
        "pages_per_cpu_second": 50.0,
        "pages_per_second": 25.0,
        "errors": {},
    }
    assert found["contenders"][LANGCHAIN]["errors"] == {"timeout": 1}


def test_ratios_are_of_the_sums_and_of_the_median_file() -> None:
    ratios = summary(READINGS, Sample({A: 10, B: 30, C: 50}, 3, of=3), rounds=1)["ratios"]

    assert ratios[LANGCHAIN] == {
        "cpu": 25.0,
        "wall": 25.0,
        "cpu_of_the_median_file": 20.0,
        "wall_of_the_median_file": 20.0,
    }
    assert ratios[BARE]["cpu"] == 0.5
    assert OURS not in ratios


def test_there_are_no_ratios_without_a_file_that_all_have_read() -> None:
    readings = {name: {A: [Reading(error="crash")]} for name in READINGS}

    found = summary(readings, Sample({A: 10}, 1, of=1), rounds=1) | {"versions": {}}

    assert found["ratios"] == {name: {} for name in (BARE, LANGCHAIN, MARKITDOWN)}
    assert "crash: 1 files" in table(found)


def test_the_table_shows_whether_a_goal_is_reached() -> None:
    shown = table(summary(READINGS, Sample({A: 10, B: 30, C: 50}, 3, of=3), rounds=1))

    assert "goal 10: reached" in shown
    assert "goal 0.5: reached" in shown


def test_the_sample_has_each_content_once_in_hash_order_until_there_are_enough_pages(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.pdf" for number in range(9)]
    for number, file in enumerate(files):
        file.write_text(str(number % 8), encoding="utf-8")

    sample = select_sample(files, lambda _: 300)
    reversed_sample = select_sample(reversed(files), lambda _: 300)

    assert (list(sample.pages.values()), sample.looked_at, sample.of) == ([300, 300, 300, 300], 4, 8)
    assert [file.read_text(encoding="utf-8") for file in sample.pages] == [
        file.read_text(encoding="utf-8") for file in reversed_sample.pages
    ]


@pytest.mark.parametrize(("pages", "taken"), [(0, False), (4, False), (5, True), (500, True), (501, False)])
def test_the_sample_has_files_within_the_page_limits(tmp_path: Path, pages: int, taken: bool) -> None:
    file = tmp_path / "a.pdf"
    file.touch()

    assert (file in select_sample([file], lambda _: pages).pages) == taken


def test_the_long_document_has_full_pages() -> None:
    assert make_pdf([page_text(number) for number in (1, extraction.LONG_PAGES)], title="two").startswith(b"%PDF")
    assert page_text(1) != page_text(2)


# Threads of other tests may be running; the children use none of their locks.
in_a_fork = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def read_in_a_fork(read: Read) -> Reading:
    return forked(lambda: read)(A)


@in_a_fork
def test_a_forked_reading_is_timed_and_does_not_change_the_parent() -> None:
    read_files: list[Path] = []

    def read(file: Path) -> int:
        read_files.append(file)
        return 7

    reading = read_in_a_fork(read)

    assert (reading.pages, reading.error, read_files) == (7, None, [])
    assert reading.wall_seconds > 0


@in_a_fork
def test_an_exception_of_a_reader_is_its_error() -> None:
    def read(file: Path) -> int:
        raise KeyError(file)

    assert read_in_a_fork(read).error == "KeyError"


@in_a_fork
def test_a_reader_that_dies_is_a_crash() -> None:
    assert read_in_a_fork(lambda _: os._exit(3)).error == "crash"


@in_a_fork
def test_a_reader_that_hangs_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SECONDS", 0.05)

    def read(file: Path) -> int:
        time.sleep(60)
        return len(file.name)

    assert read_in_a_fork(read).error == "timeout"
