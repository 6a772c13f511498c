"""Opens PDF files and their pages with pdfium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pypdfium2.raw as pdfium
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from onggi.domain.errors import BadDocument
from readers.pdfium_font import use_own_font

MAX_ANNOTATIONS: Final = 1_000
"""Of a page, that are looked at."""

_LOCKED: Final = frozenset({pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY})
_WRITTEN: Final = frozenset({pdfium.FPDF_ANNOT_WIDGET, pdfium.FPDF_ANNOT_FREETEXT, pdfium.FPDF_ANNOT_STAMP})

use_own_font()


@contextmanager
def opened(file: Path) -> Iterator[PdfDocument]:
    """A PDF for the time of a block.

    Raises:
        BadDocument: `encrypted` when it does not open without a password, `corrupt` when pdfium cannot read it or,
            within the block, one of its pages.
    """
    try:
        with PdfDocument(file) as document:
            yield document
    except PdfiumError as error:
        raise BadDocument("encrypted" if getattr(error, "err_code", None) in _LOCKED else "corrupt") from error


def page_with_annotations(document: PdfDocument, index: int) -> PdfPage:
    """A page (from 0) with what was filled into its form, typed or stamped onto it, as a part of its content."""
    page = document[index]
    if not _is_written_on(page):
        return page
    pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
    page.close()
    return document[index]


def _is_written_on(page: PdfPage) -> bool:
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page), MAX_ANNOTATIONS)):
        annotation = pdfium.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        kind = pdfium.FPDFAnnot_GetSubtype(annotation)
        pdfium.FPDFPage_CloseAnnot(annotation)
        if kind in _WRITTEN:
            return True
    return False
