"""Pages of a Word file under construction, and tables that continue over several of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from readers.model import Block, Page, Paragraph, Table


@dataclass(slots=True)
class TableRow:
    """A row of a table.

    Attributes:
        cells: their texts.
        page_breaks: number of pages that end before the row or within it.
        starts_page: whether the first of these page breaks is before the row.
    """

    cells: list[str]
    page_breaks: int
    starts_page: bool


class Pages:
    """Collects blocks and page breaks in the order of the document."""

    def __init__(self) -> None:
        self._closed: list[Page] = []
        self._blocks: list[Block] = []
        self._notes: list[Block] = []
        self._has_picture = False
        self._author_break = False

    @property
    def is_at_start(self) -> bool:
        """Whether nothing has been added yet."""
        return not (self._closed or self._blocks or self._has_picture)

    def add(self, block: Block) -> None:
        """Appends a block to the current page."""
        self._blocks.append(block)
        self._author_break = False

    def add_note(self, text: str) -> None:
        """Appends a footnote to the current page."""
        self._notes.append(Paragraph(text))

    def add_picture(self) -> None:
        """Marks the current page as one with a picture."""
        self._has_picture = True

    def break_page(self, *, rendered: bool) -> None:
        """Starts a new page.

        Args:
            rendered: whether the program that laid the text out has set the break; directly after a break of the
                author it marks the same break and is ignored.
        """
        if rendered and self._author_break:
            self._author_break = False
            return
        self._author_break = not rendered
        self._close()

    def add_table(self, rows: Sequence[TableRow], header_rows: int) -> None:
        """Adds a table to the pages that it covers; each part has the header, as in print."""
        part: list[list[str]] = []
        header = [row.cells for row in rows[:header_rows]]
        for number, row in enumerate(rows):
            page_breaks = row.page_breaks
            if row.starts_page:
                self._add_part(part, header_rows)
                self.break_page(rendered=True)
                part = [*header] if part and number >= header_rows else []
                page_breaks -= 1
            part.append(row.cells)
            if page_breaks and number >= header_rows:
                self._add_part(part, header_rows)
                part = [*header]
            for _ in range(page_breaks):
                self.break_page(rendered=True)
        if len(part) > header_rows or not header_rows:
            self._add_part(part, header_rows)

    def finish(self) -> tuple[Page, ...]:
        """Ends the last page and returns all pages."""
        self._close()
        return tuple(self._closed)

    def _add_part(self, rows: list[list[str]], header_rows: int) -> None:
        table = Table.of_rows(rows, header_rows)
        if table.lines:
            self.add(table)

    def _close(self) -> None:
        blocks = (*self._blocks, *self._notes)
        self._closed.append(Page(blocks, needs_ocr=self._has_picture and not blocks))
        self._blocks, self._notes, self._has_picture = [], [], False
