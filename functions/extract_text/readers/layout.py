"""Turns the texts of pages into blocks: removes page furniture, joins broken words and adds headings."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from readers.furniture import remove_furniture, shape_of
from readers.hyphens import join_hyphenated
from readers.korean_breaks import join_korean
from readers.model import MAX_HEADING_LEVEL, Block, Heading, Paragraph

MAX_HEADINGS_PER_PAGE: Final = 100
MAX_PLACES: Final = 100
"""Occurrences of a title on its page that are checked."""
_HYPHEN_MARK: Final = re.compile(r"(?<=[^\W\d_])[\ufffe\x02]")
_STRAY_MARK: Final = re.compile(r"[\ufffe\x02]")
_NUMBERING: Final = re.compile(
    r"(?:chapter|section|part|appendix|제)?(?:[ivxlc]{1,6}|[a-z](?=[.)\d]))?[\d.()\-–§]{0,12}[장절관조항편부]?[.:)]?"
)
_IN_CONTENTS: Final = re.compile(r"[.·…‥]{2,}|[.·…‥]?\d")


class OutlineEntry(NamedTuple):
    """An entry of an outline.

    Attributes:
        page: from 0.
        level: from 1.
    """

    page: int
    title: str
    level: int


def lay_out_pages(
    pages: Sequence[str],
    outline: Sequence[OutlineEntry] = (),
    title: str | None = None,
    notes: Mapping[int, str] | None = None,
) -> list[tuple[Block, ...]]:
    """Returns the blocks of each page.

    Args:
        pages: texts as the PDF library returns them, line by line.
        outline: entries of the outline.
        title: title of the document.
        notes: text of annotations, by page from 0; it is added unchanged after the lines of the page.
    """
    by_page: defaultdict[int, list[OutlineEntry]] = defaultdict(list)
    for entry in outline:
        if len(by_page[entry.page]) < MAX_HEADINGS_PER_PAGE:
            by_page[entry.page].append(entry)
    first = {shape_of(title)} if title else set()
    titles = [{shape_of(entry.title) for entry in by_page.get(page, ())} for page in range(len(pages))]
    if titles:
        titles[0] |= first
    lines = remove_furniture([_with_plain_breaks(page).split("\n") for page in pages], titles)
    texts = join_korean(join_hyphenated(["\n".join(page) for page in lines]))
    for number, note in (notes or {}).items():
        texts[number] = f"{texts[number].rstrip()}\n{_with_plain_breaks(note)}".lstrip()
    return [
        tuple(_blocks(text, by_page[page])) if page in by_page else (Paragraph(text),)
        for page, text in enumerate(texts)
    ]


def _with_plain_breaks(text: str) -> str:
    r"""Ends lines with `\n`; pdfium's marks for a hyphen at a line end become the hyphen and the line end."""
    text = "\n".join(text.splitlines())
    if "\ufffe" in text or "\x02" in text:
        text = _STRAY_MARK.sub("", _HYPHEN_MARK.sub("-\n", text))
    return text


class _Span(NamedTuple):
    """Place of a heading on a page.

    Attributes:
        start: offset of its first line in the page's text.
        end: offset of its end.
    """

    start: int
    end: int
    level: int


def _blocks(text: str, outline: Sequence[OutlineEntry]) -> Iterator[Block]:
    """Yields headings at the titles of the outline, and paragraphs between them."""
    position = 0
    for span in _headings(text, outline):
        if text[position : span.start].strip():
            yield Paragraph(text[position : span.start])
        yield Heading(" ".join(text[span.start : span.end].split()), span.level)
        position = span.end
    if text[position:].strip() or position == 0:
        yield Paragraph(text[position:].lstrip())


def _headings(text: str, outline: Sequence[OutlineEntry]) -> list[_Span]:
    page = _Compact(text)
    spans: list[_Span] = []
    after = 0
    for entry in outline:
        span = page.find(entry, after) or page.find(entry, 0)
        if span and all(span.end <= other.start or span.start >= other.end for other in spans):
            spans.append(span)
            after = span.end
    return sorted(spans)


class _Compact:
    """Text of a page without blanks and in lower case, to find titles regardless of case and line breaks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        compact = [_compact(line) for line in self._lines]
        self._compact = "".join(compact)
        self._starts = list(accumulate(map(len, compact), initial=0))  # of lines, in the compact text
        self._offsets = list(accumulate((len(line) + 1 for line in self._lines), initial=0))  # and in the text

    def find(self, entry: OutlineEntry, after: int) -> _Span | None:
        """Returns the place at or after an offset where a title begins a line or follows its number, and ends a word.

        Lines of a table of contents, with leaders or a page number, are used only if there is no other line.
        """
        title = _compact(entry.title)
        spans = self._places(title, after, entry.level) if title else iter(())
        in_contents: _Span | None = None
        for place, span in spans:
            if not _IN_CONTENTS.match(self._compact, place + len(title)):
                return span
            in_contents = in_contents or span
        return in_contents

    def _places(self, title: str, after: int, level: int) -> Iterator[tuple[int, _Span]]:
        found = self._compact.find(title, self._starts[bisect_left(self._offsets, after)])
        for _ in range(MAX_PLACES):
            if found < 0:
                return
            line = bisect_right(self._starts, found) - 1
            start = self._starts[line]
            end = self._end(found + len(title))
            if end is not None and (start == found or _NUMBERING.fullmatch(self._compact, start, found)):
                yield found, _Span(self._offsets[line], end, min(level, MAX_HEADING_LEVEL))
            found = self._compact.find(title, found + 1)

    def _end(self, compact_end: int) -> int | None:
        """Returns the offset after the word that ends at an offset into the compact text; None within a word."""
        line = bisect_right(self._starts, compact_end - 1) - 1
        letters = compact_end - self._starts[line]
        text = self._lines[line]
        position = 0
        while letters:
            letters -= not text[position].isspace()
            position += 1
        rest = text[position:]
        if rest[:1].isalnum() and text[position - 1].isalnum():
            return None
        word = rest.split(maxsplit=1)[0] if rest and not rest[0].isspace() else ""
        return self._offsets[line] + position + len(word)


def _compact(text: str) -> str:
    joined = "".join(text.split())
    lower = joined.lower()
    return lower if len(lower) == len(joined) else joined
