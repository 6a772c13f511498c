"""The invariants of the text and the chunks of every document, whatever its bytes are."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from onggi.domain.chunk import Chunk
from onggi.domain.document import ExtractedText

MAX_EMBEDDED_BYTES = 8192
"""Titan accepts 8,192 tokens, and a token has at least one byte."""


def violations(extracted: ExtractedText, chunks: Sequence[Chunk]) -> list[str]:
    """Returns a sentence for each violation; none contains text of the document."""
    return [
        *_structure_violations(extracted),
        *(
            f"chunk {chunk.number}: {violation}"
            for chunk in chunks
            for violation in _chunk_violations(extracted, chunk)
        ),
        *_coverage_violations(extracted.text, chunks),
    ]


def _structure_violations(extracted: ExtractedText) -> Iterator[str]:
    length = len(extracted.text)
    if not _is_ascending([0, *extracted.page_starts, length]) or extracted.page_starts[0] != 0:
        yield "the pages do not start at 0 in ascending order within the text"
    for name, spans in (("headings", extracted.headings), ("tables", extracted.tables)):
        if not _is_ascending([0, *(edge for span in spans for edge in (span.start, span.end)), length]):
            yield f"the {name} are not in ascending order within the text"
    if any(not table.start <= table.header_end <= table.end for table in extracted.tables):
        yield "a table's header does not end within the table"


def _chunk_violations(extracted: ExtractedText, chunk: Chunk) -> Iterator[str]:
    if extracted.text[chunk.start : chunk.end] != chunk.text:
        yield "its text differs from its span"
    if not chunk.text.strip():
        yield "it is blank"
    if len(chunk.text_in_context.encode()) > MAX_EMBEDDED_BYTES:
        yield f"its embedded text is longer than {MAX_EMBEDDED_BYTES:,} bytes"
    if chunk.page != extracted.page_at(chunk.start):
        yield "its page is wrong"


def _coverage_violations(text: str, chunks: Sequence[Chunk]) -> Iterator[str]:
    covered = 0
    for chunk in chunks:
        if text[covered : chunk.start].strip():
            yield f"text before chunk {chunk.number} is in no chunk"
        covered = max(covered, chunk.end)
    if text[covered:].strip():
        yield "text after the last chunk is in no chunk"


def _is_ascending(numbers: Sequence[int]) -> bool:
    return all(before <= after for before, after in pairwise(numbers))
