"""HWPX files (KS X 6101, OWPML): a zip of XML parts. Names are compared without namespaces, which differ by year."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from lxml.etree import _Element as XmlElement

from onggi.domain.errors import BadDocument
from readers.archive import Archive, parse_xml
from readers.dates import iso_date
from readers.hangul import (
    Cell,
    Markers,
    NumberLevel,
    ParagraphHead,
    Piece,
    format_number,
    paragraph_blocks,
    table_blocks,
    title_level,
)
from readers.model import Block, Page, Paragraph, Properties, RawDocument

_MANIFEST: Final = "META-INF/manifest.xml"
_CONTAINER: Final = "META-INF/container.xml"
_PACKAGE: Final = "Contents/content.hpf"
_PACKAGE_TYPE: Final = "application/hwpml-package+xml"
_FOLDER: Final = "Contents/"
_HEADER: Final = "Contents/header.xml"
_SECTION_NAME: Final = re.compile(r"(?:.*/)?section(\d{1,5})\.xml", re.IGNORECASE)

_HEAD_KINDS: Final[dict[str, Literal["outline", "number", "bullet"]]] = {
    "OUTLINE": "outline",
    "NUMBER": "number",
    "BULLET": "bullet",
}
_SIGNS: Final = {"tab": "\t", "lineBreak": "\n", "nbSpace": "\u00a0", "fwSpace": " ", "hyphen": "-"}
_VISIBLE_BREAK: Final = "␍␊"  # for a line break in an attribute
_PAGE_NUMBERS: Final = ("PAGE", "TOTAL_PAGE")
_RUNNING: Final = ("header", "footer")
"""Some programs keep these in the properties of a section."""
_NOTES: Final = ("footNote", "endNote")
_BUTTONS: Final = ("btn", "checkBtn", "radioBtn")


def read_hwpx(file: Path) -> RawDocument:
    """Reads an HWPX file; each section and each page break of the author begins a page.

    Headers, footers, master pages, comments and deleted text are left out; notes, text boxes and captions follow
    the paragraph in which they are anchored.

    Raises:
        BadDocument: `encrypted`, `corrupt` or `too_large`.
    """
    with Archive(file) as archive:
        if _is_encrypted(archive):
            raise BadDocument("encrypted")
        package = _package(archive)
        text = _Text(parse_xml(archive.read(_HEADER)))
        pages: list[Page] = []
        for name in _section_names(archive, package):
            pages += text.section_pages(parse_xml(archive.read(name)))
        return RawDocument(tuple(pages), _properties(package))


def _is_encrypted(archive: Archive) -> bool:
    manifest = archive.get(_MANIFEST)
    return manifest is not None and any(_name(element) == "encryption-data" for element in parse_xml(manifest).iter())


def _package(archive: Archive) -> XmlElement | None:
    container = archive.get(_CONTAINER)
    path = _PACKAGE
    if container is not None:
        files = [element for element in parse_xml(container).iter() if _name(element) == "rootfile"]
        path = next((file.get("full-path", path) for file in files if file.get("media-type") == _PACKAGE_TYPE), path)
    content = archive.get(path)
    return None if content is None else parse_xml(content)


def _section_names(archive: Archive, package: XmlElement | None) -> list[str]:
    """Returns the names of the sections in the order of the package's spine, else of their numbers."""
    stated = [] if package is None else [path for path in _spine(package) if _SECTION_NAME.fullmatch(path)]
    if stated:
        paths = (path if path in archive.names else _FOLDER + path.rpartition("/")[2] for path in stated)
        return list(dict.fromkeys(paths))
    numbers = {int(match.group(1)): name for name in archive.names if (match := _SECTION_NAME.fullmatch(name))}
    if not numbers:
        raise BadDocument("corrupt")
    return [numbers[number] for number in sorted(numbers)]


def _spine(package: XmlElement) -> Iterator[str]:
    items = {
        element.get("id"): element.get("href", "")
        for element in package.iter()
        if _name(element) == "item" and element.get("media-type", "").endswith("xml")
    }
    for element in package.iter():
        if _name(element) == "itemref" and (path := items.get(element.get("idref"))):
            yield path


def _properties(package: XmlElement | None) -> Properties:
    values: dict[str, str] = {}
    for element in () if package is None else package.iter():
        if _name(element) == "title":
            values["title"] = element.text or ""
        elif _name(element) == "meta":
            values[element.get("name", "")] = element.text or ""
    return Properties(
        values.get("title") or None,
        values.get("creator") or None,
        iso_date(values.get("CreatedDate")),
        iso_date(values.get("ModifiedDate")),
    )


