"""Word files (ISO/IEC 29500, WordprocessingML): the body in its order, as a reader of the printed pages sees it."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lxml.etree import _Element as XmlElement

from readers.archive import Archive
from readers.docx_inline import (
    Box,
    Graphic,
    Note,
    NoteKind,
    PageBreak,
    Picture,
    Token,
    is_visible,
    switched_on,
    tokens_of,
)
from readers.docx_styles import (
    BULLET,
    VALUE,
    ListPlace,
    Numbering,
    Styles,
    heading_level,
    list_place,
    outline_level,
)
from readers.model import CELL_SEPARATOR, Block, Heading, ListItem, Page, Paragraph, RawDocument, Table
from readers.ooxml import (
    MC,
    Item,
    W,
    chosen_alternative,
    core_properties,
    graphic_blocks,
    main_part,
    numeral,
    optional_part,
    parse_part,
    related,
    relationships,
    whole_number,
)

MAX_COLUMNS: Final = 63
"""Of a table, as in Word."""

HEADING_CHARACTERS: Final = 250
"""What is longer is running text that somebody has given a heading's style."""

_WRAPPERS: Final = frozenset(
    f"{W}{name}" for name in ("body", "sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")
)
_TABLE_PARTS: Final = frozenset({f"{W}tbl", f"{W}tr", f"{W}tc"})


def read_docx(file: Path) -> RawDocument:
    """Reads a Word file: its pages are those of the last layout, where it keeps that, else those its author has set.

    A paragraph belongs to the page on which it begins. Text boxes, charts and diagrams follow the paragraph in which
    they are anchored, footnotes end their page and endnotes the document. Deletions, hidden text, comments, running
    heads and feet are left out.

    Raises:
        BadDocument: `encrypted`, `corrupt` or `too_large`.
    """
    with Archive(file) as archive:
        return RawDocument(_Reader(archive).pages(), core_properties(archive))


class _Pages:
    """Pages under construction."""

    def __init__(self) -> None:
        self._closed: list[Page] = []
        self._blocks: list[Block] = []
        self._notes: list[Block] = []
        self._has_picture = False
        self._turned_by_author = False

    @property
    def is_at_start(self) -> bool:
        """Whether nothing has been read yet."""
        return not (self._closed or self._blocks or self._has_picture)

    def add(self, block: Block) -> None:
        """Appends a block to the page."""
        self._blocks.append(block)
        self._turned_by_author = False

    def add_note(self, text: str) -> None:
        """Appends a note to those at the foot of the page."""
        self._notes.append(Paragraph(text))

    def add_picture(self) -> None:
        """Marks the page as one with a picture."""
        self._has_picture = True

    def turn(self, *, rendered: bool) -> None:
        """Begins a page; the layout's own mark after a break that its author has set is the same break."""
        if rendered and self._turned_by_author:
            self._turned_by_author = False
            return
        self._turned_by_author = not rendered
        self._close()

    def finish(self) -> tuple[Page, ...]:
        """All pages."""
        self._close()
        return tuple(self._closed)

    def _close(self) -> None:
        blocks = (*self._blocks, *self._notes)
        self._closed.append(Page(blocks, needs_ocr=self._has_picture and not blocks))
        self._blocks, self._notes, self._has_picture = [], [], False


@dataclass(slots=True)
class _Row:
    """A row of a table.

    Attributes:
        turns: how many pages end before it or within it.
        begins_page: whether the first of them ends before it.
    """

    cells: list[str]
    turns: int
    begins_page: bool


