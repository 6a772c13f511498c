"""HWP 5 files: an OLE container of record streams (Hancom, "Hangul document file format 5.0", revision 1.3)."""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from onggi.domain.errors import BadDocument
from readers.hangul import (
    NUMBER_SHAPES,
    Cell,
    Markers,
    NumberLevel,
    ParagraphHead,
    Piece,
    format_number,
    paragraph_blocks,
    table_blocks,
    title_level,
)
from readers.hwp5_container import Hwp5Container, RawRecord
from readers.model import Block, Page, Paragraph, RawDocument

MAX_LEVEL: Final = 128
"""Level of a record; a table within a table is two levels deeper."""

_DAMAGES: Final = (OSError, ValueError, OverflowError, zlib.error, struct.error)

_NUMBERING: Final = 23
_BULLET: Final = 24
_PARAGRAPH_SHAPE: Final = 25
_STYLE: Final = 26
_PARAGRAPH: Final = 66
_TEXT: Final = 67
_CONTROL: Final = 71
_LIST: Final = 72
_SHAPE: Final = 76
_TABLE: Final = 77
_EQUATION: Final = 88
_TEXT_ART: Final = 90
_BODY_TAGS: Final = frozenset((_PARAGRAPH, _TEXT, _CONTROL, _LIST, _SHAPE, _TABLE, _EQUATION, _TEXT_ART))

_PAGE_BREAKS: Final = 0x01 | 0x04  # of a section, of a page
_HEADER_CELL: Final = 1 << 18
_HEAD_KINDS: Final[tuple[Literal["outline", "number", "bullet"] | None, ...]] = (None, "outline", "number", "bullet")
_LEVELS_IN_BITS: Final = 7
_EXTENDED_SHAPE_BYTES: Final = 58
_PAGE_NUMBERS: Final = (0, 6)  # of this page, of all

_RUN: Final = re.compile(rb"(?:[\x20-\xff][\x00-\xff]|[\x00-\x1f][\x01-\xff]|[\x00\n\r\x18-\x1f]\x00)++")
_CONTROLS_IN_RUN: Final = {0: None, 13: None, 24: "-", **dict.fromkeys(range(25, 30)), 30: "\u00a0", 31: " "}
_TAB: Final = 9
_WIDE_BYTES: Final = 16


@dataclass(slots=True)
class _Record:
    tag: int
    content: bytes
    children: list["_Record"] = field(default_factory=list)


def read_hwp5(file: Path) -> RawDocument:
    """Reads an HWP 5 file; each section and each page break of the author begins a page.

    Headers, footers, master pages and hidden comments are left out; notes, text boxes and captions follow the
    paragraph in which they are anchored.

    Raises:
        BadDocument: `encrypted`, `corrupt` or `too_large`.
    """
    try:
        with Hwp5Container(file) as container:
            return _document(container)
    except _DAMAGES as error:
        raise BadDocument("corrupt") from error


def _document(container: Hwp5Container) -> RawDocument:
    text = _Text(container.document_info())
    pages: list[Page] = []
    for records in container.sections():
        pages += text.section_pages(_tree(records))
    return RawDocument(tuple(pages), container.properties())


