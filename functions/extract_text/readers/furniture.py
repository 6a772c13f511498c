"""Finds the lines that belong to pages and not to the text: running headers, footers and page numbers.

Such a line stands at the edge of a page and comes again at the same edge of other pages, the same or with a number in
it that counts the pages. Nothing is lost: a line that says more than the number of a page stays where it stands first.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Literal, NamedTuple

MIN_PAGES: Final = 3
MAX_GAP: Final = 2
"""Pages from one such line to the next; 2 where even and odd pages have different ones."""
MAX_DEPTH: Final = 5
"""Lines with text, from the edge of a page inwards; where all of them come again, it is the text that repeats."""
MAX_LENGTH: Final = 200
"""Characters; longer lines are text."""
MAX_NUMBERS: Final = 4
"""Of a line, in which the page's own is looked for."""

_NUMBER: Final = re.compile(r"\d{1,5}")
_ROMAN: Final = re.compile(r"[-–—\s]*([ivxlc]{1,8}|[IVXLC]{1,8})[-–—\s]*")
_ROMAN_VALUES: Final = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_LETTERS: Final = re.compile(r"[^\W\d_]")
_PAGE_WORDS: Final = re.compile(r"(?i)\b(?:page|pages|pg|p|pp|of|페이지|seite|von)\b|[페이지쪽면]")
_COUNTED_TITLE: Final = re.compile(r"(?i)(?:chapter|section|part|article|unit|lesson|week|day|step|question|제)\s*#")

Edge = Literal["top", "bottom"]


class _Key(NamedTuple):
    """What is the same in the lines that come again.

    Attributes:
        shape: the line, with `#` for the number of the page.
        offset: that number less the page's index, None where the line has no such number.
    """

    edge: Edge
    shape: str
    offset: int | None


def without_furniture(pages: Sequence[Sequence[str]], titles: Sequence[Collection[str]]) -> list[list[str]]:
    """The lines of each page without running headers, footers and page numbers.

    Args:
        pages: lines.
        titles: for each page what is text on it in any case, as `shape_of` gives it: the headings that begin there.
    """
    edges = [(list(_edge(lines, "top")), list(_edge(lines, "bottom"))) for lines in pages]
    running = _running(edges)
    kept: set[str] = set()
    cleaned: list[list[str]] = []
    for page, lines in enumerate(pages):
        dropped: set[int] = set()
        for side in edges[page]:
            dropped.update(_dropped(side, page, running, titles[page], kept))
        cleaned.append([line for number, line in enumerate(lines) if number not in dropped] if dropped else list(lines))
    return cleaned


def shape_of(line: str) -> str:
    """A line without what differs between two prints of it: its blanks."""
    return " ".join(line.split())


class _EdgeLine(NamedTuple):
    number: int
    edge: Edge
    shape: str


def _edge(lines: Sequence[str], edge: Edge) -> Iterator[_EdgeLine]:
    """The outermost lines with text, from the edge inwards: of a page with few, no line is at both edges."""
    with_text = (number for number, line in enumerate(lines) if line and not line.isspace())
    room = len(list(islice(with_text, 2 * MAX_DEPTH))) // 2
    for number in range(len(lines)) if edge == "top" else range(len(lines) - 1, -1, -1):
        if room == 0:
            return
        shape = shape_of(lines[number])
        if shape:
            room -= 1
            yield _EdgeLine(number, edge, shape)


def _running(edges: Iterable[tuple[Sequence[_EdgeLine], Sequence[_EdgeLine]]]) -> dict[_Key, set[int]]:
    """For each kind of line that comes again: the pages on which it is one of a series."""
    pages_of: defaultdict[_Key, list[int]] = defaultdict(list)
    for page, sides in enumerate(edges):
        for side in sides:
            for line in side:
                for key in _keys(line, page):
                    if not pages_of[key] or pages_of[key][-1] != page:
                        pages_of[key].append(page)
    return {key: series for key, pages in pages_of.items() if (series := _series(pages))}


def _series(pages: Sequence[int]) -> set[int]:
    """The pages that follow each other closely and are enough."""
    found: set[int] = set()
    current: list[int] = []
    for page in pages:
        if current and page - current[-1] > MAX_GAP:
            current = []
        current.append(page)
        if len(current) == MIN_PAGES:
            found.update(current)
        elif len(current) > MIN_PAGES:
            found.add(page)
    return found


def _keys(line: _EdgeLine, page: int) -> Iterator[_Key]:
    shape = line.shape
    if len(shape) > MAX_LENGTH:
        return
    if _LETTERS.search(shape):
        yield _Key(line.edge, shape, None)
        roman = _ROMAN.fullmatch(shape)
        if roman:
            yield _Key(line.edge, "roman", _roman_value(roman.group(1).lower()) - page)
    for number, match in enumerate(_NUMBER.finditer(shape)):
        if number == MAX_NUMBERS:
            return
        masked = f"{shape[: match.start()]}#{shape[match.end() :]}"
        if not _COUNTED_TITLE.match(masked):
            yield _Key(line.edge, masked, int(match.group()) - page)


def _roman_value(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(-value if value < max(values[index:]) else value for index, value in enumerate(values))


def _dropped(
    side: Iterable[_EdgeLine], page: int, running: dict[_Key, set[int]], titles: Collection[str], kept: set[str]
) -> Iterator[int]:
    """Which lines go, from the edge inwards up to the first that is none of a series."""
    series = list(_in_series(side, page, running))
    for line, key in series:
        if _is_number_of_page(key):
            yield line.number
        elif len(series) == MAX_DEPTH:
            continue
        elif key.shape in kept and line.shape not in titles:
            yield line.number
        else:
            kept.add(key.shape)


def _in_series(side: Iterable[_EdgeLine], page: int, running: dict[_Key, set[int]]) -> Iterator[tuple[_EdgeLine, _Key]]:
    for line in side:
        key = next((key for key in _keys(line, page) if page in running.get(key, ())), None)
        if key is None:
            return
        yield line, key


def _is_number_of_page(key: _Key) -> bool:
    """Whether a line says nothing but which page it is on."""
    return key.offset is not None and (key.shape == "roman" or not _LETTERS.search(_PAGE_WORDS.sub("", key.shape)))
