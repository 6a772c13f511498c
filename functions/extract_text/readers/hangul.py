"""Shared by the readers of both generations of Hangul files: numbering, paragraphs and tables."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from onggi.domain.errors import BadDocument
from readers.model import CELL_SEPARATOR, MAX_HEADING_LEVEL, Block, Heading, ListItem, Paragraph, Table

HEADING_CHARACTERS: Final = 100
"""Offices write whole texts as outlines; a longer text is an item of the outline, not a title."""

NUMBER_SHAPES: Final = (
    "DIGIT",
    "CIRCLED_DIGIT",
    "ROMAN_CAPITAL",
    "ROMAN_SMALL",
    "LATIN_CAPITAL",
    "LATIN_SMALL",
    "CIRCLED_LATIN_CAPITAL",
    "CIRCLED_LATIN_SMALL",
    "HANGUL_SYLLABLE",
    "CIRCLED_HANGUL_SYLLABLE",
    "HANGUL_JAMO",
    "CIRCLED_HANGUL_JAMO",
    "HANGUL_PHONETIC",
    "IDEOGRAPH",
    "CIRCLED_IDEOGRAPH",
    "DECAGON_CIRCLE",
    "DECAGON_CIRCLE_HANJA",
)
"""Names of number shapes in HWPX (KS X 6101); the index is their code in HWP 5."""

MAX_PATTERN: Final = 64
"""Characters of the marker of a numbered paragraph; the longest in use has ten levels."""

EMPTY_PLACES: Final = 100
"""Empty places that a table may have for each cell; merged cells leave less than ten."""

SPARE_PLACES: Final = 1_000

_ROMAN: Final = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
    (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_ROMAN_LIMIT: Final = 4000

_FIRST_SYLLABLE: Final = 0xAC00
_INITIALS: Final = (0, 2, 3, 5, 6, 7, 9, 11, 12, 14, 15, 16, 17, 18)  # the plain consonants' places in a syllable
_VOWELS: Final = (0, 4, 8, 13, 18, 20)  # 가 … 하 is followed by 거 … 허, 고 … 호, and so on
_SYLLABLES: Final = "".join(
    chr(_FIRST_SYLLABLE + (initial * 21 + vowel) * 28) for vowel in _VOWELS for initial in _INITIALS
)


def _from(first: str, count: int) -> str:
    return "".join(chr(ord(first) + step) for step in range(count))


_SEQUENCES: Final[Mapping[str, str]] = {
    "CIRCLED_DIGIT": _from("①", 20) + _from("㉑", 15) + _from("㊱", 15),
    "LATIN_CAPITAL": _from("A", 26),
    "LATIN_SMALL": _from("a", 26),
    "CIRCLED_LATIN_CAPITAL": _from("Ⓐ", 26),
    "CIRCLED_LATIN_SMALL": _from("ⓐ", 26),
    "HANGUL_SYLLABLE": _SYLLABLES,
    "CIRCLED_HANGUL_SYLLABLE": _from("㉮", 14),
    "HANGUL_JAMO": "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
    "CIRCLED_HANGUL_JAMO": _from("㉠", 14),
    "CIRCLED_IDEOGRAPH": _from("㊀", 10),
    "DECAGON_CIRCLE": "갑을병정무기경신임계",
    "DECAGON_CIRCLE_HANJA": "甲乙丙丁戊己庚辛壬癸",
}
_NUMERALS: Final[Mapping[str, str]] = {"HANGUL_PHONETIC": "일이삼사오육칠팔구십", "IDEOGRAPH": "一二三四五六七八九十"}
_TEN: Final = 10

_REFERENCE: Final = re.compile(r"\^(10|[1-9]|[nN])")
_TITLE_STYLE: Final = re.compile(r"(?:개요|제목|outline|heading|title)\s*(\d{0,2})", re.IGNORECASE)
_TITLE_STYLES: Final[Mapping[str, int]] = {
    "큰제목": 1, "대제목": 1, "장제목": 1, "중제목": 2, "부제목": 2, "절제목": 2, "소제목": 3, "작은제목": 3,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NumberLevel:
    """One level of a numbering.

    Attributes:
        pattern: `^1` to `^10` stand for the numbers of the levels, `^n` and `^N` for the path to this one.
        shape: one of `NUMBER_SHAPES`; unknown ones are shown as digits.
        start: the first number.
    """

    pattern: str
    shape: str = NUMBER_SHAPES[0]
    start: int = 1


@dataclass(frozen=True, slots=True)
class ParagraphHead:
    """The kind of marker before a paragraph.

    Attributes:
        level: from 0.
        reference: id of the numbering or bullet in the file; for outlines, the section has it.
    """

    kind: Literal["outline", "number", "bullet"]
    level: int = 0
    reference: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        row: its first row, from 0.
        column: its first column, from 0.
        is_header: whether it names a column and is repeated on every page.
    """

    row: int
    column: int
    blocks: tuple[Block, ...]
    is_header: bool = False


Piece = str | tuple[Block, ...]
"""A part of a paragraph: text, or blocks that are anchored there."""