class _Text:
    """Turns sections into pages, by the shapes and styles of the header."""

    def __init__(self, header: XmlElement) -> None:
        self._heads: dict[str, ParagraphHead] = {}
        self._title_levels: dict[str, int | None] = {}
        self._outline = 1
        numberings: dict[int, Sequence[NumberLevel]] = {}
        bullets: dict[int, str] = {}
        for element in header.iter():
            name = _name(element)
            if name == "paraPr":
                if head := _paragraph_head(element):
                    self._heads[element.get("id", "")] = head
            elif name == "style":
                self._title_levels[element.get("id", "")] = title_level(element.get("name", ""))
            elif name == "numbering":
                numberings[_number(element, "id")] = _number_levels(element)
            elif name == "bullet":
                bullets[_number(element, "id")] = element.get("char", "")
        self._markers = Markers(numberings, bullets)

    def section_pages(self, section: XmlElement) -> list[Page]:
        pages: list[list[Block]] = [[]]
        for number, paragraph in enumerate(_named(section, "p")):
            if number and paragraph.get("pageBreak") == "1":
                pages.append([])
            pages[-1] += self._paragraph(paragraph)
        return [Page(tuple(blocks)) for blocks in pages]

    def _paragraph(self, paragraph: XmlElement) -> list[Block]:
        for run in _named(paragraph, "run"):
            for section in _named(run, "secPr"):
                self._outline = _number(section, "outlineShapeIDRef", 1)
        head = self._heads.get(paragraph.get("paraPrIDRef", ""))
        if head and head.kind == "outline":
            head = ParagraphHead("outline", head.level, self._outline)
        marker = self._markers.next(head) if head else ""
        heading_level = self._title_levels.get(paragraph.get("styleIDRef", ""))
        return paragraph_blocks(self._pieces(paragraph), head, marker, heading_level)

    def _pieces(self, paragraph: XmlElement) -> Iterator[Piece]:
        is_deleted = False
        for run in _named(paragraph, "run"):
            for element in run:
                if _name(element) != "t":
                    yield from self._object(element)
                    continue
                yield "" if is_deleted else element.text or ""
                for mark in element:
                    name = _name(mark)
                    is_deleted = (is_deleted or name == "deleteBegin") and name != "deleteEnd"
                    yield "" if is_deleted else _SIGNS.get(name, "") + (mark.tail or "")

    def _object(self, element: XmlElement) -> Iterator[Piece]:
        match _name(element):
            case "ctrl":
                yield from self._control(element)
            case "tbl":
                yield self._table(element)
            case "equation":
                yield "".join(script.text or "" for script in _named(element, "script"))
                yield tuple(self._inner_blocks(element))
            case "compose":
                yield element.get("composeText", "")
            case "dutmal":
                yield _ruby(element)
            case "switch":
                branch = next(_named(element, "default"), None)
                for child in next(_named(element, "case"), ()) if branch is None else branch:
                    yield from self._object(child)
            case "edit":
                yield "".join(text.text or "" for text in _named(element, "text"))
            case name if name in _BUTTONS:
                yield element.get("caption", "")
            case _:
                yield tuple(self._inner_blocks(element))

    def _control(self, control: XmlElement) -> Iterator[Piece]:
        for element in control:
            if _name(element) in _NOTES:
                yield tuple(self._inner_blocks(element))
            elif _name(element) == "autoNum":
                yield _automatic_number(element)

    def _table(self, table: XmlElement) -> tuple[Block, ...]:
        cells = []
        for row_number, row in enumerate(_named(table, "tr")):
            for column_number, cell in enumerate(_named(row, "tc")):
                address = next(_named(cell, "cellAddr"), cell)
                place = _number(address, "rowAddr", row_number), _number(address, "colAddr", column_number)
                cells.append(Cell(*place, tuple(self._inner_blocks(cell)), cell.get("header") == "1"))
        caption = (block for element in _named(table, "caption") for block in self._inner_blocks(element))
        return (*caption, *table_blocks(cells))

    def _inner_blocks(self, element: XmlElement) -> Iterator[Block]:
        """Yields the blocks in a note, cell or shape, in the shapes of a group, and in captions."""
        if _name(element) == "textart":
            yield Paragraph(element.get("text", "").replace(_VISIBLE_BREAK, "\n"))
        for child in element:
            if _name(child) == "subList":
                for paragraph in _named(child, "p"):
                    yield from self._paragraph(paragraph)
            elif _name(child) not in _RUNNING:
                yield from self._inner_blocks(child)


def _name(element: XmlElement) -> str:
    """Returns the name of an element without its namespace; empty for a node that is not an element."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _named(parent: XmlElement, name: str) -> Iterator[XmlElement]:
    return (child for child in parent if _name(child) == name)


def _number(element: XmlElement, attribute: str, default: int = 0) -> int:
    value = element.get(attribute, "")
    return int(value) if re.fullmatch(r"\d{1,10}", value, re.ASCII) else default


def _paragraph_head(shape: XmlElement) -> ParagraphHead | None:
    """Reads the head of a paragraph; newer programs write two, the first of which has levels from the eighth on."""
    heading = next((element for element in shape.iter() if _name(element) == "heading"), None)
    kind = None if heading is None else _HEAD_KINDS.get(heading.get("type", ""))
    if heading is None or kind is None:
        return None
    return ParagraphHead(kind, _number(heading, "level"), _number(heading, "idRef"))


def _number_levels(numbering: XmlElement) -> list[NumberLevel]:
    heads: Iterable[XmlElement] = sorted(
        (element for element in numbering.iter() if _name(element) == "paraHead"),
        key=lambda head: _number(head, "level"),
    )
    return [NumberLevel(head.text or "", head.get("numFormat", ""), _number(head, "start", 1)) for head in heads]


def _automatic_number(element: XmlElement) -> str:
    """Returns the number of a note, picture, table or equation as it was last shown; empty for page numbers."""
    if element.get("numType") in _PAGE_NUMBERS:
        return ""
    shape = next(_named(element, "autoNumFormat"), element)
    number = format_number(_number(element, "num"), shape.get("type", ""))
    return f"{shape.get('prefixChar', '')}{number}{shape.get('suffixChar', '')}"


def _ruby(element: XmlElement) -> str:
    """Returns a text with its ruby text in brackets."""
    main, above = ("".join(part.text or "" for part in _named(element, name)) for name in ("mainText", "subText"))
    return f"{main}({above})" if above else main
