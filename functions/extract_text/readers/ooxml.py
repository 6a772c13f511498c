"""Shared by the readers of Word, PowerPoint and Excel files (ISO/IEC 29500): parts, properties, charts, formulas."""

import itertools
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple
from urllib.parse import unquote

from lxml.etree import _Element as XmlElement

from readers.archive import Archive, parse_xml
from readers.dates import iso_date
from readers.hangul import format_number
from readers.model import Block, ListItem, Paragraph, Properties, Table

_SCHEMAS: Final = "http://schemas.openxmlformats.org/"
W: Final = f"{{{_SCHEMAS}wordprocessingml/2006/main}}"
P: Final = f"{{{_SCHEMAS}presentationml/2006/main}}"
S: Final = f"{{{_SCHEMAS}spreadsheetml/2006/main}}"
A: Final = f"{{{_SCHEMAS}drawingml/2006/main}}"
C: Final = f"{{{_SCHEMAS}drawingml/2006/chart}}"
DGM: Final = f"{{{_SCHEMAS}drawingml/2006/diagram}}"
R: Final = f"{{{_SCHEMAS}officeDocument/2006/relationships}}"
M: Final = f"{{{_SCHEMAS}officeDocument/2006/math}}"
MC: Final = f"{{{_SCHEMAS}markup-compatibility/2006}}"
_RELATIONSHIP: Final = f"{{{_SCHEMAS}package/2006/relationships}}Relationship"
_CORE: Final = f"{{{_SCHEMAS}package/2006/metadata/core-properties}}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_DCTERMS: Final = "{http://purl.org/dc/terms/}"

_STRICT: Final = b"http://purl.oclc.org/ooxml/"
_STRICT_HEAD_BYTES: Final = 8192
_STRICT_NAMES: Final = (
    "wordprocessingml/main",
    "presentationml/main",
    "spreadsheetml/main",
    "drawingml/main",
    "drawingml/chart",
    "drawingml/diagram",
    "officeDocument/relationships",
    "officeDocument/math",
)
"""Ends of the namespaces of the strict variant; in the transitional one, the year precedes the last word."""

_NUMBER_SHAPES: Final[Mapping[str, str]] = {
    "lowerLetter": "LATIN_SMALL",
    "upperLetter": "LATIN_CAPITAL",
    "lowerRoman": "ROMAN_SMALL",
    "upperRoman": "ROMAN_CAPITAL",
    "ganada": "HANGUL_SYLLABLE",
    "chosung": "HANGUL_JAMO",
    "koreanCounting": "HANGUL_PHONETIC",
    "koreanDigital": "HANGUL_PHONETIC",
    "koreanLegal": "DIGIT",
    "decimalEnclosedCircle": "CIRCLED_DIGIT",
    "decimalEnclosedCircleChinese": "CIRCLED_DIGIT",
    "ideographDigital": "IDEOGRAPH",
    "chineseCounting": "IDEOGRAPH",
    "taiwaneseCounting": "IDEOGRAPH",
    "japaneseCounting": "IDEOGRAPH",
    "koreanDigital2": "IDEOGRAPH",
    "ideographTraditional": "DECAGON_CIRCLE_HANJA",
}
"""Shapes of numbers by the names of ST_NumberFormat (ISO/IEC 29500-1, 17.18.59)."""

_INVISIBLE_OPERATORS: Final = dict.fromkeys(range(0x2061, 0x2065))
"""Function application, invisible times, separator and plus."""

MAX_SERIES: Final = 255
"""Series of a chart, as in Excel."""

MAX_CHART_POINTS: Final = 10_000
"""Points of all series of a chart; a chart with more is a plot of measurements, not a table."""

type Item = XmlElement | str
"""An element to read, or text to write."""


class Relationship(NamedTuple):
    """A relationship from one part to another.

    Attributes:
        kind: last word of its type, such as `slide`.
        target: name of the other part.
    """

    kind: str
    target: str


def parse_part(content: bytes) -> XmlElement:
    """Returns the root of a part, in the transitional namespaces.

    Raises:
        BadDocument: as `parse_xml`.
    """
    if _STRICT in content[:_STRICT_HEAD_BYTES]:
        for name in _STRICT_NAMES:
            first, last = name.split("/")
            content = content.replace(_STRICT + name.encode(), f"{_SCHEMAS}{first}/2006/{last}".encode())
    return parse_xml(content)


def optional_part(archive: Archive, name: str | None) -> XmlElement | None:
    """Returns the root of an optional part, None if it is missing.

    Raises:
        BadDocument: as `parse_xml`.
    """
    content = archive.get(name) if name else None
    return None if content is None else parse_part(content)


def relationships(archive: Archive, part: str) -> dict[str, Relationship]:
    """Returns the relationships of a part within the file, by their ids; those of the file if the name is empty.

    Raises:
        BadDocument: as `parse_xml`.
    """
    folder, name = posixpath.split(part)
    root = optional_part(archive, posixpath.join(folder, "_rels", f"{name}.rels"))
    found = {}
    for element in () if root is None else root.iter(_RELATIONSHIP):
        target = unquote(element.get("Target", "").replace("\\", "/"))
        if element.get("TargetMode") != "External" and target:
            resolved = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found[element.get("Id", "")] = Relationship(element.get("Type", "").rpartition("/")[2], resolved)
    return found


def related(relations: Mapping[str, Relationship], kind: str) -> str | None:
    """Returns the name of the first part with a relationship of a kind."""
    return next((relation.target for relation in relations.values() if relation.kind == kind), None)


def main_part(archive: Archive, usual: str) -> str:
    """Returns the name of the part that holds the document; the usual name if the file does not state it."""
    return related(relationships(archive, ""), "officeDocument") or usual


def core_properties(archive: Archive) -> Properties:
    """Returns the properties that the file states.

    Raises:
        BadDocument: as `parse_xml`.
    """
    root = optional_part(archive, related(relationships(archive, ""), "core-properties") or "docProps/core.xml")
    if root is None:
        return Properties()
    created, modified = (iso_date(root.findtext(f"{_DCTERMS}{name}")) for name in ("created", "modified"))
    author = (root.findtext(f"{_DC}creator") or "").replace(";", ", ")
    title = root.findtext(f"{_DC}title") or ""
    return Properties(title.strip() or None, " ".join(author.split()) or None, created, modified)


def is_on(element: XmlElement | None, attribute: str) -> bool:
    """Returns whether an on/off element is present and not turned off (ST_OnOff)."""
    return element is not None and element.get(attribute, "1") not in ("0", "false", "off")


def whole_number(text: str | None, default: int = 0) -> int:
    """Returns the number in an attribute, the default if it is missing or not a possible number."""
    digits = (text or "").strip()
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= len("4294967295") else default


def numeral(number: int, number_format: str) -> str:
    """Returns a number in a format of Word (ST_NumberFormat); in digits for unknown formats."""
    if number_format == "decimalZero":
        return f"{number:02}"
    return format_number(number, _NUMBER_SHAPES.get(number_format, "DIGIT"))


def chosen_alternative(element: XmlElement) -> list[Item]:
    """Returns the first choice of an `mc:AlternateContent`, which has the same text as the fallback."""
    alternatives = [child for child in element if child.tag == f"{MC}Choice"] or list(element)
    return [*alternatives[0]] if alternatives else []


def formula_items(element: XmlElement) -> list[Item]:
    """Returns the parts of a formula's element in reading order, with signs in place of the two-dimensional layout."""
    parts = {part.tag.removeprefix(M): part for part in element if isinstance(part.tag, str)}
    match element.tag.removeprefix(M):
        case "f":
            items = [*_grouped(parts.get("num")), "/", *_grouped(parts.get("den"))]
        case "sSup" | "sSub" | "sSubSup":
            items = [*_present(parts.get("e")), *_scripts(parts)]
        case "nary":
            items = [_nary_sign(element), *_scripts(parts), " ", *_present(parts.get("e"))]
        case "rad":
            items = ["√", *_script("^", parts.get("deg")), "(", *_present(parts.get("e")), ")"]
        case "d":
            items = _delimited(element)
        case "mr" | "eqArr":
            items = [item for part in element for item in (part, " ")]
        case "m":
            items = [item for part in element for item in (part, "; ")][:-1]
        case _:
            items = [*element]
    return items


def formula_text(element: XmlElement) -> str:
    """Returns the text of a run of a formula (`m:t`), without invisible operators."""
    return (element.text or "").translate(_INVISIBLE_OPERATORS)


def graphic_blocks(archive: Archive, relations: Mapping[str, Relationship], graphic: XmlElement) -> Iterator[Block]:
    """Yields the text of the charts and diagrams to which a graphic refers.

    Raises:
        BadDocument: as `parse_xml`.
    """
    for reference in graphic.iter(f"{C}chart"):
        root = optional_part(archive, _target(relations, reference.get(f"{R}id")))
        if root is not None:
            yield from _chart_blocks(root)
    for reference in graphic.iter(f"{DGM}relIds"):
        root = optional_part(archive, _target(relations, reference.get(f"{R}dm")))
        for point in () if root is None else root.iter(f"{DGM}pt"):
            text = "\n".join(drawn_text(paragraph) for paragraph in point.iter(f"{A}p"))
            if text.strip():
                yield ListItem(text)


def drawn_text(paragraph: XmlElement) -> str:
    """Returns the text of a paragraph of DrawingML (`a:p`)."""
    parts: list[str] = []
    waiting: list[Item] = [paragraph]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            parts.append(item)
        elif not isinstance(item.tag, str):
            continue
        elif item.tag == f"{A}t":
            parts.append(item.text or "")
        elif item.tag == f"{M}t":
            parts.append(formula_text(item))
        elif item.tag == f"{A}br":
            parts.append("\n")
        elif item.tag == f"{MC}AlternateContent":
            waiting += reversed(chosen_alternative(item))
        else:
            waiting += reversed(formula_items(item) if item.tag.startswith(M) else [*item])
    return "".join(parts)


def _target(relations: Mapping[str, Relationship], identifier: str | None) -> str | None:
    relation = relations.get(identifier or "")
    return relation.target if relation else None


def _chart_blocks(root: XmlElement) -> Iterator[Block]:
    title = root.find(f"{C}chart/{C}title")
    if title is not None:
        yield Paragraph("\n".join(drawn_text(paragraph) for paragraph in title.iter(f"{A}p")))
    names: list[str] = []
    rows: dict[int, dict[int, str]] = {}
    labels: dict[int, str] = {}
    left = MAX_CHART_POINTS
    for number, series in enumerate(itertools.islice(root.iter(f"{C}ser"), MAX_SERIES)):
        names.append(
            " ".join(_points(series, "tx").values()) or " ".join(series.xpath("./*[local-name()='tx']/*/text()"))
        )
        values = _points(series, "val") or _points(series, "yVal")
        for place, value in [*values.items()][:left]:
            rows.setdefault(place, {})[number] = value
        labels = (_points(series, "cat") or _points(series, "xVal")) | labels
        left = max(0, left - len(values))
    header = ["", *names]
    yield Table.of_rows(
        [header, *([labels.get(place, ""), *_in_places(rows[place], len(names))] for place in sorted(rows))]
    )


def _points(series: XmlElement, role: str) -> dict[int, str]:
    """Returns the cached texts of one role (`cat`, `val`, …) of a series by their index."""
    element = series.find(f"{C}{role}")
    return {
        whole_number(point.get("idx")): (point.findtext(f"{C}v") or "")
        for point in (() if element is None else element.iter(f"{C}pt"))
    }


def _in_places(values: Mapping[int, str], count: int) -> Iterable[str]:
    return (values.get(place, "") for place in range(count))


def _present(element: XmlElement | None) -> list[Item]:
    return [] if element is None else [element]


def _grouped(element: XmlElement | None) -> list[Item]:
    """Returns an element in parentheses, unless it is a single sign or number."""
    text = "" if element is None else "".join(part.text or "" for part in element.iter(f"{M}t"))
    return _present(element) if text.isalnum() else ["(", *_present(element), ")"]


def _scripts(parts: Mapping[str, XmlElement]) -> list[Item]:
    return [*_script("_", parts.get("sub")), *_script("^", parts.get("sup"))]


def _script(sign: str, element: XmlElement | None) -> list[Item]:
    return [sign, *_grouped(element)] if _has_text(element) else []


def _has_text(element: XmlElement | None) -> bool:
    return element is not None and any(part.text for part in element.iter(f"{M}t"))


def _nary_sign(element: XmlElement) -> str:
    sign = element.find(f"{M}naryPr/{M}chr")
    return "∫" if sign is None else sign.get(f"{M}val", "∫")


def _delimited(element: XmlElement) -> list[Item]:
    signs = []
    for name, usual in (("begChr", "("), ("sepChr", "|"), ("endChr", ")")):
        sign = element.find(f"{M}dPr/{M}{name}")
        signs.append(usual if sign is None else sign.get(f"{M}val", ""))
    parts = [part for part in element if part.tag == f"{M}e"]
    return [signs[0], *[item for part in parts for item in (signs[1], part)][1:], signs[2]]
