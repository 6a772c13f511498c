"""The tree of a page of HTML: parses it within limits and walks through its visible nodes."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from onggi.domain.errors import BadDocument

MAX_DEPTH: Final = 512
"""Deeper elements are moved up to this depth, as in browsers; the time of parsing grows with size times depth."""

MAX_FORMATTING: Final = 16
"""Tags such as `<b>` that are open at once; tags that are never closed are copied into each later paragraph."""

LONG_TAG: Final = 8192
MAX_ATTRIBUTES: Final = 500
"""Attributes of an element; each is compared with all before it. Usual long tags hold a picture or a few long texts."""

Step = Literal["enter", "leave"]


def elements(names: str) -> frozenset[str]:
    """Returns a set of names that are separated by blanks."""
    return frozenset(names.split())


BLOCKS: Final = elements("""
    address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer form
    frameset header hgroup hr html legend li listing main menu ol p plaintext pre search section select summary ul xmp
    table caption tbody thead tfoot tr td th textarea h1 h2 h3 h4 h5 h6
""")
CELLS: Final = elements("td th")

_NO_CONTENT: Final = elements("""
    head script style template noscript noembed noframes iframe audio video canvas object applet nav datalist
    annotation annotation-xml
""")
"""Elements that are not text of the page: code, fallback content and menus.

Headers, footers and asides are kept: in offices they name who is responsible and since when a page applies.
"""

_VOID: Final = elements("""
    area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr
""")
_CLOSED_BY_OTHERS: Final = elements("""
    html head body p li dt dd option optgroup tr td th thead tbody tfoot colgroup caption rp rt
""")
_FORMATTING: Final = elements("a b big code em font i nobr s small strike strong tt u")

_SELF_CLOSED: Final = re.compile(r"<([A-Za-z][\w:-]*)((?:\s[^<>]*)?)/>")
_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?=[\s/>])[^<>]*>?")
_ATTRIBUTE_END: Final = re.compile(r"""=\s*"[^"]*"|=\s*'[^']*'|[\s/]+""")
_INVISIBLE_STYLE: Final = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all")


def parse_html(text: str, *, is_xml: bool = False) -> LexborHTMLParser:
    """Returns the tree of a page; parses it as XHTML if it has an XML prolog or is declared to be XML.

    Raises:
        BadDocument: `too_large` when memory runs out.
    """
    if is_xml or text.lstrip("\ufeff \t\r\n").startswith("<?xml"):
        text = _SELF_CLOSED.sub(_opened_and_closed, text)
    try:
        return LexborHTMLParser(_within_limits(text), scripting=True)
    except SelectolaxError as error:  # every text is a page: only memory can fail
        raise BadDocument("too_large") from error


def steps(root: LexborNode) -> Iterator[tuple[Step, LexborNode]]:
    """Yields each visible node when it begins and when it ends."""
    node = root
    while True:
        if _is_shown(node):
            yield "enter", node
            child = node.child
            if child is not None:
                node = child
                continue
            yield "leave", node
        following = node.next
        while following is None:
            parent = node.parent
            if parent is None or not parent.is_element_node:
                return
            node = parent
            yield "leave", node
            following = node.next
        node = following


def inline_text(tag: str, node: LexborNode) -> str:
    """Returns the text that an element itself stands for."""
    if tag in {"br", "option"}:
        return "\n"
    if tag == "img" and (shown := node.attributes.get("alt")):
        return f" {' '.join(shown.split())} "
    return ""


def integer(stated: str | None, default: int) -> int:
    """Returns the number in an attribute, the default if there is none or it has more than five digits."""
    number = (stated or "").strip()
    return int(number) if number.isdecimal() and len(number) <= len("65534") else default


def _is_shown(node: LexborNode) -> bool:
    if not node.is_element_node:
        return node.is_text_node
    if node.tag in _NO_CONTENT:
        return False
    attributes = node.attributes
    if not attributes:
        return True
    if "hidden" in attributes and attributes["hidden"] != "until-found":
        return False
    if attributes.get("role") == "navigation":
        return False
    style = attributes.get("style")
    return not (style and _INVISIBLE_STYLE.search(style))


def _opened_and_closed(tag: re.Match[str]) -> str:
    name, attributes = tag.groups()
    return tag.group() if name.lower() in _VOID else f"<{name}{attributes}></{name}>"


def _within_limits(text: str) -> str:
    """Returns the page within the limits of the parser; nearly every page is returned unchanged.

    The depth is estimated from the tags, since it must be known before parsing.
    """
    depth = 0
    unclosed: Counter[str] = Counter()
    for tag in _TAG.finditer(text):
        closing, name = tag.group(1), tag.group(2).lower()
        if _is_overloaded(tag):
            return _reduce(text)
        if not _nests(name):
            continue
        depth = max(0, depth - 1) if closing else depth + 1
        if name in _FORMATTING:
            unclosed[name] = max(0, unclosed[name] - 1) if closing else unclosed[name] + 1
        if depth > MAX_DEPTH or (name in _FORMATTING and unclosed[name] > MAX_FORMATTING):
            return _reduce(text)
    return text


def _reduce(text: str) -> str:
    depth = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth
        closing, name = tag.group(1), tag.group(2).lower()
        if name in _FORMATTING:
            return ""
        if _is_overloaded(tag):
            return f"<{closing}{name}>"
        if not _nests(name):
            return tag.group()
        if closing:
            depth = max(0, depth - 1)
            return tag.group() if depth < MAX_DEPTH else "\n"
        depth += 1
        return tag.group() if depth <= MAX_DEPTH else "\n"

    return _TAG.sub(kept, text)


def _is_overloaded(tag: re.Match[str]) -> bool:
    return tag.end() - tag.start() > LONG_TAG and len(_ATTRIBUTE_END.findall(tag.group())) > MAX_ATTRIBUTES


def _nests(name: str) -> bool:
    return name not in _VOID and name not in _CLOSED_BY_OTHERS
