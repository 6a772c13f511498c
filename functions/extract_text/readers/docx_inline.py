"""Content of a paragraph of a Word file: text, breaks, notes, and anchored objects."""

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from lxml.etree import _Element as XmlElement

from readers.docx_styles import VALUE
from readers.ooxml import DGM, MC, A, C, Item, M, W, chosen_alternative, formula_items, formula_text, is_on

_IMAGE_DATA: Final = "{urn:schemas-microsoft-com:vml}imagedata"

_LEFT_OUT: Final = frozenset(
    f"{W}{name}"
    for name in ("del", "moveFrom", "delText", "instrText", "delInstrText", "pPr", "rPr", "tblPr", "tblGrid", "trPr",
                 "tcPr", "sdtPr", "sdtEndPr", "rt", "sectPr")
)  # fmt: skip
"""Deletions, field codes, ruby text and properties."""

_SIGNS: Final = {f"{W}tab": "\t", f"{W}ptab": "\t", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_NOTES: Final[dict[str, "NoteKind"]] = {f"{W}footnoteReference": "footnotes", f"{W}endnoteReference": "endnotes"}
_WINGDINGS: Final = {
    0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0x75: "◆", 0x76: "❖", 0x9F: "•", 0xA7: "▪", 0xA8: "◻",
    0xD8: "➢", 0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓",
    0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
"""Marks and arrows of the font Wingdings, by their codes (Unicode document L2/11-052)."""

_SYMBOL_CODES: Final = range(0xF000, 0xF100)
_PRIVATE_CODES: Final = range(0xE000, 0xF900)
_MAX_CODE_DIGITS: Final = 4

NoteKind = Literal["footnotes", "endnotes"]


class PageBreak(NamedTuple):
    """The end of a page.

    Attributes:
        rendered: whether the program that laid the text out has set it; otherwise the author has.
    """

    rendered: bool


class Note(NamedTuple):
    """A reference to a note."""

    kind: NoteKind
    identifier: str


class Box(NamedTuple):
    """A text box."""

    content: XmlElement


class Graphic(NamedTuple):
    """A chart or diagram, whose text is in another part."""

    element: XmlElement


class Picture(NamedTuple):
    """An image."""


Token = str | PageBreak | Note | Box | Graphic | Picture
"""An element of the content of a paragraph."""


def tokens_of(paragraph: XmlElement) -> Iterator[Token]:
    """Yields the content of a paragraph in order, without deleted and hidden text and field codes."""
    waiting: list[Item] = [*reversed(paragraph)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif not isinstance(item.tag, str) or item.tag in _LEFT_OUT:
            continue
        elif item.tag == f"{W}t":
            yield item.text or ""
        elif item.tag == f"{M}t":
            yield formula_text(item)
        elif (token := _token(item)) is not None:
            yield token
        else:
            waiting += reversed(_parts(item))


def is_visible(token: Token) -> bool:
    """Returns whether a token is visible text."""
    return isinstance(token, str) and not token.isspace() and bool(token)


def is_switched_on(properties: XmlElement | None, name: str) -> bool:
    """Returns whether an on/off property is on."""
    return properties is not None and is_on(properties.find(f"{W}{name}"), VALUE)


def _parts(element: XmlElement) -> list[Item]:
    """Returns the items to read in place of an element."""
    if element.tag == f"{W}r" and is_switched_on(element.find(f"{W}rPr"), "vanish"):
        return []
    if element.tag == f"{MC}AlternateContent":
        return chosen_alternative(element)
    return formula_items(element) if element.tag.startswith(M) else [*element]


def _token(element: XmlElement) -> Token | None:
    """Returns the token for an element, None for an element that has parts."""
    token: Token | None = None
    match element.tag:
        case tag if tag in _SIGNS:
            token = _SIGNS[tag]
        case tag if tag in _NOTES:
            token = Note(_NOTES[tag], element.get(f"{W}id", ""))
        case tag if tag == f"{W}br":
            token = PageBreak(rendered=False) if element.get(f"{W}type") == "page" else "\n"
        case tag if tag == f"{W}lastRenderedPageBreak":
            token = PageBreak(rendered=True)
        case tag if tag == f"{W}sym":
            token = _symbol(element)
        case tag if tag == f"{W}txbxContent":
            token = Box(element)
        case tag if tag in (f"{A}blip", _IMAGE_DATA):
            token = Picture()
        case tag if tag in (f"{C}chart", f"{DGM}relIds"):
            token = Graphic(element)
    return token


def _symbol(element: XmlElement) -> str:
    """Returns the character for a code in a font; an empty string for private codes."""
    digits = element.get(f"{W}char", "")
    try:
        code = int(digits[:_MAX_CODE_DIGITS], 16)
    except ValueError:
        return ""
    if code in _SYMBOL_CODES and element.get(f"{W}font", "").lower() == "wingdings":
        return _WINGDINGS.get(code - _SYMBOL_CODES.start, "")
    return "" if code in _PRIVATE_CODES else chr(code)
