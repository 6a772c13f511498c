"""Tables of HTML: distinguishes tables of data from layout tables and reads their rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborNode

from readers.html_tree import BLOCKS, CELLS, elements, inline_text, integer, steps
from readers.model import Block, Paragraph, Table

MAX_COLUMN_SPAN: Final = 50
MAX_SPARE_CELLS: Final = 1_000_000
"""Empty cells that spans may add in all tables of a page; after that, spans count as 1."""

_DATA_SIGNS: Final = elements("th thead caption")
_LAYOUT_SIGNS: Final = elements("h1 h2 h3 h4 h5 h6 form")
_BLOCKS_OF_TEXT: Final = elements("p div ul ol")


def data_tables(root: LexborNode) -> frozenset[int]:
    """Returns the ids of the tables that hold data."""
    tables: dict[int, _Facts] = {}
    stack: list[_Facts] = []
    for step, node in steps(root):
        tag = node.tag
        if tag == "table":
            if step == "leave":
                stack.pop()
                continue
            if stack:
                stack[-1].is_layout = True
            facts = _Facts(is_presentation=node.attributes.get("role") in {"presentation", "none"})
            tables[node.mem_id] = facts
            stack.append(facts)
        elif stack and step == "enter" and tag is not None:
            _add_fact(stack[-1], tag)
    return frozenset(key for key, facts in tables.items() if facts.is_data())


@dataclass(slots=True)
class Grid:
    """An open table of data; tables in its cells become text.

    Attributes:
        spare_cells: number of empty cells that spans may still add.
        text: text of the open cell or caption.
        span: columns and rows of the open cell.
        reach: number of rows, from this one, for which a cell covers a column.
        inner: number of open tables within this one.
        head_rows: number of rows at the top that name the columns.
        has_names: whether the table marks header cells.
    """

    spare_cells: int
    text: list[str] = field(default_factory=list)
    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)
    row: list[str] = field(default_factory=list)
    span: tuple[int, int] = (1, 1)
    reach: dict[int, int] = field(default_factory=dict)
    inner: int = 0
    head_rows: int = 0
    has_names: bool = False
    in_head: bool = False
    has_data: bool = False

    def enter(self, tag: str, node: LexborNode) -> None:
        """Handles the beginning of an element, or a text."""
        if node.is_text_node:
            self.text.append(node.text_content or "")
            return
        if inline := inline_text(tag, node):
            self.text.append(inline)
        if tag in BLOCKS:
            self.text.append(" ")
        if self.inner or tag == "table":
            self.inner += tag == "table"
        elif tag == "thead":
            self.in_head = self.has_names = True
        elif tag == "tr":
            self.row, self.has_data = [], False
        elif tag in CELLS:
            self._begin_cell(tag, node)

    def leave(self, tag: str) -> bool:
        """Handles the end of an element; returns True at the end of the table itself."""
        if tag in BLOCKS:
            self.text.append(" ")
        if self.inner:
            self.inner -= tag == "table"
            return False
        if tag in CELLS:
            self._end_cell()
        elif tag == "tr":
            self._end_row()
        elif tag == "thead":
            self.in_head = False
        elif tag == "caption":
            self.caption = self._take_text()
        return tag == "table"

    def blocks(self) -> Iterator[Block]:
        """Yields the caption and the table, if there are any."""
        if self.caption:
            yield Paragraph(self.caption)
        is_all_head = self.head_rows >= len(self.rows)
        if self.rows:
            yield Table.of_rows(self.rows, self.head_rows if self.has_names and not is_all_head else 1)

    def _begin_cell(self, tag: str, node: LexborNode) -> None:
        self._take_text()
        self.has_names = self.has_names or tag == "th"
        self.has_data = self.has_data or tag == "td"
        attributes = node.attributes
        columns = min(integer(attributes.get("colspan"), 1), MAX_COLUMN_SPAN)
        self.span = (max(columns, 1), max(integer(attributes.get("rowspan"), 1), 1))
        while self.reach.get(len(self.row), 0):
            self.row.append("")

    def _end_cell(self) -> None:
        columns, rows = self.span if self.spare_cells > 0 else (1, 1)
        if rows > 1:
            self.reach.update((len(self.row) + column, rows) for column in range(columns))
        self.row.append(self._take_text())
        self.row.extend([""] * (columns - 1))
        self.spare_cells -= columns - 1

    def _end_row(self) -> None:
        self.spare_cells -= len(self.reach)
        self.reach = {column: rows - 1 for column, rows in self.reach.items() if rows > 1}
        if self.spare_cells <= 0:
            self.reach = {}
        if not any(self.row):
            return
        if self.head_rows == len(self.rows) and (self.in_head or not self.has_data):
            self.head_rows += 1
        self.rows.append(self.row)

    def _take_text(self) -> str:
        text = " ".join("".join(self.text).split())
        self.text.clear()
        return text


@dataclass(slots=True)
class _Facts:
    """Facts by which a table of data differs from one that only lays out the page."""

    rows: int = 0
    cells_in_row: int = 0
    columns: int = 0
    is_named: bool = False
    is_layout: bool = False
    has_blocks: bool = False
    is_presentation: bool = False

    def is_data(self) -> bool:
        if self.is_presentation or self.columns <= 1:
            return False
        return self.is_named or not (self.is_layout or (self.has_blocks and self.rows <= 1))


def _add_fact(facts: _Facts, tag: str) -> None:
    if tag == "tr":
        facts.rows += 1
        facts.cells_in_row = 0
    elif tag in CELLS:
        facts.cells_in_row += 1
        facts.columns = max(facts.columns, facts.cells_in_row)
    facts.is_named = facts.is_named or tag in _DATA_SIGNS
    facts.is_layout = facts.is_layout or tag in _LAYOUT_SIGNS
    facts.has_blocks = facts.has_blocks or tag in _BLOCKS_OF_TEXT
