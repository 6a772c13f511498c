"""Elements of the body of a Word file: paragraphs, tables, rows, cells and sections, and their properties."""

import itertools
from collections.abc import Iterator
from typing import Final

from lxml.etree import _Element as XmlElement

from readers.docx_styles import VALUE
from readers.ooxml import MC, Item, W, chosen_alternative, whole_number

MAX_COLUMNS: Final = 63
"""Columns of a table, as in Word."""

_WRAPPERS: Final = frozenset(
    f"{W}{name}" for name in ("body", "sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")
)
_TABLE_PARTS: Final = frozenset({f"{W}tbl", f"{W}tr", f"{W}tc"})


def paragraphs_and_tables(container: XmlElement) -> Iterator[XmlElement]:
    """Yields the paragraphs and tables of a container, in order."""
    return _content(container, frozenset())


def all_paragraphs(container: XmlElement) -> Iterator[XmlElement]:
    """Yields the paragraphs of a container, including those in tables, in order."""
    return _content(container, _TABLE_PARTS)


def rows_of(table: XmlElement) -> Iterator[XmlElement]:
    """Yields the rows of a table, including those in content controls, without deleted ones."""
    return (row for row in _parts(table, f"{W}tr") if row.find(f"{W}trPr/{W}del") is None)


def cells_of(row: XmlElement) -> Iterator[XmlElement]:
    """Yields the cells of a row, including those in content controls."""
    return _parts(row, f"{W}tc")


def sections_before_page_breaks(root: XmlElement) -> frozenset[XmlElement]:
    """Returns the properties of the sections after which a new page begins."""
    sections = [*root.iter(f"{W}sectPr")]
    return frozenset(
        section
        for section, following in itertools.pairwise(sections)
        if (kind := following.find(f"{W}type")) is None or kind.get(VALUE) not in ("continuous", "nextColumn")
    )


def style_id(properties: XmlElement | None) -> str | None:
    """Returns the id of the style that the properties of a paragraph name."""
    style = None if properties is None else properties.find(f"{W}pStyle")
    return None if style is None else style.get(VALUE)


def is_merged(cell: XmlElement) -> bool:
    """Returns whether a cell is merged into the one above or before it."""
    for name in ("vMerge", "hMerge"):
        merge = cell.find(f"{W}tcPr/{W}{name}")
        if merge is not None and merge.get(VALUE, "continue") == "continue":
            return True
    return False


def columns_before(row: XmlElement) -> int:
    """Returns how many empty columns a row begins with."""
    return _span(row.find(f"{W}trPr"), "gridBefore", 0)


def column_span(cell: XmlElement) -> int:
    """Returns how many columns a cell covers."""
    return _span(cell.find(f"{W}tcPr"), "gridSpan", 1)


def _span(properties: XmlElement | None, name: str, default: int) -> int:
    element = None if properties is None else properties.find(f"{W}{name}")
    return default if element is None else min(max(whole_number(element.get(VALUE), default), default), MAX_COLUMNS)


def _content(container: XmlElement, opened: frozenset[str]) -> Iterator[XmlElement]:
    """Yields the paragraphs of a container and the tables that are not opened, in order.

    Args:
        container: the body, a cell, a note or a text box.
        opened: further elements whose content is yielded in their place.
    """
    waiting: list[Item] = [*reversed(container)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            continue
        if item.tag in _WRAPPERS or item.tag in opened:
            waiting += reversed(item)
        elif item.tag == f"{MC}AlternateContent":
            waiting += reversed(chosen_alternative(item))
        elif item.tag in (f"{W}p", f"{W}tbl"):
            yield item


def _parts(container: XmlElement, tag: str) -> Iterator[XmlElement]:
    waiting = [*reversed(container)]
    while waiting:
        element = waiting.pop()
        if element.tag == tag:
            yield element
        elif element.tag in _WRAPPERS:
            waiting += reversed(element)
