"""Assembles the blocks of a document into one text, with the places of its pages, headings and tables."""

from typing import Final

from onggi.domain.document import DocumentProperties, ExtractedText, HeadingSpan, TableSpan
from onggi.domain.errors import BadDocument
from readers.language import language_of
from readers.model import LIST_INDENT, MAX_HEADING_LEVEL, Block, Heading, ListItem, Paragraph, RawDocument, Table
from readers.normalise import normalise

MAX_CHARACTERS: Final = 20_000_000
"""About ten thousand pages; what is larger came from a broken or a hostile file."""
MAX_PROPERTY_LENGTH: Final = 300
MAX_LIST_DEPTH: Final = 8

_BLOCK_GAP: Final = "\n\n"
_LINE_GAP: Final = "\n"


def assemble(document: RawDocument) -> ExtractedText:
    """Normalises every block and joins them, so that all offsets are exact.

    A page without text is empty: it starts where the next page starts. The text is empty if no page has text.

    Raises:
        BadDocument: `too_large` when there is more text than a document can have.
    """
    text = _Text()
    first_blocks: list[int] = []
    for page in document.pages:
        first_blocks.append(len(text.starts))
        for block in page.blocks:
            text.add(block)
    joined = "".join(text.parts)
    starts = [*text.starts, len(joined)]
    return ExtractedText(
        text=joined,
        page_starts=tuple(starts[first] for first in first_blocks) or (0,),
        language=language_of(joined),
        properties=_properties(document.properties),
        headings=tuple(text.headings),
        tables=tuple(text.tables),
        needs_ocr=tuple(number for number, page in enumerate(document.pages, start=1) if page.needs_ocr),
    )


class _Text:
    """Text under construction.

    Attributes:
        parts: pieces of the text, in order.
        starts: offset of each block that is not blank.
    """

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.starts: list[int] = []
        self.headings: list[HeadingSpan] = []
        self.tables: list[TableSpan] = []
        self._length = 0
        self._in_list = False

    def add(self, block: Block) -> None:
        """Appends a block, unless it is blank."""
        match block:
            case Paragraph(text):
                self._append(normalise(text))
            case Heading(text, level):
                span = self._append(normalise(text).strip())
                if span:
                    self.headings.append(HeadingSpan(*span, min(max(level, 1), MAX_HEADING_LEVEL)))
            case ListItem():
                self._append_item(block)
            case Table():
                self._append_table(block)
        self._in_list = isinstance(block, ListItem)

    def _append_item(self, item: ListItem) -> None:
        text = normalise(item.text).strip()
        if text:
            indent = LIST_INDENT * min(max(item.depth, 0), MAX_LIST_DEPTH)
            self._append(f"{indent}{normalise(item.marker)} {text}", _LINE_GAP if self._in_list else _BLOCK_GAP)

    def _append_table(self, table: Table) -> None:
        header, body = (
            [line for line in normalise("\n".join(lines)).split("\n") if line.strip()]
            for lines in (table.lines[: table.header_lines], table.lines[table.header_lines :])
        )
        span = self._append("\n".join([*header, *body]))
        if span:
            start, end = span
            header_end = min(start + sum(len(line) + 1 for line in header), end)
            self.tables.append(TableSpan(start, end, header_end))

    def _append(self, text: str, gap: str = _BLOCK_GAP) -> tuple[int, int] | None:
        """Adds text after a gap and returns its span, None if it is blank."""
        if not text.strip():
            return None
        if self.parts:
            self.parts.append(gap)
            self._length += len(gap)
        start = self._length
        self.starts.append(start)
        self.parts.append(text)
        self._length += len(text)
        if self._length > MAX_CHARACTERS:
            raise BadDocument("too_large")
        return start, self._length


def _properties(stated: DocumentProperties) -> DocumentProperties:
    return DocumentProperties(*map(_on_one_line, (stated.title, stated.author, stated.created, stated.modified)))


def _on_one_line(stated: str | None) -> str | None:
    """Returns a property on one line, None if it is nothing but blanks and controls."""
    return (" ".join(normalise(stated).split())[:MAX_PROPERTY_LENGTH] or None) if stated else None
