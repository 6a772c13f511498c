"""Splits the text of a document into chunks.

A chunk ends at the strongest boundary in reach: a heading, the edge of a table, a paragraph, a sentence, a line, a
clause or a word. Only the latter half of a chunk is searched first, so that each character is read only a few times.
Every choice depends only on the text nearby, so that an edit changes the chunks around it and no others.
"""

import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from typing import Final

from onggi.domain.chunk import CONTEXT_SEPARATOR, MAX_CONTEXT_BYTES, MAX_EMBEDDING_BYTES
from onggi.domain.document import ExtractedText, TableSpan

MIN_CHUNK_SIZE: Final = 64
MAX_CHUNK_SIZE: Final = (MAX_EMBEDDING_BYTES - MAX_CONTEXT_BYTES - len(CONTEXT_SEPARATOR)) // 4
"""A character has at most four bytes in UTF-8, so that a chunk and its context never exceed the model's limit."""

PIECE_SIZE: Final = 32
"""Characters between the places at which a stretch without sentences and lines may be cut."""

LANDMARK: Final = 48
"""Characters after a boundary; their checksum decides between equal boundaries."""

_CLOSING: Final = r"[\"'”’»)\]」』〉》】]*+"
_NUMBER: Final = r"(?<!\b[\dA-Za-z가나다라마바사아자차카타파하]\.)(?<!\b\d\d\.)(?<!\b(?:Mr|Dr|Ms|No|vs)\.)"

PARAGRAPH: Final = re.compile(r"\n\s*\n\s*")
SENTENCE: Final = re.compile(
    # A full stop and a blank, but not in a list number, an initial or a date (`2026. 3. 1.`);
    rf"[.!?…](?<![.!?…]{{2}}){_NUMBER}[.!?…]*+{_CLOSING}(?:(?<!\d\.)\s+|(?<=\d\.)\s++(?!\d)"
    # Korean has no blank where lines were joined (`했다.그러나`);
    r"|(?<=[다요죠까음임함됨][.!?])(?=[가-힣]))"
    # the full stops of Chinese, Japanese, Devanagari, Arabic, Urdu, Ethiopic, Khmer and Burmese need no blank;
    rf"|[。！？．｡।॥؟۔።។။]+{_CLOSING}\s*"
    # Thai has no full stop, but blanks between phrases.
    r"|[\u0e00-\u0e7f][^\S\n]+(?=[\u0e00-\u0e7f])"
)
LINE: Final = re.compile(r"\n\s*")
PIECE: Final = re.compile(rf"{SENTENCE.pattern}|{LINE.pattern}")
WORD: Final = re.compile(r"\s+")
_VISIBLE: Final = re.compile(r"\S")
_SEPARATORS: Final = [r"(?<=[,;:，、；：،؛])\s+", r"\s+"]


class RecursiveSplitter:
    """Splits texts into overlapping chunks at natural boundaries (a `Splitter`).

    Args:
        chunk_size: maximum of characters in a chunk, 64 to 1,791.
        overlap: maximum of characters of a chunk that the next one repeats, in whole pieces: at most a quarter of the
            size; an eighth of it by default.

    Raises:
        ValueError: a number is outside its range.
    """

    def __init__(self, chunk_size: int = 800, overlap: int | None = None) -> None:
        overlap = chunk_size // 8 if overlap is None else overlap
        if not MIN_CHUNK_SIZE <= chunk_size <= MAX_CHUNK_SIZE:
            raise ValueError(f"The chunk size must be between {MIN_CHUNK_SIZE} and {MAX_CHUNK_SIZE} characters.")
        if not 0 <= overlap <= chunk_size // 4:
            raise ValueError("The overlap must be between 0 and a quarter of the chunk size.")
        self._chunk_size = chunk_size
        self._overlap = overlap

    def spans(self, extracted: ExtractedText) -> list[tuple[int, int]]:
        """Returns start and end of each chunk, in order; `text[start:end]` is not blank and has no blanks at its edges.

        Every character that is not blank is in at least one chunk.
        """
        text = extracted.text
        boundaries = _Boundaries(extracted, self._chunk_size)
        spans = []
        start = fresh = _next_visible(text, 0)  # `fresh` is the first character that is in no chunk yet
        while fresh < len(text):
            end = boundaries.end(start, fresh)
            spans.append((start, start + len(text[start:end].rstrip())))
            fresh = _next_visible(text, end)
            start = boundaries.overlapping_start(end, fresh, self._overlap)
        return spans


