"""Opens PDF files with pdfium, and the annotations on their pages."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from onggi.domain.errors import BadDocument
from readers.pdfium_font import use_own_font

MAX_ANNOTATIONS: Final = 1_000
"""Annotations of a page that are checked."""

_LOCKED: Final = frozenset({pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY})
_WRITTEN: Final = frozenset({pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP})

use_own_font()


@contextmanager
def open_pdf(file: Path) -> Iterator[PdfDocument]:
    """Opens a PDF for a block.

    Raises:
        BadDocument: `encrypted` when it does not open without a password, `corrupt` when pdfium cannot read it or,
            within the block, one of its pages.
    """
    try:
        with PdfDocument(file) as document:
            yield document
    except PdfiumError as error:
        raise BadDocument("encrypted" if getattr(error, "err_code", None) in _LOCKED else "corrupt") from error


@contextmanager
def open_page_with_annotations(document: PdfDocument, index: int) -> Iterator[PdfPage]:
    """Opens a page (from 0), with filled-in, typed and stamped annotations as a part of its content."""
    with closing(document[index]) as page:
        if not has_written_annotations(page):
            yield page
            return
        with _flattened_copy(document, index) as flattened:
            yield flattened


@contextmanager
def open_annotations(document: PdfDocument, index: int, page: PdfPage) -> Iterator[PdfPage]:
    """Opens the filled-in, typed and stamped annotations of a page, without its own content.

    Args:
        document: document, which is not changed.
        index: index of the page, from 0.
        page: the same page.
    """
    with _flattened_copy(document, index) as flattened:
        for _ in range(min(pdfium.FPDFPage_CountObjects(page), pdfium.FPDFPage_CountObjects(flattened))):
            page_object = pdfium.FPDFPage_GetObject(flattened, 0)
            pdfium.FPDFPage_RemoveObject(flattened, page_object)
            pdfium.FPDFPageObj_Destroy(page_object)
        for number in range(pdfium.FPDFPage_CountObjects(flattened)):
            _place_on_page(pdfium.FPDFPage_GetObject(flattened, number))
        yield flattened


def has_written_annotations(page: PdfPage) -> bool:
    """Returns whether a page has filled-in, typed or stamped annotations."""
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        kind = pdfium.FPDFAnnot_GetSubtype(annotation)
        pdfium.FPDFPage_CloseAnnot(annotation)
        if kind in _WRITTEN:
            return True
    return False


def _place_on_page(page_object: Any) -> None:  # noqa: ANN401 - a pointer of ctypes
    """Transforms the objects in a form object from the form's coordinates to those of the page.

    pdfium compares text by the coordinates of its own form: it would take the same value in two fields for one value
    printed twice, and distant values for one line.
    """
    if pdfium.FPDFPageObj_GetType(page_object) != pdfium.FPDF_PAGEOBJ_FORM:
        return
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(page_object, matrix)
    pdfium.FPDFPageObj_SetMatrix(page_object, pdfium.FS_MATRIX(a=1, d=1))
    for index in range(pdfium.FPDFFormObj_CountObjects(page_object)):
        inner = pdfium.FPDFFormObj_GetObject(page_object, index)
        pdfium.FPDFPageObj_Transform(inner, matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f)
        _place_on_page(inner)


@contextmanager
def _flattened_copy(document: PdfDocument, index: int) -> Iterator[PdfPage]:
    """Opens a copy of a page (from 0) with its annotations as the last object of its content.

    Flattening gives a page its own resources, which hide inherited ones: the fonts are lost, and the text becomes glyph
    numbers. In a copy, the inherited resources are the page's own before it is flattened.
    """
    with PdfDocument.new() as copy:
        copy.import_pages(document, [index])
        with closing(copy[0]) as page:
            pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        with closing(copy[0]) as page:
            yield page
