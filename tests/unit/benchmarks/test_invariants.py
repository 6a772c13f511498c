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


SOUND = [chunk(0, 0, 32), chunk(1, 20, 32), chunk(2, 34, len(TEXT))]


def test_sound_chunks_violate_nothing() -> None:
    assert violations(EXTRACTED, SOUND) == []
    assert violations(ExtractedText("", (0,), "und"), []) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ([replace(SOUND[0], text=TEXT[:31]), *SOUND[1:]], ["chunk 0: its text is not the span that it names"]),
        ([*SOUND, chunk(3, 32, 34)], ["chunk 3: it is blank"]),
        (
            [replace(SOUND[0], context="머" * 2720), *SOUND[1:]],
            ["chunk 0: what is embedded of it is longer than 8,192 bytes"],
        ),
        ([replace(SOUND[0], page=2), *SOUND[1:]], ["chunk 0: it is said to begin on another page than it does"]),
        ([chunk(0, 1, 32), *SOUND[1:]], ["text before chunk 0 is in no chunk"]),
        ([chunk(0, 0, 31), SOUND[2]], ["text before chunk 2 is in no chunk"]),
        ([*SOUND[:2], chunk(2, 34, len(TEXT) - 1)], ["text after the last chunk is in no chunk"]),
        ([], ["text after the last chunk is in no chunk"]),
    ],
)
def test_a_planted_violation_is_found(planted: list[Chunk], found: list[str]) -> None:
    assert violations(EXTRACTED, planted) == found


def test_what_is_embedded_may_be_as_long_as_the_model_takes() -> None:
    context = "a" * (8192 - len(f"\n\n{SOUND[0].text}".encode()))
    assert violations(EXTRACTED, [replace(SOUND[0], context=context), *SOUND[1:]]) == []
    assert violations(EXTRACTED, [replace(SOUND[0], context=context + "a"), *SOUND[1:]]) != []


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
    chunks = [replace(entry, page=extracted.page_at(entry.start)) for entry in SOUND]
    (sentence,) = violations(extracted, chunks)
    assert found in sentence
