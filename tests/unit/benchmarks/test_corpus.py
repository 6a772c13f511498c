import json
from dataclasses import replace

import pytest

from benchmarks.corpus import TOTAL, Reading, reading_of, report, show, sums_by_format, tell_what_is_wrong
from benchmarks.way import Trip
from onggi.domain.chunk import Chunk
from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument
from readers.sandbox import Outcome

READINGS = [
    Reading("a.pdf", "pdf", pages=30, needs_ocr=2, chunks=40, seconds=0.5, peak_bytes=90_000_000, attempts=1),
    Reading("b.pdf", "pdf", code="corrupt", cause="KeyError", seconds=0.5, peak_bytes=70_000_000, attempts=2),
    Reading("c.pdf", "pdf", code="corrupt", seconds=0.25),
    Reading("d.docx", "docx", pages=1, chunks=3, seconds=0.125, peak_bytes=40_000_000, attempts=1),
    Reading("e.xyz", ".xyz", code="unsupported_type", seconds=0.125),
]


def test_files_are_summed_by_format_and_in_all() -> None:
    sums = sums_by_format(READINGS)

    assert list(sums) == ["pdf", ".xyz", "docx", TOTAL]
    assert sums["pdf"].to_json() == {
        "files": 3,
        "with_text": 1,
        "needs_ocr_pages": 2,
        "errors": {"corrupt": 2},
        "pages": 30,
        "seconds": 1.25,
        "pages_per_second": 24.0,
        "peak_mb": 90.0,
        "chunks": 40,
        "wrong": 0,
    }
    assert sums[TOTAL].files == 5
    assert sums[TOTAL].errors == {"corrupt": 2, "unsupported_type": 1}
    assert sums[TOTAL].pages == 31
    assert sums[TOTAL].peak_bytes == 90_000_000


def test_nothing_read_is_no_division_by_zero() -> None:
    assert sums_by_format([])[TOTAL].pages_per_second == 0


def test_no_name_of_a_file_is_in_the_report_or_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    sums = sums_by_format(READINGS)
    show(sums)

    shown = json.dumps(report(sums)) + capsys.readouterr().out
    assert "corrupt 2" in shown
    assert not any(reading.name in shown for reading in READINGS)


def test_what_does_not_hold_ends_with_1_and_is_told_once_without_names(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [replace(reading, wrong=("chunk 3: it is blank",)) for reading in READINGS[:2]]

    assert tell_what_is_wrong(READINGS) == 0
    assert tell_what_is_wrong(wrong) == 1
    assert capsys.readouterr().err == "pdf: chunk 3: it is blank (2 times)\n"


def test_a_trip_becomes_a_reading_with_what_it_violates() -> None:
    extracted = ExtractedText("one two", (0,), "en", needs_ocr=(1,))
    ended = [Outcome("crash", 0.1, 5), Outcome("done", 0.1, 3)]
    trip = Trip("pdf", extracted=extracted, chunks=[Chunk(0, 0, 3, 1, "one")], seconds=0.5, reads=ended)

    reading = reading_of(trip, "a.pdf")

    assert (reading.format, reading.code, reading.pages, reading.needs_ocr, reading.chunks) == ("pdf", None, 1, 1, 1)
    assert (reading.attempts, reading.peak_bytes) == (2, 5)
    assert reading.wrong == ("text after the last chunk is in no chunk",)


def test_an_undetected_file_counts_under_its_suffix_and_its_error_keeps_its_cause() -> None:
    error = BadDocument("corrupt")
    error.add_note("KeyError")

    reading = reading_of(Trip(error=error), "folder/a.XYZ")

    assert (reading.format, reading.code, reading.cause, reading.wrong) == (".xyz", "corrupt", "KeyError", ())
    assert reading_of(Trip(error=error), "README").format == "no suffix"


def test_what_no_document_may_raise_is_wrong() -> None:
    reading = reading_of(Trip("pdf", error=RuntimeError("no process")), "a.pdf")

    assert (reading.format, reading.code, reading.wrong) == ("pdf", None, ("raised RuntimeError",))