class _Text:
    """Turns sections into pages, by the shapes and styles of the document."""

    def __init__(self, document_info: Iterable[RawRecord]) -> None:
        numberings: list[list[NumberLevel]] = []
        bullets: list[str] = []
        self._heads: list[ParagraphHead | None] = []
        self._title_levels: list[int | None] = []
        for tag, _, content in document_info:
            if tag == _NUMBERING:
                numberings.append(_number_levels(content))
            elif tag == _BULLET:
                bullets.append(_decoded(content[12:14]))
            elif tag == _PARAGRAPH_SHAPE:
                self._heads.append(_paragraph_head(content))
            elif tag == _STYLE:
                self._title_levels.append(title_level(_string(content, 0)))
        self._markers = Markers(dict(enumerate(numberings, 1)), dict(enumerate(bullets, 1)))
        self._outline = 1

    def section_pages(self, paragraphs: Sequence[_Record]) -> list[Page]:
        pages: list[list[Block]] = [[]]
        for number, paragraph in enumerate(paragraphs):
            if paragraph.tag != _PARAGRAPH:
                continue
            if number and len(paragraph.content) > 11 and paragraph.content[11] & _PAGE_BREAKS:  # noqa: PLR2004
                pages.append([])
            pages[-1] += self._paragraph(paragraph)
        return [Page(tuple(blocks)) for blocks in pages]

    def _paragraph(self, paragraph: _Record) -> list[Block]:
        _, _, shape, style = struct.unpack_from("<IIHB", paragraph.content)
        text = b"".join(child.content for child in paragraph.children if child.tag == _TEXT)
        controls = [child for child in paragraph.children if child.tag == _CONTROL]
        for control in controls:
            if _kind(control) == b"secd":
                (self._outline,) = struct.unpack_from("<H", control.content, 18)
        head = self._heads[shape] if shape < len(self._heads) else None
        if head and head.kind == "outline":
            head = ParagraphHead("outline", head.level, self._outline)
        marker = self._markers.next(head) if head else ""
        heading_level = self._title_levels[style] if style < len(self._title_levels) else None
        return paragraph_blocks(self._pieces(text, controls), head, marker, heading_level)

    def _pieces(self, text: bytes, controls: Sequence[_Record]) -> Iterator[Piece]:
        """Yields the text between control characters and the content of the controls, in order."""
        position, used = 0, 0
        while position + 1 < len(text):
            if run := _RUN.match(text, position):
                yield _decoded(run.group()).translate(_CONTROLS_IN_RUN)
                position = run.end()
                continue
            if text[position] == _TAB:
                yield "\t"
            elif used < len(controls) and controls[used].content[:4] == text[position + 2 : position + 6]:
                yield from self._control(controls[used])
                used += 1
            position += _WIDE_BYTES
        for control in controls[used:]:
            yield from self._control(control)

    def _control(self, control: _Record) -> Iterator[Piece]:
        kind = _kind(control)
        if kind == b"tbl ":
            yield self._table(control)
        elif kind in (b"gso ", b"fn  ", b"en  "):
            yield tuple(self._inner_blocks(control))
        elif kind == b"eqed":
            yield "".join(_string(child.content, 4) for child in control.children if child.tag == _EQUATION)
            yield tuple(self._inner_blocks(control))
        elif kind == b"atno":
            yield _automatic_number(control.content)
        elif kind == b"tcps":
            yield _string(control.content, 4)
        elif kind == b"tdut":
            yield _ruby(control.content)

    def _table(self, control: _Record) -> tuple[Block, ...]:
        start = next((index for index, child in enumerate(control.children) if child.tag == _TABLE), 0)
        cells = []
        for attributes, paragraphs in _lists(control.children[start:]):
            flags, column, row = struct.unpack_from("<IHH", attributes, 4)
            cells.append(Cell(row, column, tuple(self._blocks(paragraphs)), bool(flags & _HEADER_CELL)))
        captions = (paragraphs for _, paragraphs in _lists(control.children[:start]))
        caption = tuple(block for paragraphs in captions for block in self._blocks(paragraphs))
        return caption + table_blocks(cells)

    def _inner_blocks(self, record: _Record) -> Iterator[Block]:
        """Yields the blocks in a note or shape, in the shapes of a group, and in captions."""
        for _, paragraphs in _lists(record.children):
            yield from self._blocks(paragraphs)
        for child in record.children:
            if child.tag == _SHAPE:
                yield from self._inner_blocks(child)
            elif child.tag == _TEXT_ART:
                yield Paragraph(_string(child.content, 32))

    def _blocks(self, paragraphs: Iterable[_Record]) -> Iterator[Block]:
        for paragraph in paragraphs:
            yield from self._paragraph(paragraph)


def _tree(records: Iterable[RawRecord]) -> list[_Record]:
    """Returns the paragraphs of a section, with their records as children."""
    root = _Record(0, b"")
    path = [(-1, root)]
    for tag, level, content in records:
        if level > MAX_LEVEL:
            raise BadDocument("corrupt")
        while path[-1][0] >= level:
            path.pop()
        record = _Record(tag, content)
        if tag in _BODY_TAGS:  # other records are dropped with their children, such as memos
            path[-1][1].children.append(record)
        path.append((level, record))
    return root.children


