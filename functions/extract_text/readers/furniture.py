"""Removes running headers, footers and page numbers from the lines of pages.

Such a line is at the edge of a page and is repeated at the same edge of other pages, unchanged or with a number that
counts the pages. No text is lost: the first occurrence of a line is kept, unless it is only a page number.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Literal, NamedTuple

MIN_PAGES: Final = 3
MAX_GAP: Final = 2
"""Pages from one such line to the next; 2 if even and odd pages have different ones."""
MAX_DEPTH: Final = 5
"""Lines with text, from the edge of a page inwards; if all of them are repeated, the text itself repeats."""
MAX_LENGTH: Final = 200
"""Characters; longer lines are text."""
MAX_NUMBERS: Final = 4
"""Numbers of a line that are tried as its page number."""

_NUMBER: Final = re.compile(r"\d{1,5}")
_ROMAN: Final = re.compile(r"[-–—\s]*([ivxlc]{1,8}|[IVXLC]{1,8})[-–—\s]*")
_ROMAN_VALUES: Final = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_LETTERS: Final = re.compile(r"[^\W\d_]")
_PAGE_WORDS: Final = re.compile(r"(?i)\b(?:page|pages|pg|p|pp|of|페이지|seite|von)\b|[페이지쪽면]")
_COUNTED_TITLE: Final = re.compile(
    r"(?i)\W*(?:chapter|section|part|article|unit|lesson|module|week|day|step|phase|question|q\.?|problem|exercise|case|item"
    r"|topic|agenda|session|table|figure|appendix|annex|exhibit|schedule|제|별지|별표|부록|표|그림|사진|안건|의안|과제|문제|문항"
    r"|예제|실습|활동|사례|유형|사업|전략|방안|주제|항목|단원|모듈|세션|파트|부칙|붙임|첨부|서식)\s*(?:no\.?|제)?\s*#"
    r"|\W*#\s*(?:장|절|조|항|편|부|관|강|과|회|차|호|번|단계|단원|주차|일차|차시|주|일)(?!\w)"
    r"|#[.)]\s*\w"
)
"""Numbered titles of parts of the text, which may each begin a page."""

Edge = Literal["top", "bottom"]


class _Key(NamedTuple):
    """The part of a line that is the same in its repetitions.

    Attributes:
        shape: the line, with `#` in place of the page number.
        offset: page number minus page index; None if the line has no page number.
    """

    edge: Edge
    shape: str
    offset: int | None


def remove_furniture(pages: Sequence[Sequence[str]], titles: Sequence[Collection[str]]) -> list[list[str]]:
    """Returns the lines of each page without running headers, footers and page numbers.

    Args:
        pages: lines.
        titles: for each page, shapes (`shape_of`) of the headings that begin there, which are always text.
    """
    if len(pages) < MIN_PAGES:
        return [list(lines) for lines in pages]
    edges = [_edges(lines, page) for page, lines in enumerate(pages)]
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
    """Returns a line with normalised blanks, in which two prints of it may differ."""
    return " ".join(line.split())


class _EdgeLine(NamedTuple):
    """A line near an edge of a page.

    Attributes:
        number: from 0.
        keys: its possible kinds of repetition.
    """

    number: int
    shape: str
    keys: tuple[_Key, ...]


type _Side = list[_EdgeLine]


def _edges(lines: Sequence[str], page: int) -> tuple[_Side, _Side]:
    """Returns the lines at the top and at the bottom, from the edge inwards; no line is in both."""
    with_text = (number for number, line in enumerate(lines) if line and not line.isspace())
    top = list(islice(with_text, 2 * MAX_DEPTH))
    depth = len(top) // 2
    upwards = (number for number in range(len(lines) - 1, -1, -1) if lines[number] and not lines[number].isspace())
    return (
        [_edge_line(number, lines[number], "top", page) for number in top[:depth]],
        [_edge_line(number, lines[number], "bottom", page) for number in islice(upwards, depth)],
    )


def _edge_line(number: int, line: str, edge: Edge, page: int) -> _EdgeLine:
    shape = shape_of(line)
    return _EdgeLine(number, shape, tuple(_keys(shape, edge, page)))


def _running(edges: Iterable[tuple[_Side, _Side]]) -> dict[_Key, set[int]]:
    """Returns, for each kind of repeated line, the pages on which it belongs to a series."""
    pages_of: defaultdict[_Key, list[int]] = defaultdict(list)
    for page, sides in enumerate(edges):
        for key in {key for side in sides for line in side for key in line.keys}:
            pages_of[key].append(page)
    return {key: series for key, pages in pages_of.items() if len(pages) >= MIN_PAGES and (series := _series(pages))}


def _series(pages: Sequence[int]) -> set[int]:
    """Returns the pages that are close to each other and enough for a series."""
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


def _keys(shape: str, edge: Edge, page: int) -> Iterator[_Key]:
    if len(shape) > MAX_LENGTH:
        return
    if _LETTERS.search(shape):
        yield _Key(edge, shape, None)
        roman = _ROMAN.fullmatch(shape)
        if roman:
            yield _Key(edge, "roman", _roman_value(roman.group(1).lower()) - page)
    for number, match in enumerate(_NUMBER.finditer(shape)):
        if number == MAX_NUMBERS:
            return
        masked = f"{shape[: match.start()]}#{shape[match.end() :]}"
        if not _COUNTED_TITLE.match(masked):
            yield _Key(edge, masked, int(match.group()) - page)


def _roman_value(numeral: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in numeral]
    return sum(-value if value < max(values[index:]) else value for index, value in enumerate(values))


def _dropped(
    side: _Side, page: int, running: dict[_Key, set[int]], titles: Collection[str], kept: set[str]
) -> Iterator[int]:
    """Yields the numbers of the lines to drop, from the edge inwards up to the first that is not in a series."""
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


def _in_series(side: _Side, page: int, running: dict[_Key, set[int]]) -> Iterator[tuple[_EdgeLine, _Key]]:
    for line in side:
        key = next((key for key in line.keys if page in running.get(key, ())), None)
        if key is None:
            return
        yield line, key


def _is_number_of_page(key: _Key) -> bool:
    """Returns whether a line is nothing but a page number."""
    return key.offset is not None and (key.shape == "roman" or not _LETTERS.search(_PAGE_WORDS.sub("", key.shape)))
