"""Text of one page, read by pdfium, including text that pdfium leaves out."""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import pypdfium2.raw as pdfium
from pypdfium2 import PdfPage, PdfTextPage

from onggi.domain.errors import BadDocument

ANGLE_SAMPLES: Final = 7
"""Characters, spread over a page, from which the rotation of its text is determined."""
EMPTY: Final = 0.01
"""Points: pdfium leaves out text objects whose box is narrower (`kSizeEpsilon` of its `cpdf_textpage.cpp`)."""
BOX_SHARE: Final = 0.5
"""Side of the box for text without one, as a share of the font size, around the origin of its first glyph.
Measured on 704 pages without any font, at shares from 0.2 to 1.0: at 0.5 and 0.8 most lines come out whole."""
PROBE: Final = 1.0
"""Points: side of the box with which a text object is read for the first time."""

_MEANINGFUL: Final = re.compile(
    "[^\\s\x00-\x1f\x7f-\x9f\u00ad\u200b\ufeff\ufffe\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]+"
)
_ON_RIGHT_SIDE, _HALF_TURN, _FULL_TURN = 90, 180, 360
"""In degrees, clockwise."""
_UNTURNED: Final = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
"""The matrix that changes nothing."""


def text_of_page(page: PdfPage, max_characters: int) -> str:
    """Returns the whole text of a page, in the order of its content.

    pdfium leaves out text objects whose box is empty, which happens if a font has no outline for a glyph: for single
    glyphs, for turned and for vertical text. It also takes empty boxes as equal, and the same word on two lines as one.
    So text objects without a box get one, and the page is read again. The second text is used if it has all letters of
    the first one, and more.

    Args:
        page: page that is changed in memory only.
        max_characters: maximum of characters to read.

    Raises:
        BadDocument: `too_large` when there are more characters.
    """
    text = _read(page, max_characters)
    without_box = list(_texts_without_box(page))
    if not without_box:
        return text
    for page_object in without_box:
        _set_box(page_object, PROBE)
    if not _letters(text) < _letters(_read(page, max_characters)):
        return text
    meaningful = _meaningful_objects(page)
    for page_object in without_box:
        # Blanks that pdfium has left out may be within words.
        _set_box(
            page_object, BOX_SHARE * _size(page_object) if ctypes.addressof(page_object.contents) in meaningful else 0.0
        )
    longer = _read(page, max_characters)
    return longer if _adds_words(longer, text) else text


def _adds_words(longer: str, text: str) -> bool:
    """Returns whether the letters that a longer text adds are words or parts of words.

    In a font in which blanks mean `#`, one would follow each word: added marks alone must not change the words.
    """
    added = _letters(longer) - _letters(text)
    return any(map(str.isalnum, added)) or Counter(text.split()) <= Counter(longer.split())


def _letters(text: str) -> Counter[str]:
    return Counter("".join(_MEANINGFUL.findall(text)))


def _texts_without_box(page: PdfPage) -> Iterator[Any]:
    return _within(pdfium.FPDFPage_CountObjects(page), partial(pdfium.FPDFPage_GetObject, page.raw))


def _within(count: int, get: Callable[[int], Any]) -> Iterator[Any]:
    """Yields the text objects without a box of a page or form object, including nested form objects."""
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    bounds = tuple(map(ctypes.byref, (left, bottom, right, top)))
    for page_object in map(get, range(count)):
        kind = pdfium.FPDFPageObj_GetType(page_object)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            pdfium.FPDFPageObj_GetBounds(page_object, *bounds)
            if right.value - left.value < EMPTY or top.value - bottom.value < EMPTY:
                yield page_object
        elif kind == pdfium.FPDF_PAGEOBJ_FORM:
            yield from _within(
                pdfium.FPDFFormObj_CountObjects(page_object), partial(pdfium.FPDFFormObj_GetObject, page_object)
            )


def _set_box(page_object: Any, side: float) -> None:  # noqa: ANN401 - a pointer of ctypes
    """Gives a text object without outlines a box of a size in points; 0 removes the box.

    pdfium widens the box of outlined text by half its line width on each side. It computes the box when the object is
    transformed, so that the box is kept when the mode is reset.
    """
    mode = pdfium.FPDFTextObj_GetTextRenderMode(page_object)
    pdfium.FPDFTextObj_SetTextRenderMode(page_object, pdfium.FPDF_TEXTRENDERMODE_STROKE)
    pdfium.FPDFPageObj_SetStrokeWidth(page_object, side)
    pdfium.FPDFPageObj_Transform(page_object, *_UNTURNED)
    pdfium.FPDFTextObj_SetTextRenderMode(page_object, mode)


def _size(page_object: Any) -> float:  # noqa: ANN401 - as above
    """Returns the size at which a text object is shown, in points."""
    size, matrix = ctypes.c_float(), pdfium.FS_MATRIX()
    pdfium.FPDFTextObj_GetFontSize(page_object, size)
    pdfium.FPDFPageObj_GetMatrix(page_object, matrix)
    return abs(size.value) * max(math.hypot(matrix.a, matrix.b), math.hypot(matrix.c, matrix.d))


def _meaningful_objects(page: PdfPage) -> set[int]:
    """Returns the addresses of the text objects that contain a letter, digit or mark."""
    textpage = _text_page(page)
    found: set[int] = set()
    for index in range(pdfium.FPDFText_CountChars(textpage)):
        page_object = pdfium.FPDFText_GetTextObject(textpage, index)
        if page_object and _MEANINGFUL.match(chr(pdfium.FPDFText_GetUnicode(textpage, index))):
            found.add(ctypes.addressof(page_object.contents))
    textpage.close()
    return found


def _read(page: PdfPage, max_characters: int) -> str:
    textpage = _text_page(page)
    text = _text_of(textpage, max_characters)
    textpage.close()
    return text


def _text_page(page: PdfPage) -> PdfTextPage:
    """Returns the text page; turns a page shown on its right side, since pdfium would read its last line first."""
    textpage = page.get_textpage()
    count = pdfium.FPDFText_CountChars(textpage)
    samples = range(0, count, max(count // ANGLE_SAMPLES, 1))
    turned = [round(math.degrees(pdfium.FPDFText_GetCharAngle(textpage, index))) for index in samples]
    rotation = page.get_rotation()
    if turned.count((_ON_RIGHT_SIDE - rotation) % _FULL_TURN) * 2 <= len(turned):
        return textpage
    textpage.close()
    page.set_rotation((rotation + _HALF_TURN) % _FULL_TURN)
    return page.get_textpage()


def _text_of(page: PdfTextPage, max_characters: int) -> str:
    """Returns the text of all characters.

    pdfium also counts characters that it leaves out of the text. For a range that begins or ends with such characters
    it may write more than requested, so the range is narrowed first.
    """
    first, last = 0, pdfium.FPDFText_CountChars(page) - 1
    if last >= max_characters:
        raise BadDocument("too_large")
    while first <= last and pdfium.FPDFText_GetTextIndexFromCharIndex(page, first) < 0:
        first += 1
    while first <= last and pdfium.FPDFText_GetTextIndexFromCharIndex(page, last) < 0:
        last -= 1
    if first > last:
        return ""
    text_first, text_last = (pdfium.FPDFText_GetTextIndexFromCharIndex(page, index) for index in (first, last))
    buffer = (ctypes.c_ushort * (text_last - text_first + 2))()
    written = pdfium.FPDFText_GetText(page, first, last - first + 1, buffer)
    return bytes(memoryview(buffer).cast("B")[: 2 * max(written - 1, 0)]).decode("utf-16-le", "replace")
