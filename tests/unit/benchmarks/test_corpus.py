import json
from dataclasses import replace

import pytest

from benchmarks.corpus import TOTAL, Reading, reading_of, report, report_violations, show, sums_by_format
from benchmarks.pipeline import PipelineResult
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


def test_files_are_summed_by_format_and_in_total() -> None:
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


def test_sums_of_no_files_are_zero() -> None:
    assert sums_by_format([])[TOTAL].pages_per_second == 0


def test_the_report_and_the_table_contain_no_file_names(capsys: pytest.CaptureFixture[str]) -> None:
    sums = sums_by_format(READINGS)
    show(sums)

    shown = json.dumps(report(sums)) + capsys.readouterr().out
    assert "corrupt 2" in shown
    assert not any(reading.name in shown for reading in READINGS)


def test_violations_are_printed_once_without_file_names_and_exit_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    violating = [replace(reading, violations=("chunk 3: it is blank",)) for reading in READINGS[:2]]

    assert report_violations(READINGS) == 0
    assert report_violations(violating) == 1
    assert capsys.readouterr().err == "pdf: chunk 3: it is blank (2 times)\n"


def test_a_pipeline_result_becomes_a_reading_with_violations() -> None:
    extracted = ExtractedText("one two", (0,), "en", needs_ocr=(1,))
    outcomes = [Outcome("crash", 0.1, 5), Outcome("done", 0.1, 3)]
    result = PipelineResult("pdf", extracted=extracted, chunks=[Chunk(0, 0, 3, 1, "one")], seconds=0.5, reads=outcomes)

    reading = reading_of(result, "a.pdf")

    assert (reading.format, reading.code, reading.pages, reading.needs_ocr, reading.chunks) == ("pdf", None, 1, 1, 1)
    assert (reading.attempts, reading.peak_bytes) == (2, 5)
    assert reading.violations == ("text after the last chunk is in no chunk",)


def test_an_undetected_file_has_its_suffix_as_format_and_its_error_has_a_cause() -> None:
    error = BadDocument("corrupt")
    error.add_note("KeyError")

    reading = reading_of(PipelineResult(error=error), "folder/a.XYZ")

    assert (reading.format, reading.code, reading.cause, reading.violations) == (".xyz", "corrupt", "KeyError", ())
    assert reading_of(PipelineResult(error=error), "README").format == "no suffix"


def test_an_unexpected_exception_is_a_violation() -> None:
    reading = reading_of(PipelineResult("pdf", error=RuntimeError("no process")), "a.pdf")

    assert (reading.format, reading.code, reading.violations) == ("pdf", None, ("raised RuntimeError",))