class _Boundaries:
    """Finds the boundaries of chunks of one size in one text."""

    def __init__(self, extracted: ExtractedText, chunk_size: int) -> None:
        self._text = extracted.text
        self._chunk_size = chunk_size
        self._quarter = chunk_size // 4
        self._headings = [heading.start for heading in extracted.headings]
        self._levels = {heading.start: heading.level for heading in extracted.headings}
        self._tables = extracted.tables
        self._table_starts = [table.start for table in extracted.tables]
        self._table_ends = [table.end for table in extracted.tables]

    def end(self, start: int, fresh: int) -> int:
        """Returns the end of a chunk that begins at `start` and must go beyond `fresh`.

        A section or table that fits becomes a chunk, unless the chunk would be shorter than a quarter of the size.
        """
        limit = start + self._chunk_size
        earliest = max(start + self._quarter, fresh + 1)
        half = max(start + self._chunk_size // 2, fresh + 1)
        section_end = self._section_end(earliest, half)
        if section_end <= limit:
            return section_end
        table = self._table_around(limit)
        if table:
            return table.start if table.start >= earliest else self._row_start(table, fresh, half, limit)
        if not self._table_around(section_end - self._quarter):
            limit = min(limit, section_end - self._quarter)  # keeps enough of the section for its last chunk
        return self._strongest(earliest, half, limit)

    def overlapping_start(self, end: int, fresh: int, overlap: int) -> int:
        """Returns the start of the chunk after `end`: some sentences or lines earlier, else some words.

        Headings and parts of tables are not repeated.
        """
        table = bisect_left(self._table_starts, fresh) - 1
        heading = bisect_right(self._headings, fresh) - 1
        earliest = max(
            fresh - overlap,
            self._tables[table].end if table >= 0 else 0,
            self._headings[heading] if heading >= 0 else 0,
        )
        for pattern in (PIECE, WORD):
            for match in pattern.finditer(self._text, earliest, max(earliest, end)):
                if match.end() < end:
                    return match.end()
        return fresh

    def _section_end(self, earliest: int, half: int) -> int:
        """Returns the highest heading before the middle of the chunk, else the next one, else the end of the text."""
        first = bisect_left(self._headings, earliest)
        early = self._headings[first : bisect_right(self._headings, half)]
        if early:
            return max(early, key=lambda at: (-self._levels[at], self._checksum(at), at))
        return self._headings[first] if first < len(self._headings) else len(self._text)

    def _table_around(self, at: int) -> TableSpan | None:
        before = bisect_left(self._table_starts, at) - 1
        return self._tables[before] if before >= 0 and at < self._table_ends[before] else None

    def _row_start(self, table: TableSpan, fresh: int, half: int, limit: int) -> int:
        """Returns the start of a row in the latter half, else the last one before, so that no row that fits is cut."""
        rows = self._ends(LINE, max(half - 1, table.header_end), limit)
        if rows:
            return self._landmark(rows)
        body = table.header_end - 1 if table.header_end > table.start else table.start
        earlier = self._ends(LINE, max(fresh, body), half)
        return earlier[-1] if earlier else self._landmark(self._pieces(half, limit) or [limit])

    def _strongest(self, earliest: int, half: int, limit: int) -> int:
        """Returns the strongest boundary; for one stronger than a clause, the former half is searched as well."""
        for first, last in ((half, limit), (earliest, half)):
            paragraphs = self._ends(PARAGRAPH, first, last) + self._table_edges(first, last)
            found = paragraphs or self._ends(SENTENCE, first, last) or self._ends(LINE, first, last)
            if found:
                return self._landmark(found)
        return self._landmark(self._pieces(half, limit) or self._pieces(earliest, half) or [limit])

    def _ends(self, pattern: re.Pattern[str], start: int, end: int) -> list[int]:
        return [match.end() for match in pattern.finditer(self._text, start, end)]

    def _table_edges(self, first: int, last: int) -> list[int]:
        return [
            edge
            for edges in (self._table_starts, self._table_ends)
            for edge in edges[bisect_left(edges, first) : bisect_right(edges, last)]
        ]

    def _pieces(self, first: int, last: int) -> list[int]:
        """Returns the starts of clauses or words in a stretch without stronger boundaries."""
        pieces = _cut_into_pieces()(self._text[first:last])
        return [first + length for length in accumulate(map(len, pieces[:-1]))]

    def _landmark(self, places: Sequence[int]) -> int:
        """Returns one of several equal places: any would do, but it must be the same one after an edit further up."""
        return max(places, key=lambda at: (self._checksum(at), at))

    def _checksum(self, at: int) -> int:
        return zlib.crc32(self._text[at : at + LANDMARK].encode(errors="replace"))


@cache
def _cut_into_pieces() -> Callable[[str], list[str]]:
    from langchain_text_splitters import (  # noqa: PLC0415 - importing it takes a second, and most texts do not need it
        RecursiveCharacterTextSplitter,
    )

    return RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        is_separator_regex=True,
        keep_separator=True,
        strip_whitespace=False,
        chunk_size=PIECE_SIZE,
        chunk_overlap=0,
    ).split_text


def _next_visible(text: str, at: int) -> int:
    found = _VISIBLE.search(text, at)
    return found.start() if found else len(text)