def _lists(records: Iterable[_Record]) -> Iterator[tuple[bytes, list[_Record]]]:
    """Yields the attributes and paragraphs of each list; paragraphs are siblings of their list's header."""
    attributes = b""
    paragraphs: list[_Record] = []
    for record in records:
        if record.tag == _LIST:
            if attributes or paragraphs:
                yield attributes, paragraphs
            attributes, paragraphs = record.content, []
        elif record.tag == _PARAGRAPH:
            paragraphs.append(record)
    if attributes or paragraphs:
        yield attributes, paragraphs


def _kind(control: _Record) -> bytes:
    """Returns the four letters that name a control; they are stored as a number, the last letter first."""
    return control.content[3::-1]


def _decoded(units: bytes) -> str:
    return units.decode("utf-16-le", "replace")


def _string(content: bytes, position: int) -> str:
    """Reads a text with its number of UTF-16 units before it."""
    (length,) = struct.unpack_from("<H", content, position)
    return _decoded(content[position + 2 : position + 2 + 2 * length])


def _behind_string(content: bytes, position: int) -> int:
    (length,) = struct.unpack_from("<H", content, position)
    return position + 2 + 2 * int(length)


def _paragraph_head(shape: bytes) -> ParagraphHead | None:
    (flags,) = struct.unpack_from("<I", shape)
    kind = _HEAD_KINDS[flags >> 23 & 3]
    if kind is None:
        return None
    level = flags >> 25 & 7
    (reference,) = struct.unpack_from("<H", shape, 30)
    if len(shape) >= _EXTENDED_SHAPE_BYTES:
        (level,) = struct.unpack_from("<I", shape, _EXTENDED_SHAPE_BYTES - 4)
    return ParagraphHead(kind, level, reference)


def _number_levels(content: bytes) -> list[NumberLevel]:
    """Reads the levels of a numbering: seven, their first numbers, and since 5.1 three more of both."""
    heads, position = _number_heads(content, 0, _LEVELS_IN_BITS)
    position += 2  # whether it continues the list before
    starts, position = _starts(content, position, len(heads))
    more, position = _number_heads(content, position, 3)
    later_starts, _ = _starts(content, position, len(more))
    return [
        NumberLevel(pattern, NUMBER_SHAPES[shape] if shape < len(NUMBER_SHAPES) else NUMBER_SHAPES[0], start)
        for (shape, pattern), start in zip(heads + more, starts + later_starts, strict=True)
    ]


def _number_heads(content: bytes, position: int, count: int) -> tuple[list[tuple[int, str]], int]:
    heads: list[tuple[int, str]] = []
    while len(heads) < count and position + 14 <= len(content):
        (flags,) = struct.unpack_from("<I", content, position)
        heads.append((flags >> 5 & 0xF, _string(content, position + 12)))
        position = _behind_string(content, position + 12)
    return heads, position


def _starts(content: bytes, position: int, count: int) -> tuple[list[int], int]:
    """Reads the first numbers of the levels; files before 5.0.2.5 have none."""
    end = position + 4 * count
    if end > len(content):
        return [1] * count, position
    return list(struct.unpack_from(f"<{count}I", content, position)), end


def _automatic_number(control: bytes) -> str:
    """Returns the number of a note, picture, table or equation as it was last shown; empty for page numbers."""
    flags, number, _, prefix, suffix = struct.unpack_from("<IHHHH", control, 4)
    if flags & 0xF in _PAGE_NUMBERS:
        return ""
    code = flags >> 4 & 0xFF
    shape = NUMBER_SHAPES[code] if code < len(NUMBER_SHAPES) else NUMBER_SHAPES[0]
    return f"{_sign(prefix)}{format_number(number, shape)}{_sign(suffix)}"


def _sign(unit: int) -> str:
    return chr(unit) if unit else ""


def _ruby(control: bytes) -> str:
    """Returns a text with its ruby text in brackets."""
    main = _string(control, 4)
    above = _string(control, _behind_string(control, 4))
    return f"{main}({above})" if above else main
