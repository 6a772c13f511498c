"""Word files (ISO/IEC 29500, WordprocessingML): reads the body in its order, as it is printed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from lxml.etree import _Element as XmlElement

from readers.archive import Archive
from readers.docx_elements import (
    all_paragraphs,
    cells_of,
    column_span,
    columns_before,
    is_merged,
    paragraphs_and_tables,
    rows_of,
    sections_before_page_breaks,
    style_id,
)
from readers.docx_inline import (
    Box,
    Graphic,
    Note,
    NoteKind,
    PageBreak,
    Picture,
    Token,
    is_switched_on,
    is_visible,
    tokens_of,
)
from readers.docx_pages import Pages, TableRow
from readers.docx_styles import (
    BULLET,
    ListPlace,
    Numbering,
    Styles,
    heading_level,
    list_place,
    outline_level,
)
from readers.model import CELL_SEPARATOR, Block, Heading, ListItem, Page, Paragraph, RawDocument, Table
from readers.ooxml import (
    W,
    core_properties,
    graphic_blocks,
    main_part,
    numeral,
    optional_part,
    parse_part,
    related,
    relationships,
)

HEADING_CHARACTERS: Final = 250
"""A longer text is running text in the style of a heading."""


def read_docx(file: Path) -> RawDocument:
    """Reads a Word file; its pages are those of the last layout if the file keeps it, else those set by its author.

    A paragraph belongs to the page on which it begins. Text boxes, charts and diagrams follow the paragraph in which
    they are anchored. Footnotes end their page, endnotes the document. Deletions, hidden text, comments, headers and
    footers are left out.

    Raises:
        BadDocument: `encrypted`, `corrupt` or `too_large`.
    """
    with Archive(file) as archive:
        return RawDocument(_Reader(archive).pages(), core_properties(archive))


class _FlatText(NamedTuple):
    """Text of a cell, a note or a text box.

    Attributes:
        text: a line for each block.
        page_breaks: number of pages that end in it.
        starts_page: whether a page ends before its first word.
    """

    text: str
    page_breaks: int
    starts_page: bool


class _Reader:
    """Reads one document from its first element to its last, and counts list numbers and pages on the way."""

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
        self._pages = Pages()
        self._sections = sections_before_page_breaks(self._root)

    def pages(self) -> tuple[Page, ...]:
        """Reads and returns all pages of the document."""
        body = self._root.find(f"{W}body")
        if body is not None:
            self._read_content(body)
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

    def _read_content(self, container: XmlElement) -> None:
        for element in paragraphs_and_tables(container):
            if element.tag == f"{W}p":
                self._read_paragraph(element)
            else:
                self._read_table(element)

    def _read_paragraph(self, element: XmlElement) -> None:
        properties = element.find(f"{W}pPr")
        if not self._pages.is_at_start and is_switched_on(properties, "pageBreakBefore"):
            self._pages.break_page(rendered=False)
        parts: list[str] = []
        anchored: list[Box | Graphic] = []
        page_breaks = 0
        has_text = False
        for token in tokens_of(element):
            match token:
                case PageBreak(rendered=True) if has_text:
                    page_breaks += 1
                case PageBreak(rendered):
                    self._add_text(properties, parts)
                    self._pages.break_page(rendered=rendered)
                    has_text = False
                case Box() | Graphic():
                    anchored.append(token)
                case _:
                    self._add_inline(token, parts)
                    has_text = has_text or is_visible(token)
        self._add_text(properties, parts)
        for item in anchored:
            self._add_anchored(item)
        for _ in range(page_breaks):
            self._pages.break_page(rendered=True)
        section = None if properties is None else properties.find(f"{W}sectPr")
        if section is not None and section in self._sections:
            self._pages.break_page(rendered=False)

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
            self._read_content(anchored.content)
        else:
            for block in graphic_blocks(self._archive, self._relations, anchored.element):
                self._pages.add(block)

    def _add_text(self, properties: XmlElement | None, parts: list[str]) -> None:
        """Adds the collected parts of a paragraph to the page and clears them."""
        text = "".join(parts)
        parts.clear()
        style = style_id(properties) or self._styles.default
        place = self._list_place(properties, style)
        marker = self._next_marker(place)
        if not text.strip():
            return
        level = heading_level(_first(outline_level(properties), self._styles[style].outline_level))
        if level and len(text) <= HEADING_CHARACTERS:
            number = "" if marker in (None, BULLET) else f"{marker} "
            self._pages.add(Heading(number + " ".join(text.split()), level))
        elif place and marker:
            self._pages.add(ListItem(text.strip(), place.level or 0, marker))
        else:
            self._pages.add(Paragraph(text))

    def _list_place(self, properties: XmlElement | None, style: str) -> ListPlace | None:
        """Returns the list and level of a paragraph, None outside lists."""
        place = list_place(properties) or self._styles[style].place
        if not place or not place.number_id:
            return None
        return ListPlace(place.number_id, self._numbering.level_of(place, self._styles.lineage(style)))

    def _next_marker(self, place: ListPlace | None) -> str | None:
        return self._numbering.next_marker(place.number_id, place.level or 0) if place else None

    def _note_mark(self, note: Note) -> str:
        """Returns the mark of a note in the text; the first reference to a note also stores its text."""
        if note in self._note_marks:
            return self._note_marks[note]
        element = self._notes[note.kind].get(note.identifier)
        if element is None:
            return ""
        self._note_counts[note.kind] += 1
        number = self._note_counts[note.kind]
        mark = f"[{numeral(number, 'decimal' if note.kind == 'footnotes' else 'lowerRoman')}]"
        self._note_marks[note] = mark
        text = f"{mark} {self._flat_text(element).text.strip()}"
        if note.kind == "footnotes":
            self._pages.add_note(text)
        else:
            self._endnotes.append(text)
        return mark

    def _read_table(self, element: XmlElement) -> None:
        rows = [(row, [*cells_of(row)]) for row in rows_of(element)]
        if all(len(cells) <= 1 for _, cells in rows):  # a frame around text
            for _, cells in rows:
                for cell in cells:
                    self._read_content(cell)
            return
        header_rows = 0
        for row, _ in rows:
            if not is_switched_on(row.find(f"{W}trPr"), "tblHeader"):
                break
            header_rows += 1
        header_rows = header_rows if 0 < header_rows < len(rows) else min(1, len(rows) - 1)
        self._pages.add_table([self._row(row, cells) for row, cells in rows], header_rows)

    def _row(self, element: XmlElement, cells: Iterable[XmlElement]) -> TableRow:
        row = TableRow([""] * columns_before(element), 0, starts_page=False)
        for cell in cells:
            text, page_breaks, starts_page = self._flat_text(cell)
            row.cells.append("" if is_merged(cell) else text)
            row.cells += [""] * (column_span(cell) - 1)
            row.page_breaks = max(row.page_breaks, page_breaks)
            row.starts_page = row.starts_page or starts_page
        return row

    def _flat_text(self, container: XmlElement) -> _FlatText:
        lines: list[str] = []
        page_breaks, starts_page = 0, False
        for paragraph in all_paragraphs(container):
            properties = paragraph.find(f"{W}pPr")
            marker = self._next_marker(self._list_place(properties, style_id(properties) or self._styles.default))
            parts: list[str] = []
            boxes: list[str] = []
            has_text = bool(lines)
            for token in tokens_of(paragraph):
                match token:
                    case PageBreak():
                        page_breaks += 1
                        starts_page = starts_page or not has_text
                    case Box(content):
                        boxes.append(self._flat_text(content).text)
                    case Graphic(graphic):
                        boxes += map(_flat_block, graphic_blocks(self._archive, self._relations, graphic))
                    case _:
                        self._add_inline(token, parts)
                        has_text = has_text or is_visible(token)
            text = "".join(parts).strip()
            lines += [f"{marker} {text}" if marker and text else text] if text else []
            lines += boxes
        return _FlatText("\n".join(lines), page_breaks, starts_page)


def _flat_block(block: Block) -> str:
    return "\n".join(block.lines).replace(CELL_SEPARATOR, " ") if isinstance(block, Table) else block.text


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
