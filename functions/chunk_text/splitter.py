"""Where one chunk of a document ends and the next begins.

Three stages, each linear in the length of the text. Blocks: the text is cut at headings, blank lines and a few
sentences or lines chosen by their content. Pieces: langchain-text-splitters cuts each block into sentences, lines or
words. Chunks: whole pieces are gathered until a chunk is full, ending at the strongest boundary in reach. Every choice
depends only on the text nearby, so that an edit changes the chunks around it and no others.
"""

import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate, pairwise
from typing import Final

MAX_BYTES: Final = 8192
"""UTF-8 bytes in a chunk; Titan takes 8,192 tokens, and no token is shorter than a byte."""

MIN_CHUNK_SIZE: Final = 64
MAX_CHUNK_SIZE: Final = MAX_BYTES // 4
"""A character takes at most four bytes, so that no chunk can be over the cap."""

PIECES_PER_CHUNK: Final = 8
"""How finely a chunk's end can be chosen: a piece is at most this part of a chunk."""

MAX_BLOCK: Final = 4000
"""Characters that are looked at as one by the regular expressions."""

LANDMARK: Final = 32
"""One sentence or line in this many, chosen by its checksum, ends a block; so an edit moves no block further on."""

HEADING, PARAGRAPH, SENTENCE, LINE, WORD, CUT = 5, 4, 3, 2, 1, 0
"""The strength of a boundary, by what begins or has ended there; `CUT` lies within a word."""

_SENTENCE_END: Final = r"(?<=[.!?…])\s+|(?<=[.!?…][\"'”’)\]」』])\s+|(?<=[。．！？])"
_SEPARATORS: Final = [_SENTENCE_END, r"\n+", r"\s+"]

_UNIT_END: Final = re.compile(r"\n+|(?<=[.!?…])[^\S\n]+|(?<=[。．！？])")
_HEADING: Final = re.compile(r" {0,3}#{1,6} ")
_STARTS_HEADING: Final = re.compile(r"\s*\n {0,3}#{1,6} ")
_ENDS_SENTENCE: Final = re.compile(r"[.!?…。．！？][\"'”’)\]」』]?\s*\Z")
_REACH: Final = 12
"""Characters on either side of a boundary that decide its strength."""


class RecursiveSplitter:
    """Splits text into overlapping chunks that begin and end where sense does (a `Splitter`).

    Args:
        chunk_size: most characters in a chunk, 64 to 2,048.
        overlap: most characters of a chunk that its successor repeats, in whole pieces; at most a quarter of the size.

    Raises:
        ValueError: when a number is outside its range.
    """

    def __init__(self, chunk_size: int = 800, overlap: int = 100) -> None:
        if not MIN_CHUNK_SIZE <= chunk_size <= MAX_CHUNK_SIZE:
            raise ValueError(f"The chunk size must be between {MIN_CHUNK_SIZE} and {MAX_CHUNK_SIZE} characters.")
        if not 0 <= overlap <= chunk_size // 4:
            raise ValueError("The overlap must be between 0 and a quarter of the chunk size.")
        self._chunk_size = chunk_size
        self._overlap = overlap
        self._piece_size = chunk_size // PIECES_PER_CHUNK

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Start and end of each chunk, in order. `text[start:end]` is never blank and has no blanks at its edges.

        Every character that is not blank lies in at least one chunk.
        """
        boundaries = [0, *accumulate(len(piece) for block in _blocks(text) for piece in self._pieces(block))]
        spans: list[tuple[int, int]] = []
        start = end = 0
        while end < len(text):
            previous_end, end = end, self._end(text, boundaries, start, end)
            if not text[previous_end:end].isspace():
                spans.append(_trimmed(text, start, end))
            start = self._overlapping_start(text, boundaries, end)
        return spans

    def _pieces(self, block: str) -> Iterator[str]:
        """Cuts a block into pieces that concatenate to it."""
        if len(block) <= self._piece_size:
            yield block
            return
        for piece in _piece_splitter(self._piece_size)(block):
            for at in range(0, len(piece), self._piece_size):  # a run without blanks is cut anywhere
                yield piece[at : at + self._piece_size]

    def _end(self, text: str, boundaries: list[int], start: int, previous_end: int) -> int:
        """The strongest boundary in the latter half of what may follow; a heading counts from the first quarter on.

        Among equals a checksum of what follows decides: it is as good as chance, but finds the same boundary again
        when an edit further up has moved the start.
        """
        limit = start + self._chunk_size
        if limit >= len(text):
            return len(text)
        earliest = max(start + self._chunk_size // 4, previous_end + 1)
        reachable = boundaries[bisect_left(boundaries, earliest) : bisect_right(boundaries, limit)]
        half = start + self._chunk_size // 2
        graded = [(strength, at) for at in reachable if (strength := _strength(text, at)) == HEADING or at >= half]
        strongest, _ = max(graded)
        return max((_checksum(text, at), at) for strength, at in graded if strength == strongest)[1]

    def _overlapping_start(self, text: str, boundaries: list[int], end: int) -> int:
        """Where the chunk after a boundary begins: some pieces before it, never before a heading or within a word."""
        if _strength(text, end) == HEADING:
            return end
        repeated = boundaries[bisect_left(boundaries, end - self._overlap) : bisect_left(boundaries, end)]
        return next((at for at in repeated if _strength(text, at) > CUT), end)


@cache
def _piece_splitter(size: int) -> Callable[[str], list[str]]:
    from langchain_text_splitters import (  # noqa: PLC0415 - importing it takes a second, which short texts need not pay
        RecursiveCharacterTextSplitter,
    )

    return RecursiveCharacterTextSplitter(
        separators=_SEPARATORS,
        is_separator_regex=True,
        keep_separator=True,
        strip_whitespace=False,
        chunk_size=size,
        chunk_overlap=0,
    ).split_text


def _blocks(text: str) -> Iterator[str]:
    """Cuts a text into runs of sentences and lines that concatenate to it, none longer than the largest block."""
    cuts = [0]
    for start, end in pairwise([0, *(unit.end() for unit in _UNIT_END.finditer(text)), len(text)]):
        if start > cuts[-1] and (end - cuts[-1] > MAX_BLOCK or _HEADING.match(text, start)):
            cuts.append(start)
        cuts += range(cuts[-1] + MAX_BLOCK, end, MAX_BLOCK)
        unit = text[start:end]
        if unit.endswith("\n\n") or zlib.crc32(unit.encode(errors="replace")) % LANDMARK == 0:
            cuts.append(end)
    for start, end in pairwise([*cuts, len(text)]):
        if start < end:
            yield text[start:end]


def _strength(text: str, at: int) -> int:
    before, after = text[max(0, at - _REACH) : at], text[at : at + _REACH]
    gap = before[len(before.rstrip()) :] + after[: len(after) - len(after.lstrip())]
    if "\n" in gap and _STARTS_HEADING.match("\n" + after):
        return HEADING
    if gap.count("\n") > 1:
        return PARAGRAPH
    if _ENDS_SENTENCE.search(before):
        return SENTENCE
    if "\n" in gap:
        return LINE
    return WORD if gap else CUT


def _checksum(text: str, at: int) -> int:
    return zlib.crc32(text[at : at + 4 * _REACH].encode(errors="replace"))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    chunk = text[start:end]
    return start + len(chunk) - len(chunk.lstrip()), start + len(chunk.rstrip())
