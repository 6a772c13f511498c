"""Pages of HTML."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from selectolax.lexbor import LexborHTMLParser

from readers.dates import iso_date
from readers.encoding import decode_declared, read_bytes
from readers.html_blocks import blocks_of
from readers.html_tree import parse_html
from readers.model import Block, Heading, Page, Properties, RawDocument

DECLARATION_BYTES: Final = 4096
"""The standard looks for a declared encoding in 1,024 bytes; saved pages have comments and longer heads before it."""

_DECLARED: Final = re.compile(rb"(?i)<(?:meta|\?xml)\s[^>]{0,500}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,40})")

_AUTHORS: Final = ("author", "dc.creator", "dcterms.creator", "article:author")
_CREATED: Final = (
    "article:published_time",
    "dcterms.created",
    "dc.date.created",
    "dc.date",
    "dcterms.date",
    "date",
    "datepublished",
)
_MODIFIED: Final = ("article:modified_time", "dcterms.modified", "dc.date.modified", "og:updated_time", "datemodified")


def read_html(file: Path) -> RawDocument:
    """Reads a page of HTML: one page.

    Raises:
        BadDocument: as `decode_declared`, or `too_large`.
    """
    content = read_bytes(file)
    tree = parse_html(decode_declared(content, declared_encoding(content)))
    blocks = blocks_of(tree)
    return RawDocument((Page(blocks),), _properties(tree, blocks))


def declared_encoding(content: bytes) -> str | None:
    """Returns the encoding that a page declares at its beginning."""
    declared = _DECLARED.search(content[:DECLARATION_BYTES])
    return declared.group(1).decode("ascii", "ignore") if declared else None


def _properties(tree: LexborHTMLParser, blocks: tuple[Block, ...]) -> Properties:
    stated: dict[str, str] = {}
    for meta in tree.css("meta[content]"):
        attributes = meta.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        if content := (attributes.get("content") or "").strip():
            stated.setdefault(name.strip().lower(), content)
    title = tree.css_first("head > title")
    first = next((block.text for block in blocks if isinstance(block, Heading)), None)
    author = next((stated[name] for name in _AUTHORS if name in stated and "://" not in stated[name]), None)
    return Properties(
        title=(title and title.text().strip()) or stated.get("og:title") or first,
        author=author,
        created=_first_date(stated, _CREATED),
        modified=_first_date(stated, _MODIFIED),
    )


def _first_date(stated: dict[str, str], names: Iterable[str]) -> str | None:
    return next(filter(None, (iso_date(stated.get(name)) for name in names)), None)
