from dataclasses import replace

import pytest

from benchmarks.invariants import violations
from onggi.domain.chunk import Chunk
from onggi.domain.document import ExtractedText, HeadingSpan, TableSpan

TEXT = "# 점검\n\nPumps are checked monthly.\n\nPump | bar\n1 | 7"
EXTRACTED = ExtractedText(
    TEXT,
    page_starts=(0, 6),
    language="en",
    headings=(HeadingSpan(0, 4, 1),),
    tables=(TableSpan(34, len(TEXT), 45),),
)


def chunk(number: int, start: int, end: int) -> Chunk:
    return Chunk(number, start, end, EXTRACTED.page_at(start), TEXT[start:end], EXTRACTED.page_breaks(start, end))


VALID = [chunk(0, 0, 32), chunk(1, 20, 32), chunk(2, 34, len(TEXT))]


def test_valid_chunks_have_no_violations() -> None:
    assert violations(EXTRACTED, VALID) == []
    assert violations(ExtractedText("", (0,), "und"), []) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ([replace(VALID[0], text=TEXT[:31]), *VALID[1:]], ["chunk 0: its text differs from its span"]),
        ([*VALID, chunk(3, 32, 34)], ["chunk 3: it is blank"]),
        (
            [replace(VALID[0], context="머" * 2720), *VALID[1:]],
            ["chunk 0: its embedded text is longer than 8,192 bytes"],
        ),
        ([replace(VALID[0], page=2), *VALID[1:]], ["chunk 0: its page is wrong"]),
        ([chunk(0, 1, 32), *VALID[1:]], ["text before chunk 0 is in no chunk"]),
        ([chunk(0, 0, 31), VALID[2]], ["text before chunk 2 is in no chunk"]),
        ([*VALID[:2], chunk(2, 34, len(TEXT) - 1)], ["text after the last chunk is in no chunk"]),
        ([], ["text after the last chunk is in no chunk"]),
    ],
)
def test_a_planted_violation_is_found(planted: list[Chunk], found: list[str]) -> None:
    assert violations(EXTRACTED, planted) == found


def test_the_embedded_text_may_be_as_long_as_the_model_accepts() -> None:
    context = "a" * (8192 - len(f"\n\n{VALID[0].text}".encode()))
    assert violations(EXTRACTED, [replace(VALID[0], context=context), *VALID[1:]]) == []
    assert violations(EXTRACTED, [replace(VALID[0], context=context + "a"), *VALID[1:]]) != []


@pytest.mark.parametrize(
    ("extracted", "found"),
    [
        (replace(EXTRACTED, page_starts=(1, 6)), "pages"),
        (replace(EXTRACTED, page_starts=(0, 9, 6)), "pages"),
        (replace(EXTRACTED, page_starts=(0, len(TEXT) + 1)), "pages"),
        (replace(EXTRACTED, headings=(HeadingSpan(0, len(TEXT) + 1, 1),)), "headings"),
        (replace(EXTRACTED, headings=(HeadingSpan(0, 4, 1), HeadingSpan(3, 6, 2))), "headings"),
        (replace(EXTRACTED, tables=(TableSpan(34, len(TEXT) + 1, 45),)), "tables"),
        (replace(EXTRACTED, tables=(TableSpan(34, 40, 45),)), "table's header"),
    ],
)
def test_structure_outside_the_text_is_found(extracted: ExtractedText, found: str) -> None:
    chunks = [replace(entry, page=extracted.page_at(entry.start)) for entry in VALID]
    (sentence,) = violations(extracted, chunks)
    assert found in sentence
