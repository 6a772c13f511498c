"""Model of a document as readers return it: pages of blocks, with their structure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, Self

from onggi.domain.document import DocumentProperties as Properties

__all__ = ["Block", "Heading", "ListItem", "Page", "Paragraph", "Properties", "RawDocument", "Reader", "Table"]

CELL_SEPARATOR: Final = " | "
MAX_HEADING_LEVEL: Final = 6
LIST_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; line breaks in it stay."""

    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of what follows.

    Attributes:
        text: as written in the file, including the marks of Markdown.
        level: from 1, the highest, to 6.
    """

    text: str
    level: int


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item of a list.

    Attributes:
        depth: level of nesting, from 0.
        marker: mark before the text, such as `-` or `3.`.
    """

    text: str
    depth: int = 0
    marker: str = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, one line a row.

    Attributes:
        lines: one for each row, without line breaks; blank rows are left out.
        header_lines: number of lines at the top that name the columns; they are repeated when a table is split.
    """

    lines: tuple[str, ...]
    header_lines: int = 1

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[str]], header_rows: int = 1) -> Self:
        """Returns a table of cell texts; empty cells are kept, except at the end of a row.

        Blank rows are left out; if the header is blank, the first row with text replaces it.
        """
        cells = ([" ".join(cell.split()) for cell in row] for row in rows)
        lines = (CELL_SEPARATOR.join(row).rstrip(" |") for row in cells if any(row))
        return cls(tuple(lines), header_rows)


Block = Paragraph | Heading | ListItem | Table


@dataclass(frozen=True, slots=True)
class Page:
    """A page, slide, sheet or chapter.

    Attributes:
        needs_ocr: whether it shows something that only optical character recognition can turn into text.
    """

    blocks: tuple[Block, ...]
    needs_ocr: bool = False


@dataclass(frozen=True, slots=True)
class RawDocument:
    """Content of a file as its reader returns it.

    Attributes:
        pages: in order, not yet normalised; a format without pages has one.
    """

    pages: tuple[Page, ...]
    properties: Properties = field(default_factory=Properties)


class Reader(Protocol):
    """Reads files of one family."""

    def __call__(self, file: Path) -> RawDocument:
        """Reads a file.

        Raises:
            BadDocument: the file is at fault; any other exception counts as a damaged file.
        """
        ...
