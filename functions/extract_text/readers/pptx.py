"""PowerPoint files (ISO/IEC 29500, PresentationML): a page for each slide, in the order in which they are shown."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from lxml.etree import _Element as XmlElement

from readers.archive import Archive
from readers.model import Block, Heading, ListItem, Page, Paragraph, Properties, RawDocument, Table
from readers.ooxml import (
    DGM,
    MC,
    A,
    C,
    Item,
    P,
    R,
    Relationship,
    chosen_alternative,
    core_properties,
    drawn_text,
    graphic_blocks,
    main_part,
    numeral,
    optional_part,
    parse_part,
    related,
    relationships,
    whole_number,
)

MAX_LIST_LEVEL: Final = 8

_TITLES: Final = frozenset({"title", "ctrTitle"})
_RUNNING: Final = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
"""Placeholders for text that is repeated on every page."""

_BODIES: Final = frozenset({"", "body", "obj"})
"""Placeholders whose paragraphs are list items, unless their author has removed the bullets."""

_GROUPS: Final = frozenset({f"{P}grpSp", f"{P}spTree"})

_USUAL_TITLES: Final = frozenset(
    {"powerpoint presentation", "powerpoint 프레젠테이션", "프레젠테이션", "presentation", "슬라이드 1", "slide 1"}
)
"""Titles that PowerPoint writes by itself."""

_NUMBER_FORMATS: Final = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
    "circleNum": "decimalEnclosedCircle",
}
"""Formats of Word's by the first words of ST_TextAutonumberScheme (20.1.10.61)."""

_NUMBER_FRAMES: Final = {"Period": "{}.", "ParenR": "{})", "ParenBoth": "({})"}
"""Marks around a number, by the last words of its scheme."""


def read_pptx(file: Path) -> RawDocument:
    """Reads a PowerPoint file: titles, texts, tables, charts and diagrams in their order, then the speaker's notes.

    Hidden slides are read as well. Comments and text that is repeated on every slide are left out.

    Raises:
        BadDocument: `encrypted`, `corrupt` or `too_large`.
    """
    with Archive(file) as archive:
        name = main_part(archive, "ppt/presentation.xml")
        relations = relationships(archive, name)
        slides = parse_part(archive.read(name)).iterfind(f"{P}sldIdLst/{P}sldId")
        targets = (relations.get(slide.get(f"{R}id", "")) for slide in slides)
        names = dict.fromkeys(relation.target for relation in targets if relation)
        return RawDocument(tuple(_page(archive, slide) for slide in names), _properties(archive))


def _properties(archive: Archive) -> Properties:
    stated = core_properties(archive)
    if stated.title and stated.title.lower() in _USUAL_TITLES:
        return Properties(None, stated.author, stated.created, stated.modified)
    return stated


def _page(archive: Archive, name: str) -> Page:
    root = parse_part(archive.read(name))
    relations = relationships(archive, name)
    blocks: list[Block] = []
    for shape in _shapes(root):
        blocks += _shape_blocks(archive, relations, shape)
    blocks.sort(key=lambda block: not isinstance(block, Heading))  # the title may be anywhere
    shown = _with_text(blocks)
    needs_ocr = not shown and next(root.iter(f"{A}blip"), None) is not None
    return Page(shown + _with_text(_notes(archive, related(relations, "notesSlide"))), needs_ocr)


