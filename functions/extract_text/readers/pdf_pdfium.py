"""PDF files, by pdfium: fast and right about fonts; the sandbox is there since it may crash on hostile files."""

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfPage

from readers.layout import OutlineEntry, lay_out_pages
from readers.model import MAX_HEADING_LEVEL, Page, Properties, RawDocument
from readers.pdfium import has_written_annotations, open_annotations, open_pdf
from readers.pdfium_text import text_of_page

MAX_CHARACTERS: Final = 20_000_000
"""About ten thousand pages; what is larger came from a broken or a hostile file."""
MAX_MARKS: Final = 10_000
"""Entries of an outline."""
MAX_STATED_BYTES: Final = 2_000
"""Bytes of a title or property; longer ones are ignored."""
_STATED: Final = (b"Title", b"Author", b"CreationDate", b"ModDate")

SAMPLE_CHARACTERS: Final = 500
"""Characters at the beginning of a page that are checked for meaning."""
GARBAGE_SHARE: Final = 0.5
"""Share of visible characters without meaning from which the text of a page counts as garbage."""

MAX_STAMP: Final = 60
"""Visible characters in a stamp on a scanned page: its number, the scanner's name, who printed it and when."""
SCAN_SHARE: Final = 0.8
"""Share of a page that pictures must cover for a scan; scanners leave margins out."""
MAX_OBJECTS: Final = 10_000
"""Objects of a page that are checked for pictures."""

_MEANINGLESS: Final = re.compile("[\x00\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_BLANKS: Final = re.compile(r"[\s\x01-\x1f\u00ad\u200b\ufeff\ufffe]+")
_VISIBLE: Final = re.compile(r"[^\s\x01-\x1f\u00ad\u200b\ufeff\ufffe]")

_PDF_DATE: Final = re.compile(r"(?:D:)?(\d{4}(?:\d\d){0,5})(?:(Z)|([+-])(\d\d)(?:'?(\d\d))?)?")
_EARLIEST: Final = "00000101000000"
"""Completes dates that are less precise than seconds."""


_TINY: Final = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj "
    b"4 0 obj<</Length 21>>stream\nBT/F 9 Tf(warm)Tj ET \nendstream endobj "
    b"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R>>"
)
"""A PDF of one page with one word."""


def warm_up() -> None:
    """Reads one page, so that processes forked later find pdfium's tables and this code in memory."""
    with PdfDocument(_TINY) as document:
        _read(document)


def read_pdf(file: Path) -> RawDocument:
    """Reads the text layer of a PDF, page by page; its outline gives the headings.

    Raises:
        BadDocument: `encrypted` when it does not open without a password, `too_large` when there is more text than any
            document has, `corrupt` when pdfium cannot read it, which another reader may still do.
    """
    with open_pdf(file) as document:
        return _read(document)


class _PageText(NamedTuple):
    """Text and state of a page.

    Attributes:
        own: text of its content.
        note: text of its annotations.
    """

    own: str
    note: str
    needs_ocr: bool


def _read(document: PdfDocument) -> RawDocument:
    pages: list[_PageText] = []
    remaining = MAX_CHARACTERS
    for index in range(len(document)):
        page = _read_page(document, index, remaining)
        remaining -= len(page.own) + len(page.note)
        pages.append(page)
    properties = _properties(document)
    notes = {number: page.note for number, page in enumerate(pages) if page.note}
    blocks = lay_out_pages([page.own for page in pages], list(_outline(document)), properties.title, notes)
    return RawDocument(tuple(map(Page, blocks, (page.needs_ocr for page in pages))), properties)


def _read_page(document: PdfDocument, index: int, max_characters: int) -> _PageText:
    with closing(document[index]) as page:
        own, note, is_drawn_on = text_of_page(page, max_characters), "", False
        if has_written_annotations(page):
            with open_annotations(document, index, page) as annotations:
                note = text_of_page(annotations, max_characters - len(own))
                is_drawn_on = _shows_something(annotations)
        text = f"{own}\n{note}"
        shows_only_pictures = _is_blank(text) and (is_drawn_on or _shows_something(page))
        return _PageText(own, note, _is_garbage(text) or shows_only_pictures or _is_scan(page, text))


def _is_blank(text: str) -> bool:
    return not _VISIBLE.search(text)


def _is_garbage(text: str) -> bool:
    """Returns whether most characters of a text have no meaning."""
    sample = _BLANKS.sub("", text[:SAMPLE_CHARACTERS])
    return len(_MEANINGLESS.findall(sample)) > GARBAGE_SHARE * len(sample)


def _shows_something(page: PdfPage) -> bool:
    """Returns whether a page without text has a picture or a drawing; blank text objects do not count."""
    return any(pdfium.FPDFPageObj_GetType(page_object) != pdfium.FPDF_PAGEOBJ_TEXT for page_object in _objects(page))


