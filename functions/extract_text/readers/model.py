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
        text: as it stands in the file; Markdown's marks included.
        level: 1 is the highest, 6 the lowest.
    """

    text: str
    level: int


@dataclass(frozen=True, slots=True)
class ListItem:
    """One item of a list.

    Attributes:
        depth: from 0.
        marker: what stands before the text, such as `-` or `3.`.
    """

    text: str
    depth: int = 0
    marker: str = "-"


@dataclass(frozen=True, slots=True)
class Table:
    """A table, one line a row.

    Attributes:
        lines: without line breaks; rows of nothing but blanks are left out.
        header_lines: how many of them, from the top, name the columns; they are repeated where a table is split.
    """

    lines: tuple[str, ...]
    header_lines: int = 1

    @classmethod
    def of_rows(cls, rows: Iterable[Sequence[str]], header_rows: int = 1) -> Self:
        """Returns a table of cell texts; empty cells are kept, except at the end of a row.

        Blank rows are left out; where the header is blank, the first row with text takes its place.
        """
        cells = ([" ".join(cell.split()) for cell in row] for row in rows)
        lines = (CELL_SEPARATOR.join(row).rstrip(" |") for row in cells if any(row))
        return cls(tuple(lines), header_rows)


Block = Paragraph | Heading | ListItem | Table


@dataclass(frozen=True, slots=True)
class Page:
    """A page, slide, sheet or chapter.

    Attributes:
        needs_ocr: whether it shows something that only optical character recognition could turn into text.
    """

    blocks: tuple[Block, ...]
    needs_ocr: bool = False


@dataclass(frozen=True, slots=True)
class RawDocument:
    """What a reader of one family found.

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
            BadDocument: when the file is at fault; whatever else is raised counts as a damaged file.
        """
        ...