class _Reader:
    """Reads one document, from its first element to its last: numbers and pages are counted on the way."""

    def __init__(self, archive: Archive) -> None:
        name = main_part(archive, "word/document.xml")
        self._archive = archive
        self._relations = relationships(archive, name)
        self._root = parse_part(archive.read(name))
        self._styles = Styles(self._part("styles"))
        self._numbering = Numbering(self._part("numbering"))
        self._notes: dict[NoteKind, dict[str, XmlElement]] = {
            "footnotes": self._note_elements("footnotes"),
            "endnotes": self._note_elements("endnotes"),
        }
        self._note_counts: dict[NoteKind, int] = {"footnotes": 0, "endnotes": 0}
        self._note_marks: dict[Note, str] = {}
        self._endnotes: list[str] = []
        self._pages = _Pages()
        self._sections = _page_sections(self._root)

    def pages(self) -> tuple[Page, ...]:
        """All pages of the document."""
        body = self._root.find(f"{W}body")
        if body is not None:
            self._walk(body)
        for note in self._endnotes:
            self._pages.add(Paragraph(note))
        return self._pages.finish()

    def _part(self, kind: str) -> XmlElement | None:
        return optional_part(self._archive, related(self._relations, kind))

    def _note_elements(self, kind: NoteKind) -> dict[str, XmlElement]:
        root = self._part(kind)
        elements = () if root is None else root.iterchildren(f"{W}footnote", f"{W}endnote")
        notes = (element for element in elements if element.get(f"{W}type") in (None, "normal"))
        return {note.get(f"{W}id", ""): note for note in notes}

    def _walk(self, container: XmlElement) -> None:
        for element in _content(container):
            if element.tag == f"{W}p":
                self._paragraph(element)
            else:
                self._table(element)

    def _paragraph(self, element: XmlElement) -> None:
        properties = element.find(f"{W}pPr")
        if not self._pages.is_at_start and switched_on(properties, "pageBreakBefore"):
            self._pages.turn(rendered=False)
        parts: list[str] = []
        anchored: list[Box | Graphic] = []
        turns = 0
        has_text = False
        for token in tokens_of(element):
            match token:
                case PageBreak(rendered=True) if has_text:
                    turns += 1
                case PageBreak(rendered):
                    self._add_text(properties, parts)
                    self._pages.turn(rendered=rendered)
                    has_text = False
                case Box() | Graphic():
                    anchored.append(token)
                case _:
                    self._add_inline(token, parts)
                    has_text = has_text or is_visible(token)
        self._add_text(properties, parts)
        for one in anchored:
            self._add_anchored(one)
        for _ in range(turns):
            self._pages.turn(rendered=True)
        section = None if properties is None else properties.find(f"{W}sectPr")
        if section is not None and section in self._sections:
            self._pages.turn(rendered=False)

    def _add_inline(self, token: Token, parts: list[str]) -> None:
        match token:
            case str(text):
                parts.append(text)
            case Note():
                parts.append(self._note_mark(token))
            case Picture():
                self._pages.add_picture()

    def _add_anchored(self, anchored: Box | Graphic) -> None:
        if isinstance(anchored, Box):
            self._walk(anchored.content)
        else:
            for block in graphic_blocks(self._archive, self._relations, anchored.element):
                self._pages.add(block)

    def _add_text(self, properties: XmlElement | None, parts: list[str]) -> None:
        """Adds what has been read of a paragraph, and takes it from the parts."""
        text = "".join(parts)
        parts.clear()
        style_id = _style_id(properties) or self._styles.default
        place = self._list_place(properties, style_id)
        marker = self._numbering.next_marker(place.number_id, place.level or 0) if place else None
        if not text.strip():
            return
        level = heading_level(_first(outline_level(properties), self._styles[style_id].outline_level))
        if level and len(text) <= HEADING_CHARACTERS:
            number = "" if marker in (None, BULLET) else f"{marker} "
            self._pages.add(Heading(number + " ".join(text.split()), level))
        elif place and marker:
            self._pages.add(ListItem(text.strip(), place.level or 0, marker))
        else:
            self._pages.add(Paragraph(text))

    def _list_place(self, properties: XmlElement | None, style_id: str) -> ListPlace | None:
        """The list and level of a paragraph, None outside lists."""
        place = list_place(properties) or self._styles[style_id].place
        if not place or not place.number_id:
            return None
        return ListPlace(place.number_id, self._numbering.level_of(place, self._styles.lineage(style_id)))

    def _note_mark(self, note: Note) -> str:
        """What stands in the text for a note, which is put aside when it is first referred to."""
        if note in self._note_marks:
            return self._note_marks[note]
        element = self._notes[note.kind].get(note.identifier)
        if element is None:
            return ""
        self._note_counts[note.kind] += 1
        number = self._note_counts[note.kind]
        mark = f"[{numeral(number, 'decimal' if note.kind == 'footnotes' else 'lowerRoman')}]"
        self._note_marks[note] = mark
        text = f"{mark} {self._flat(element)[0].strip()}"
        if note.kind == "footnotes":
            self._pages.add_note(text)
        else:
            self._endnotes.append(text)
        return mark

    def _table(self, element: XmlElement) -> None:
        rows = [(row, [*_inside(row, f"{W}tc")]) for row in _inside(element, f"{W}tr") if not _is_deleted(row)]
        if all(len(cells) <= 1 for _, cells in rows):  # a frame around text
            for _, cells in rows:
                for cell in cells:
                    self._walk(cell)
            return
        header_rows = 0
        for row, _ in rows:
            if not switched_on(row.find(f"{W}trPr"), "tblHeader"):
                break
            header_rows += 1
        header_rows = header_rows if 0 < header_rows < len(rows) else min(1, len(rows) - 1)
        self._add_rows([self._row(row, cells) for row, cells in rows], header_rows)

    def _add_rows(self, rows: list[_Row], header_rows: int) -> None:
        """Adds a table to the pages over which it goes; each part has the header, as it is printed."""
        waiting: list[list[str]] = []
        for number, row in enumerate(rows):
            turns = row.turns
            if row.begins_page:
                self._add_table(waiting, header_rows)
                self._pages.turn(rendered=True)
                waiting = [one.cells for one in rows[:header_rows]] if waiting and number >= header_rows else []
                turns -= 1
            waiting.append(row.cells)
            if turns and number >= header_rows:
                self._add_table(waiting, header_rows)
                waiting = [one.cells for one in rows[:header_rows]]
            for _ in range(turns):
                self._pages.turn(rendered=True)
        if len(waiting) > header_rows or not header_rows:
            self._add_table(waiting, header_rows)

    def _add_table(self, rows: list[list[str]], header_rows: int) -> None:
        table = Table.of_rows(rows, header_rows)
        if table.lines:
            self._pages.add(table)

    def _row(self, element: XmlElement, cells: Iterable[XmlElement]) -> _Row:
        properties = element.find(f"{W}trPr")
        row = _Row([""] * _span(properties, "gridBefore", 0), 0, begins_page=False)
        for cell in cells:
            text, turns, begins_page = self._flat(cell)
            row.cells.append("" if _continues(cell) else text)
            row.cells += [""] * (_span(cell.find(f"{W}tcPr"), "gridSpan", 1) - 1)
            row.turns = max(row.turns, turns)
            row.begins_page = row.begins_page or begins_page
        return row

    def _flat(self, container: XmlElement) -> tuple[str, int, bool]:
        """Text, a line for each block, how many pages end in it, and whether one does before its first word."""
        lines: list[str] = []
        turns, begins_page = 0, False
        for paragraph in _content(container, _TABLE_PARTS):
            properties = paragraph.find(f"{W}pPr")
            style_id = _style_id(properties) or self._styles.default
            place = self._list_place(properties, style_id)
            marker = self._numbering.next_marker(place.number_id, place.level or 0) if place else None
            parts: list[str] = []
            boxes: list[str] = []
            has_text = bool(lines)
            for token in tokens_of(paragraph):
                match token:
                    case PageBreak():
                        turns += 1
                        begins_page = begins_page or not has_text
                    case Box(content):
                        boxes.append(self._flat(content)[0])
                    case Graphic(graphic):
                        boxes += map(_flat_block, graphic_blocks(self._archive, self._relations, graphic))
                    case _:
                        self._add_inline(token, parts)
                        has_text = has_text or is_visible(token)
            text = "".join(parts).strip()
            lines += [f"{marker} {text}" if marker and text else text] if text else []
            lines += boxes
        return "\n".join(lines), turns, begins_page