def _is_scan(page: PdfPage, text: str) -> bool:
    """Returns whether pictures cover a page and its text is no more than a stamp on them.

    Invisible text comes from the recognition of the scanner.
    """
    if len(text) > SAMPLE_CHARACTERS or len(_BLANKS.sub("", text)) > MAX_STAMP:
        return False
    page_objects = list(islice(_objects(page), MAX_OBJECTS))
    width, height = page.get_size()
    is_covered = 0 < SCAN_SHARE * width * height <= sum(map(_picture_area, page_objects))
    invisible = pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
    return is_covered and all(
        pdfium.FPDFTextObj_GetTextRenderMode(page_object) != invisible for page_object in page_objects
    )


def _objects(page: PdfPage) -> Iterator[Any]:
    return (pdfium.FPDFPage_GetObject(page, index) for index in range(pdfium.FPDFPage_CountObjects(page)))


def _picture_area(page_object: Any) -> float:  # noqa: ANN401 - a pointer of ctypes
    """Returns the area in square points of a picture, or of a form that begins with one; 0 for other objects."""
    kind = pdfium.FPDFPageObj_GetType(page_object)
    if kind == pdfium.FPDF_PAGEOBJ_FORM and pdfium.FPDFFormObj_CountObjects(page_object):
        kind = pdfium.FPDFPageObj_GetType(pdfium.FPDFFormObj_GetObject(page_object, 0))
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    if kind != pdfium.FPDF_PAGEOBJ_IMAGE or not pdfium.FPDFPageObj_GetBounds(page_object, left, bottom, right, top):
        return 0.0
    return (right.value - left.value) * (top.value - bottom.value)


def _properties(document: PdfDocument) -> Properties:
    title, author, created, modified = (_wide_text(partial(pdfium.FPDF_GetMetaText, document, key)) for key in _STATED)
    return Properties(title or None, author or None, iso_of_pdf_date(created), iso_of_pdf_date(modified))


def _wide_text(get: Callable[[Any, int], int]) -> str:
    """Returns the UTF-16 text that a function of pdfium writes, with a final NUL, into a buffer of the needed size."""
    size = get(None, 0)
    if size > MAX_STATED_BYTES:
        return ""
    buffer = ctypes.create_string_buffer(size)
    get(buffer, size)
    return buffer.raw.decode("utf-16-le", "replace").rstrip("\0")


def iso_of_pdf_date(stated: str) -> str | None:
    """Returns a PDF date (`D:20260105093000+09'00'`, ISO 32000-1, 7.9.4) in ISO 8601; None if there is none."""
    match = _PDF_DATE.match(stated.strip())
    if not match:
        return None
    digits, zulu, sign, hours, minutes = match.groups()
    whole = digits + _EARLIEST[len(digits) :]
    try:
        datetime.fromisoformat(f"{whole[:8]}T{whole[8:]}")  # each process would have to import strptime
    except ValueError:
        return None
    date = "-".join(filter(None, (digits[:4], digits[4:6], digits[6:8])))
    time = ":".join(filter(None, (digits[8:10], digits[10:12] or "00", digits[12:14])))
    zone = "+00:00" if zulu else f"{sign}{hours}:{minutes or '00'}" if sign else ""
    return f"{date}T{time}{zone}" if digits[8:] else date


def _outline(document: PdfDocument) -> Iterator[OutlineEntry]:
    """Yields the entries of the outline that lead to a page, in order; stops at entries that form a cycle."""
    seen: set[int] = set()
    above: list[Any] = []
    entry = pdfium.FPDFBookmark_GetFirstChild(document, None)
    while (entry or above) and len(seen) < MAX_MARKS:
        address = ctypes.addressof(entry.contents) if entry else None
        if address is None or address in seen:
            if not above:
                return
            entry = pdfium.FPDFBookmark_GetNextSibling(document, above.pop())
            continue
        seen.add(address)
        page = _page_of(document, entry)
        title = _wide_text(partial(pdfium.FPDFBookmark_GetTitle, entry))
        if page is not None and title.strip():
            yield OutlineEntry(page, title, min(len(above) + 1, MAX_HEADING_LEVEL))
        above.append(entry)
        entry = pdfium.FPDFBookmark_GetFirstChild(document, entry)


def _page_of(document: PdfDocument, entry: Any) -> int | None:  # noqa: ANN401 - a pointer of ctypes
    target = pdfium.FPDFBookmark_GetDest(document, entry)
    if not target:
        action = pdfium.FPDFBookmark_GetAction(entry)
        target = pdfium.FPDFAction_GetDest(document, action) if action else None
    index = pdfium.FPDFDest_GetDestPageIndex(document, target) if target else -1
    return index if index >= 0 else None
