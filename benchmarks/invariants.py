"""What must hold for the text and the chunks of every document, whatever its bytes are."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from onggi.domain.chunk import Chunk
from onggi.domain.document import ExtractedText

MAX_EMBEDDED_BYTES = 8192
"""Titan takes 8,192 tokens, and no token is shorter than a byte."""


def violations(extracted: ExtractedText, chunks: Sequence[Chunk]) -> list[str]:
    """Returns a sentence for each thing that does not hold; none of them holds a word of the document."""
    return [
        *_of_structure(extracted),
        *(f"chunk {chunk.number}: {wrong}" for chunk in chunks for wrong in _of_chunk(extracted, chunk)),
        *_of_coverage(extracted.text, chunks),
    ]


def _of_structure(extracted: ExtractedText) -> Iterator[str]:
    length = len(extracted.text)
    if not _ascends([0, *extracted.page_starts, length]) or extracted.page_starts[0] != 0:
        yield "the pages do not begin at 0, one after another, within the text"
    for name, spans in (("headings", extracted.headings), ("tables", extracted.tables)):
        if not _ascends([0, *(edge for span in spans for edge in (span.start, span.end)), length]):
            yield f"the {name} do not follow one another within the text"
    if any(not table.start <= table.header_end <= table.end for table in extracted.tables):
        yield "a table's header does not end within the table"


def _of_chunk(extracted: ExtractedText, chunk: Chunk) -> Iterator[str]:
    if extracted.text[chunk.start : chunk.end] != chunk.text:
        yield "its text is not the span that it names"
    if not chunk.text.strip():
        yield "it is blank"
    if len(chunk.text_in_context.encode()) > MAX_EMBEDDED_BYTES:
        yield f"what is embedded of it is longer than {MAX_EMBEDDED_BYTES:,} bytes"
    if chunk.page != extracted.page_at(chunk.start):
        yield "it is said to begin on another page than it does"


def _of_coverage(text: str, chunks: Sequence[Chunk]) -> Iterator[str]:
    covered = 0
    for chunk in chunks:
        if text[covered : chunk.start].strip():
            yield f"text before chunk {chunk.number} is in no chunk"
        covered = max(covered, chunk.end)
    if text[covered:].strip():
        yield "text after the last chunk is in no chunk"


def _ascends(numbers: Sequence[int]) -> bool:
    return all(before <= after for before, after in pairwise(numbers))