def _with_text(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple(block for block in blocks if (block.lines if isinstance(block, Table) else block.text.strip()))


def _shapes(root: XmlElement) -> Iterator[XmlElement]:
    """Shapes and graphic frames, also those in groups."""
    waiting: list[Item] = [*root.iterfind(f"{P}cSld/{P}spTree")]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            continue
        if item.tag in _GROUPS:
            waiting += reversed(item)
        elif item.tag == f"{MC}AlternateContent":
            waiting += reversed(chosen_alternative(item))
        elif item.tag in (f"{P}sp", f"{P}graphicFrame"):
            yield item


def _shape_blocks(archive: Archive, relations: Mapping[str, Relationship], shape: XmlElement) -> Iterator[Block]:
    if shape.tag == f"{P}sp":
        yield from _text_blocks(shape)
        return
    for table in shape.iter(f"{A}tbl"):
        yield _table(table)
    for reference in shape.iter(f"{C}chart", f"{DGM}relIds"):
        yield from graphic_blocks(archive, relations, reference)


def _text_blocks(shape: XmlElement) -> Iterator[Block]:
    kind = _placeholder(shape)
    paragraphs = [*shape.iterfind(f"{P}txBody/{A}p")]
    if kind in _RUNNING:
        return
    if kind in _TITLES:
        yield Heading(" ".join(" ".join(map(drawn_text, paragraphs)).split()), 1)
        return
    lines: list[str] = []
    counts: dict[int, int] = {}
    for paragraph in paragraphs:
        item = _list_item(paragraph, counts, is_body=kind in _BODIES)
        if item is None:
            lines.append(drawn_text(paragraph))
            continue
        if lines:
            yield Paragraph("\n".join(lines))
            lines = []
        yield item
    yield Paragraph("\n".join(lines))


def _placeholder(shape: XmlElement) -> str | None:
    """Returns the type of a placeholder, empty for one of any content; None for other shapes."""
    element = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return None if element is None else element.get("type", "")


def _list_item(paragraph: XmlElement, counts: dict[int, int], *, is_body: bool) -> ListItem | None:
    """Returns a paragraph as a list item, None for running text.

    Args:
        paragraph: element of DrawingML.
        counts: numbers of items in the open numbered lists, by level.
        is_body: whether paragraphs are items unless they say otherwise.
    """
    text = drawn_text(paragraph)
    properties = paragraph.find(f"{A}pPr")
    level = 0 if properties is None else min(whole_number(properties.get("lvl")), MAX_LIST_LEVEL)
    numbered, bulleted, bare = (
        None if properties is None else properties.find(f"{A}{name}") for name in ("buAutoNum", "buChar", "buNone")
    )
    for deeper in [one for one in counts if one > level or (one == level and numbered is None)]:
        del counts[deeper]
    if not text.strip() or bare is not None:
        return None
    if numbered is not None:
        counts[level] = counts.get(level, whole_number(numbered.get("startAt"), 1) - 1) + 1
        return ListItem(text, level, _number(counts[level], numbered.get("type", "")))
    return ListItem(text, level) if is_body or bulleted is not None else None


def _number(number: int, scheme: str) -> str:
    first = next((name for name in _NUMBER_FORMATS if scheme.startswith(name)), "arabic")
    frame = next((frame for name, frame in _NUMBER_FRAMES.items() if scheme.endswith(name)), "{}")
    return frame.format(numeral(number, _NUMBER_FORMATS[first]))


def _table(table: XmlElement) -> Table:
    rows = [[_cell(cell) for cell in row.iterfind(f"{A}tc")] for row in table.iterfind(f"{A}tr")]
    return Table.of_rows(rows, min(1, len(rows) - 1))


def _cell(cell: XmlElement) -> str:
    """Returns the text of a cell; empty for a cell that is merged into another one."""
    if cell.get("hMerge") in ("1", "true") or cell.get("vMerge") in ("1", "true"):
        return ""
    return "\n".join(drawn_text(paragraph) for paragraph in cell.iterfind(f"{A}txBody/{A}p"))


def _notes(archive: Archive, name: str | None) -> Iterator[Block]:
    root = optional_part(archive, name)
    for shape in () if root is None else _shapes(root):
        if shape.tag == f"{P}sp" and _placeholder(shape) not in _RUNNING:
            yield Paragraph("\n".join(drawn_text(paragraph) for paragraph in shape.iterfind(f"{P}txBody/{A}p")))
