"""Images of pages, for optical character recognition."""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pypdfium2 import PdfBitmap, PdfDocument

from readers.pdfium import open_page_with_annotations, open_pdf

LONG_SIDE: Final = 1_600
"""Pixels: about 140 dots per inch of an A4 page, enough for Hangul of usual size while images stay small."""

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_BITS: Final = 8
_GREYSCALE: Final = 0
_UNFILTERED: Final = b"\x00"


def page_images(file: Path, pages: Sequence[int]) -> list[bytes]:
    """Renders pages of a PDF, with what is filled into forms, as greyscale PNG files.

    Args:
        file: path of the PDF.
        pages: page numbers, from 1.

    Returns:
        One image for each page, with `LONG_SIDE` pixels on its longer side.

    Raises:
        BadDocument: the file does not open or has no such page.
    """
    with open_pdf(file) as document:
        return [_page_image(document, number) for number in pages]


def _page_image(document: PdfDocument, number: int) -> bytes:
    with open_page_with_annotations(document, number - 1) as page:
        width, height = page.get_size()
        bitmap = page.render(scale=LONG_SIDE / max(width, height, 1.0), grayscale=True)
        image = _png(bitmap)
        bitmap.close()
    return image


def _png(bitmap: PdfBitmap) -> bytes:
    """Returns a greyscale PNG (W3C PNG, second edition) of a bitmap with one byte for each pixel."""
    pixels = memoryview(bitmap.buffer).cast("B")
    rows = b"".join(
        _UNFILTERED + pixels[start : start + bitmap.width]
        for start in range(0, bitmap.height * bitmap.stride, bitmap.stride)
    )
    header = struct.pack(">IIBBBBB", bitmap.width, bitmap.height, _BITS, _GREYSCALE, 0, 0, 0)
    return b"".join(
        (_PNG_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