class Markers:
    """Counts the numbered paragraphs of a document.

    Args:
        numberings: levels of each numbering, by reference.
        bullets: characters of bullets, by reference.
    """

    def __init__(self, numberings: Mapping[int, Sequence[NumberLevel]], bullets: Mapping[int, str]) -> None:
        self._numberings = numberings
        self._bullets = bullets
        self._counts: dict[int, list[int | None]] = {}

    def next(self, head: ParagraphHead) -> str:
        """Returns the marker of the next paragraph with this head; empty if none of its characters is visible."""
        if head.kind == "bullet":
            return _visible(self._bullets.get(head.reference, "")[:MAX_PATTERN])
        levels = self._numberings.get(head.reference, ())
        if head.level >= len(levels):
            return ""
        counts = self._counts.setdefault(head.reference, [None] * len(levels))
        count = counts[head.level]
        counts[head.level] = levels[head.level].start if count is None else count + 1
        counts[head.level + 1 :] = [None] * (len(levels) - head.level - 1)
        shown = [
            format_number(level.start if count is None else count, level.shape)
            for level, count in zip(levels, counts, strict=True)
        ]
        path = ".".join(shown[: head.level + 1])

        def replaced(match: re.Match[str]) -> str:
            name = match.group(1)
            if name.isdigit():
                return shown[int(name) - 1] if int(name) <= len(shown) else ""
            return path if name == "n" else f"{path}."

        return _visible(_REFERENCE.sub(replaced, levels[head.level].pattern[:MAX_PATTERN]))


def format_number(number: int, shape: str) -> str:
    """Returns a number in one of the `NUMBER_SHAPES`, in digits if that shape lacks the number."""
    if shape in ("ROMAN_CAPITAL", "ROMAN_SMALL") and 0 < number < _ROMAN_LIMIT:
        roman = _roman(number)
        return roman if shape == "ROMAN_CAPITAL" else roman.lower()
    if shape in _NUMERALS and 0 < number < _TEN * _TEN:
        return _numeral(number, _NUMERALS[shape])
    sequence = _SEQUENCES.get(shape, "")
    return sequence[number - 1] if 0 < number <= len(sequence) else str(number)


def title_level(style: str) -> int | None:
    """Returns the level of headings with a style of this name, None if it is not a style of headings."""
    name = style.strip()
    match = _TITLE_STYLE.fullmatch(name)
    if not match:
        return _TITLE_STYLES.get(name.replace(" ", ""))
    return max(1, int(match.group(1) or 1))


def paragraph_blocks(
    pieces: Iterable[Piece], head: ParagraphHead | None, marker: str, heading_level: int | None
) -> list[Block]:
    """Returns a paragraph and its anchored blocks: those before its first word precede it, all others follow it.

    Args:
        pieces: in order.
        head: None for running text.
        marker: marker before the text, such as `제1조`.
        heading_level: from 1; None if its style is not that of a heading.
    """
    before: list[Block] = []
    after: list[Block] = []
    parts: list[str] = []
    begun = False
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece)
            begun = begun or bool(piece.strip())
        else:
            (after if begun else before).extend(piece)
    text = "".join(parts)
    if not text.strip():
        return before + after
    return [*before, _block(text, head, marker, heading_level), *after]


def table_blocks(cells: Iterable[Cell]) -> tuple[Block, ...]:
    """Returns a table of cells; a single cell is a frame, and its blocks are returned.

    Raises:
        BadDocument: `corrupt` when hardly any place of the table has a cell.
    """
    rows: dict[int, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.row, []).append(cell)
    if len(rows) == 1 and len(only := next(iter(rows.values()))) == 1:
        return only[0].blocks
    columns = sorted({cell.column for row in rows.values() for cell in row})
    if len(rows) * len(columns) > SPARE_PLACES + EMPTY_PLACES * sum(map(len, rows.values())):
        raise BadDocument("corrupt")
    places = {column: place for place, column in enumerate(columns)}
    ordered = [rows[number] for number in sorted(rows)]
    table = Table.of_rows((_row(row, places) for row in ordered), max(1, _header_rows(ordered)))
    return (table,) if table.lines else ()


def _row(cells: Iterable[Cell], places: Mapping[int, int]) -> list[str]:
    row = [""] * len(places)
    for cell in cells:
        text = " ".join(_flat(block) for block in cell.blocks)
        place = places[cell.column]
        row[place] = f"{row[place]} {text}" if row[place] else text
    return row


def _header_rows(rows: Iterable[Sequence[Cell]]) -> int:
    count = 0
    for row in rows:
        if not any(cell.is_header for cell in row):
            break
        count += 1
    return count


def _flat(block: Block) -> str:
    """Returns a block on one line; the cells of a table within a cell are separated by blanks only."""
    if isinstance(block, Table):
        return " ".join(block.lines).replace(CELL_SEPARATOR, " ")
    return f"{block.marker} {block.text}" if isinstance(block, ListItem) else block.text


def _block(text: str, head: ParagraphHead | None, marker: str, heading_level: int | None) -> Block:
    level = head.level + 1 if head and head.kind == "outline" else heading_level
    if level and len(text) <= HEADING_CHARACTERS:
        return Heading(" ".join([marker, *text.split()]).strip(), min(level, MAX_HEADING_LEVEL))
    if head:
        return ListItem(text.strip(), head.level, marker or "-")
    return Paragraph(text)


def _visible(marker: str) -> str:
    return "".join(sign for sign in marker if unicodedata.category(sign)[0] != "C").strip()


def _roman(number: int) -> str:
    shown = ""
    for value, sign in _ROMAN:
        count, number = divmod(number, value)
        shown += sign * count
    return shown


def _numeral(number: int, signs: str) -> str:
    """Returns a number up to 99 in Chinese numerals: 11 is `십일`, 20 is `이십`."""
    tens, units = divmod(number, _TEN)
    shown = (signs[tens - 1] if tens > 1 else "") + (signs[_TEN - 1] if tens else "")
    return shown + (signs[units - 1] if units else "")
