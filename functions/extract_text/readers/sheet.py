"""Turns the cells of a sheet into tables and texts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from readers.model import Block, Paragraph, Table

MAX_HEADER_ROWS: Final = 3
"""Rows; a cell that is merged over more rows names a group of rows, not a column."""

Merge = tuple[tuple[int, int], tuple[int, int]]
"""The first and the last row and column of a merged cell, from 0."""


class Kind(IntEnum):
    """Kind of a cell's content; a column name is of an earlier kind than the cells below it."""

    TEXT = 0
    TIME = 1
    """A date, a time or a number that may be a year."""
    NUMBER = 2


class Cell(NamedTuple):
    """A cell in use."""

    text: str
    kind: Kind


class Row(NamedTuple):
    """A row with a cell in use.

    Attributes:
        number: from 0.
        cells: cells in use, by column from 0.
    """

    number: int
    cells: Mapping[int, Cell]


@dataclass(slots=True)
class _OpenTable:
    """A table that may continue after a blank row."""

    rows: list[Row]
    header_rows: int
    left: int = field(init=False)
    right: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = min(min(row.cells) for row in self.rows)
        self.right = max(max(row.cells) for row in self.rows)

    def table(self) -> Table:
        """Returns the table without columns that have no cell in use."""
        columns = sorted({column for row in self.rows for column in row.cells})
        return Table.of_rows(
            ([row.cells[column].text if column in row.cells else "" for column in columns] for row in self.rows),
            self.header_rows,
        )


def sheet_blocks(rows: Iterable[Row], merges: Sequence[Merge]) -> Iterator[Block]:
    """Yields the tables and texts of a sheet.

    Rows of a single cell are texts where no table has begun above them without a blank row. A table begins with the
    first row of several cells. It continues after a blank row, unless a row of column names begins another table.

    Args:
        rows: rows in order.
        merges: merged cells.
    """
    merges_by_row: dict[int, list[Merge]] = {}
    for merge in merges:
        merges_by_row.setdefault(merge[0][0], []).append(merge)
    open_table: _OpenTable | None = None
    for region in _regions(rows):
        start = next((place for place, row in enumerate(region) if len(row.cells) > 1), len(region))
        lines = [cell.text for row in region[:start] for cell in row.cells.values()]
        body = region[start:]
        if open_table and body and not lines and _continues(open_table, body):
            open_table.rows += body
            continue
        if open_table:
            yield open_table.table()
            open_table = None
        if lines:
            yield Paragraph("\n".join(lines))
        if body:
            open_table = _OpenTable(body, _header_rows(body, merges_by_row.get(body[0].number, ())))
    if open_table:
        yield open_table.table()


def _regions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yields groups of rows without a blank row between them."""
    region: list[Row] = []
    for row in rows:
        if region and row.number > region[-1].number + 1:
            yield region
            region = []
        region.append(row)
    if region:
        yield region


def _continues(table: _OpenTable, rows: Sequence[Row]) -> bool:
    """Returns whether rows after a blank row belong to the table above it."""
    left, right = min(min(row.cells) for row in rows), max(max(row.cells) for row in rows)
    if left < table.left or right > table.right:
        return False
    first = rows[0].cells
    if any(cell.kind == Kind.NUMBER for cell in first.values()):
        return True
    repeats_header = table.header_rows > 0 and first == table.rows[0].cells
    return (left, right) == (table.left, table.right) and not repeats_header and not _names_columns(rows)


def _names_columns(rows: Sequence[Row]) -> bool:
    """Returns whether the first row differs from the others in kind, as column names do."""
    first = rows[0].cells
    return any(
        cell.kind > first[column].kind for row in rows[1:] for column, cell in row.cells.items() if column in first
    )


def _header_rows(rows: Sequence[Row], merges: Iterable[Merge]) -> int:
    """Returns how many rows name the columns: those that the merged cells of the first row cover or group."""
    first = rows[0]
    kinds = {cell.kind for cell in first.cells.values()}
    if len(rows) == 1 or Kind.NUMBER in kinds or (Kind.TEXT not in kinds and not _names_columns(rows)):
        return 0
    count = 1
    for (top, left), (bottom, right) in merges:
        if bottom - top < MAX_HEADER_ROWS:
            count = max(count, bottom - top + 1)
        if right > left and all(cell.kind == Kind.TEXT for cell in rows[1].cells.values()):
            count = max(count, 2)
    return min(count, len(rows) - 1)
