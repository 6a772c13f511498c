"""EPUB books: HTML chapters in a zip container."""

import posixpath
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from lxml.etree import _Element as XmlElement
from selectolax.lexbor import LexborHTMLParser

from onggi.domain.errors import BadDocument
from readers.archive import Archive, parse_xml
from readers.dates import iso_date
from readers.encoding import decode_declared
from readers.html import declared_encoding
from readers.html_blocks import blocks_of
from readers.html_tree import parse_html
from readers.model import Page, Properties, RawDocument

CONTAINER: Final = "META-INF/container.xml"
ENCRYPTION: Final = "META-INF/encryption.xml"

_FONT_OBFUSCATIONS: Final = frozenset({"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"})
"""These hide fonts only (EPUB 3.3, 4.4); every other method protects the chapters."""

_CHAPTER_TYPES: Final = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})


def read_epub(file: Path) -> RawDocument:
    """Reads a book in its reading order; each of its HTML files is a page.

    Raises:
        BadDocument: `encrypted` for a book with rights management, and as `Archive`.
    """
    with Archive(file) as archive:
        _refuse_protected(archive.get(ENCRYPTION))
        package_name = _package_name(archive)
        package = parse_xml(archive.read(package_name))
        chapters = [archive.get(name) for name in _chapter_names(package, posixpath.dirname(package_name))]
        pages = tuple(_page(chapter) for chapter in chapters if chapter is not None)
    if not pages:
        raise BadDocument("corrupt")
    return RawDocument(pages, _properties(package))


def _refuse_protected(encryption: bytes | None) -> None:
    if encryption is None:
        return
    methods = {method.get("Algorithm") for method in _elements(parse_xml(encryption), "EncryptionMethod")}
    if methods - _FONT_OBFUSCATIONS:
        raise BadDocument("encrypted")


def _package_name(archive: Archive) -> str:
    container = archive.get(CONTAINER)
    roots = _elements(parse_xml(container), "rootfile") if container is not None else []
    stated = next((name for root in roots if (name := root.get("full-path"))), None)
    name = stated or next((name for name in archive.names if name.lower().endswith(".opf")), None)
    if name is None:
        raise BadDocument("corrupt")
    return name


def _chapter_names(package: XmlElement, folder: str) -> list[str]:
    """Returns the names of the chapters in the archive, in reading order, without repetition."""
    items = {item.get("id"): item for item in _elements(package, "item")}
    names: dict[str, None] = {}
    for reference in _elements(package, "itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and _is_chapter(item):
            path = unquote((item.get("href") or "").partition("#")[0])
            names.setdefault(posixpath.normpath(posixpath.join(folder, path)).lstrip("/"))
    return list(names)


def _is_chapter(item: XmlElement) -> bool:
    """Returns whether an item is text and not the table of contents, which repeats the headings."""
    return item.get("media-type") in _CHAPTER_TYPES and "nav" not in (item.get("properties") or "").split()


def _page(chapter: bytes) -> Page:
    if not chapter.strip():
        return Page(())
    tree = _parse(chapter)
    blocks = blocks_of(tree)
    return Page(blocks, needs_ocr=not blocks and tree.css_first("img, image") is not None)


def _parse(chapter: bytes) -> LexborHTMLParser:
    text = decode_declared(chapter, declared_encoding(chapter))
    return parse_html(text, is_xml=True)


def _properties(package: XmlElement) -> Properties:
    dates = _elements(package, "date")
    modified = [date for date in dates if _attribute(date, "event") == "modification"]
    modified += [meta for meta in _elements(package, "meta") if meta.get("property") == "dcterms:modified"]
    created = [date for date in dates if date not in modified]
    return Properties(
        title=next(iter(_texts(package, "title")), None),
        author=", ".join(_texts(package, "creator")) or None,
        created=next(filter(None, (iso_date(date.text) for date in created)), None),
        modified=next(filter(None, (iso_date(date.text) for date in modified)), None),
    )


def _texts(package: XmlElement, name: str) -> list[str]:
    texts = (" ".join("".join(element.itertext()).split()) for element in _elements(package, name))
    return [text for text in texts if text]


def _elements(root: XmlElement, name: str) -> list[XmlElement]:
    """Returns the elements of a name in any namespace: old books mix them up."""
    return list(root.iter(f"{{*}}{name}"))


def _attribute(element: XmlElement, name: str) -> str | None:
    return next((str(value) for key, value in element.items() if str(key).endswith(f"}}{name}") or key == name), None)
