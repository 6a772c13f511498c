import os
import time
from pathlib import Path

import pytest

from benchmarks import extraction
from benchmarks.contenders import harness
from benchmarks.contenders.harness import Read, Reading, forked
from benchmarks.extraction import BARE, LANGCHAIN, MARKITDOWN, OURS, Sample, page_text, sampled, summary, table
from cli.demo.pdf import make_pdf

A, B, C = Path("a"), Path("b"), Path("c")


def took(*seconds: float) -> list[Reading]:
    return [Reading(10, cpu_seconds=cpu, wall_seconds=2 * cpu) for cpu in seconds]


READINGS = {
    BARE: {A: took(0.1), B: took(0.3), C: took(1.0)},
    OURS: {A: took(0.9, 0.2, 0.1), B: took(0.6), C: took(1.0)},
    LANGCHAIN: {A: took(2.0), B: took(18.0), C: [*took(1.0), Reading(error="timeout")]},
    MARKITDOWN: {A: took(4.0), B: took(4.0), C: took(1.0)},
}


def test_only_files_that_all_have_read_count_and_each_by_its_median() -> None:
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


def test_ratios_are_of_the_sums_and_of_the_file_in_the_middle() -> None:
    ratios = summary(READINGS, Sample({A: 10, B: 30, C: 50}, 3, of=3), rounds=1)["ratios"]

    assert ratios[LANGCHAIN] == {
        "cpu": 25.0,
        "wall": 25.0,
        "cpu_of_the_median_file": 20.0,
        "wall_of_the_median_file": 20.0,
    }
    assert ratios[BARE]["cpu"] == 0.5
    assert OURS not in ratios


def test_without_a_file_that_all_have_read_there_are_no_ratios() -> None:
    readings = {name: {A: [Reading(error="crash")]} for name in READINGS}

    found = summary(readings, Sample({A: 10}, 1, of=1), rounds=1) | {"versions": {}}

    assert found["ratios"] == {name: {} for name in (BARE, LANGCHAIN, MARKITDOWN)}
    assert "crash: 1 files" in table(found)


def test_the_table_tells_whether_a_goal_is_reached() -> None:
    shown = table(summary(READINGS, Sample({A: 10, B: 30, C: 50}, 3, of=3), rounds=1))

    assert "goal 10: reached" in shown
    assert "goal 0.5: reached" in shown


def test_the_sample_has_each_content_once_in_an_order_by_content_until_there_are_enough_pages(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.pdf" for number in range(9)]
    for number, file in enumerate(files):
        file.write_text(str(number % 8), encoding="utf-8")

    sample = sampled(files, lambda _: 300)
    reversed_sample = sampled(reversed(files), lambda _: 300)

    assert (list(sample.pages.values()), sample.looked_at, sample.of) == ([300, 300, 300, 300], 4, 8)
    assert [file.read_text(encoding="utf-8") for file in sample.pages] == [
        file.read_text(encoding="utf-8") for file in reversed_sample.pages
    ]


@pytest.mark.parametrize(("pages", "taken"), [(0, False), (4, False), (5, True), (500, True), (501, False)])
def test_the_sample_has_no_short_and_no_endless_files(tmp_path: Path, pages: int, taken: bool) -> None:
    file = tmp_path / "a.pdf"
    file.touch()

    assert (file in sampled([file], lambda _: pages).pages) == taken


def test_the_long_document_has_full_pages() -> None:
    assert make_pdf([page_text(number) for number in (1, extraction.LONG_PAGES)], title="two").startswith(b"%PDF")
    assert page_text(1) != page_text(2)


# Other tests may have left threads; the children use none of their locks.
in_a_fork = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def prepared(read: Read) -> Reading:
    return forked(lambda: read)(A)


@in_a_fork
def test_a_forked_reading_is_timed_and_leaves_nothing_behind() -> None:
    seen: list[Path] = []

    def read(file: Path) -> int:
        seen.append(file)
        return 7

    reading = prepared(read)

    assert (reading.pages, reading.error, seen) == (7, None, [])
    assert reading.wall_seconds > 0


@in_a_fork
def test_what_a_reader_raises_is_its_error() -> None:
    def read(file: Path) -> int:
        raise KeyError(file)

    assert prepared(read).error == "KeyError"


@in_a_fork
def test_a_reader_that_dies_is_a_crash() -> None:
    assert prepared(lambda _: os._exit(3)).error == "crash"


@in_a_fork
def test_a_reader_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "SECONDS", 0.05)

    def read(file: Path) -> int:
        time.sleep(60)
        return len(file.name)

    assert prepared(read).error == "timeout"