def _content(container: XmlElement, also: frozenset[str] = frozenset()) -> Iterator[XmlElement]:
    """The paragraphs and tables of a container; of tables their paragraphs, where the parts of tables are named."""
    waiting: list[Item] = [*reversed(container)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            continue
        if item.tag in _WRAPPERS or item.tag in also:
            waiting += reversed(item)
        elif item.tag == f"{MC}AlternateContent":
            waiting += reversed(chosen_alternative(item))
        elif item.tag in (f"{W}p", f"{W}tbl"):
            yield item


def _inside(container: XmlElement, tag: str) -> Iterator[XmlElement]:
    """The rows of a table or the cells of a row, also those in content controls."""
    waiting = [*reversed(container)]
    while waiting:
        element = waiting.pop()
        if element.tag == tag:
            yield element
        elif element.tag in _WRAPPERS:
            waiting += reversed(element)


def _page_sections(root: XmlElement) -> frozenset[XmlElement]:
    """The marks of those sections whose successor begins on a new page."""
    sections = [*root.iter(f"{W}sectPr")]
    return frozenset(
        section
        for section, following in itertools.pairwise(sections)
        if (kind := following.find(f"{W}type")) is None or kind.get(VALUE) not in ("continuous", "nextColumn")
    )


def _style_id(properties: XmlElement | None) -> str | None:
    style = None if properties is None else properties.find(f"{W}pStyle")
    return None if style is None else style.get(VALUE)


def _is_deleted(row: XmlElement) -> bool:
    return row.find(f"{W}trPr/{W}del") is not None


def _continues(cell: XmlElement) -> bool:
    """Whether a cell is merged into the one above or before it."""
    for name in ("vMerge", "hMerge"):
        merge = cell.find(f"{W}tcPr/{W}{name}")
        if merge is not None and merge.get(VALUE, "continue") == "continue":
            return True
    return False


def _span(properties: XmlElement | None, name: str, default: int) -> int:
    element = None if properties is None else properties.find(f"{W}{name}")
    return default if element is None else min(max(whole_number(element.get(VALUE), default), default), MAX_COLUMNS)


def _flat_block(block: Block) -> str:
    return "\n".join(block.lines).replace(CELL_SEPARATOR, " ") if isinstance(block, Table) else block.text


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
