"""Styles and numbering of a Word file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from lxml.etree import _Element as XmlElement

from readers.model import MAX_HEADING_LEVEL
from readers.ooxml import W, is_on, numeral, whole_number

VALUE: Final = f"{W}val"

BODY_LEVEL: Final = 9
"""Outline level of running text; headings have 0 to 8 (17.3.1.20)."""

MAX_LIST_LEVEL: Final = 8
MAX_MARKER: Final = 64
"""Characters; the longest in use names nine levels."""

MAX_LINEAGE: Final = 32
"""Styles that are based on one another; Word itself allows eleven."""

BULLET: Final = "-"

_HEADING_STYLE: Final = re.compile(r"(?:heading|제목|개요|표제)\s?([1-9])", re.IGNORECASE)
_TITLE_STYLES: Final = frozenset({"title", "제목", "표제"})
_PLACEHOLDER: Final = re.compile(r"%([1-9])")


class ListPlace(NamedTuple):
    """Place of a paragraph in a list.

    Attributes:
        number_id: id of the list; empty for none.
        level: from 0; None if the style of the paragraph determines it.
    """

    number_id: str
    level: int | None


@dataclass(frozen=True, slots=True)
class Style:
    """Properties of a style; None for those that it inherits."""

    name: str = ""
    based_on: str = ""
    outline_level: int | None = None
    place: ListPlace | None = None


class Styles:
    """The styles of a file by their ids.

    Args:
        root: of the part; None for a file without.
    """

    def __init__(self, root: XmlElement | None) -> None:
        elements = () if root is None else root.iter(f"{W}style")
        self._styles = {element.get(f"{W}styleId", ""): _style(element) for element in elements}
        self._resolved: dict[str, Style] = {}
        paragraphs = () if root is None else root.iterfind(f"{W}style[@{W}type='paragraph']")
        self.default = next(
            (style.get(f"{W}styleId", "") for style in paragraphs if style.get(f"{W}default") in ("1", "true")), ""
        )

    def __getitem__(self, identifier: str) -> Style:
        """Returns a style with the properties that it inherits; an empty one for an unknown id."""
        if identifier not in self._resolved:
            chain = list(self._chain(identifier))
            self._resolved[identifier] = Style(
                outline_level=next((_level(style) for style in chain if _level(style) is not None), None),
                place=next((style.place for style in chain if style.place is not None), None),
            )
        return self._resolved[identifier]

    def lineage(self, identifier: str) -> list[str]:
        """Returns the ids of a style and of the styles on which it is based."""
        lineage: list[str] = []
        while identifier in self._styles and len(lineage) < MAX_LINEAGE and identifier not in lineage:
            lineage.append(identifier)
            identifier = self._styles[identifier].based_on
        return lineage

    def _chain(self, identifier: str) -> Iterator[Style]:
        return (self._styles[style] for style in self.lineage(identifier))


@dataclass(frozen=True, slots=True)
class NumberLevel:
    """One level of a list.

    Attributes:
        number_format: name in ST_NumberFormat.
        text: `%1` to `%9` stand for the numbers of the levels.
        start: the first number.
        style: id of the style whose paragraphs have this level.
        legal: whether the numbers of all levels are shown as digits.
    """

    number_format: str = "decimal"
    text: str = ""
    start: int = 1
    style: str = ""
    legal: bool = False


@dataclass(slots=True)
class _List:
    """A list (`w:num`); lists of the same kind (`w:abstractNum`) are numbered together."""

    abstract_id: str
    levels: dict[int, NumberLevel]
    restarts: dict[int, int] = field(default_factory=dict)


class Numbering:
    """Counts the paragraphs of the lists.

    Args:
        root: of the part; None for a file without.
    """

    def __init__(self, root: XmlElement | None) -> None:
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        if root is None:
            return
        abstracts = {element.get(f"{W}abstractNumId", ""): element for element in root.iterfind(f"{W}abstractNum")}
        by_style = {
            link.get(VALUE, ""): element
            for element in abstracts.values()
            if (link := element.find(f"{W}styleLink")) is not None
        }
        levels: dict[str, dict[int, NumberLevel]] = {}
        for element in root.iterfind(f"{W}num"):
            abstract = abstracts.get(_value(element, "abstractNumId") or "")
            if abstract is None:
                continue
            abstract = by_style.get(_value(abstract, "numStyleLink") or "", abstract)
            abstract_id = abstract.get(f"{W}abstractNumId", "")
            if abstract_id not in levels:
                levels[abstract_id] = dict(map(_number_level, abstract.iterfind(f"{W}lvl")))
            self._lists[element.get(f"{W}numId", "")] = _list(element, abstract_id, levels[abstract_id])

    def level_of(self, place: ListPlace, lineage: list[str]) -> int:
        """Returns the level of a paragraph in its list, which its style may determine."""
        if place.level is not None:
            return place.level
        listing = self._lists.get(place.number_id)
        levels = listing.levels if listing else {}
        return next((number for number, level in levels.items() if level.style and level.style in lineage), 0)

    def next_marker(self, number_id: str, level: int) -> str | None:
        """Returns the marker of the next paragraph of a list: empty for an invisible one, None for an unknown list.

        Args:
            number_id: id of the list.
            level: from 0.
        """
        listing = self._lists.get(number_id)
        numbering = listing.levels.get(level) if listing else None
        if listing is None or numbering is None:
            return None
        counts = self._counts.setdefault(listing.abstract_id, {})
        if level in listing.restarts:
            counts.pop(level, None)
            start = listing.restarts.pop(level)
        else:
            start = numbering.start
        counts[level] = counts.get(level, start - 1) + 1
        for deeper in [deeper for deeper in counts if deeper > level]:
            del counts[deeper]
        if numbering.number_format == "bullet":
            return BULLET
        return "" if numbering.number_format == "none" else _marker(numbering, listing.levels, counts)


def _marker(numbering: NumberLevel, levels: Mapping[int, NumberLevel], counts: Mapping[int, int]) -> str:
    def number(match: re.Match[str]) -> str:
        index = int(match.group(1)) - 1
        level = levels.get(index, NumberLevel())
        return numeral(counts.get(index, level.start), "decimal" if numbering.legal else level.number_format)

    return _PLACEHOLDER.sub(number, numbering.text[:MAX_MARKER]).strip()


def list_place(properties: XmlElement | None) -> ListPlace | None:
    """Returns the list and level that the properties of a paragraph name, None if they name none."""
    numbering = None if properties is None else properties.find(f"{W}numPr")
    if numbering is None:
        return None
    number_id, level = _value(numbering, "numId"), _value(numbering, "ilvl")
    if number_id is None:
        return None
    return ListPlace("" if number_id == "0" else number_id, None if level is None else _list_level(level))


def outline_level(properties: XmlElement | None) -> int | None:
    """Returns the outline level that the properties of a paragraph name, None if they name none."""
    stated = None if properties is None else _value(properties, "outlineLvl")
    return None if stated is None else min(whole_number(stated, BODY_LEVEL), BODY_LEVEL)


def heading_level(outline: int | None) -> int | None:
    """Returns the level of a heading from 1, None for running text."""
    return None if outline is None or outline >= BODY_LEVEL else min(outline + 1, MAX_HEADING_LEVEL)


def _style(element: XmlElement) -> Style:
    properties = element.find(f"{W}pPr")
    return Style(
        name=_value(element, "name") or "",
        based_on=_value(element, "basedOn") or "",
        outline_level=outline_level(properties),
        place=list_place(properties),
    )


def _level(style: Style) -> int | None:
    """Returns the outline level that a style states, or that its name implies."""
    if style.outline_level is not None:
        return style.outline_level
    name = style.name.strip()
    if name.lower() in _TITLE_STYLES:
        return 0
    match = _HEADING_STYLE.fullmatch(name)
    return int(match.group(1)) - 1 if match else None


def _list(element: XmlElement, abstract_id: str, levels: Mapping[int, NumberLevel]) -> _List:
    listing = _List(abstract_id, dict(levels))
    for override in element.iterfind(f"{W}lvlOverride"):
        level = _list_level(override.get(f"{W}ilvl"))
        listing.levels.update(map(_number_level, override.iterfind(f"{W}lvl")))
        start = _value(override, "startOverride")
        if start is not None:
            listing.restarts[level] = whole_number(start, 1)
    return listing


def _number_level(element: XmlElement) -> tuple[int, NumberLevel]:
    legal = element.find(f"{W}isLgl")
    return _list_level(element.get(f"{W}ilvl")), NumberLevel(
        number_format=_value(element, "numFmt") or "decimal",
        text=_value(element, "lvlText") or "",
        start=whole_number(_value(element, "start"), 1),
        style=_value(element, "pStyle") or "",
        legal=is_on(legal, VALUE),
    )


def _list_level(text: str | None) -> int:
    return min(whole_number(text), MAX_LIST_LEVEL)


def _value(element: XmlElement, name: str) -> str | None:
    child = element.find(f"{W}{name}")
    return None if child is None else child.get(VALUE)
