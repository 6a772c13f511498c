"""Gives pdfium one font of this project in place of the fonts of the machine.

pdfium computes the box of a text object from the outlines of its glyphs. Where the file embeds no font, it takes the
outlines of a font of the machine. Without fonts, as on Lambda, the box is empty, so that the text of a file would
depend on the machine. The font in `fonts/` has a box for every character and no ink.
`layers/packaging/box_font.py` makes it.
"""

import ctypes
import os
from pathlib import Path
from typing import Final

import pypdfium2  # noqa: F401 - initialises pdfium, once, when it is first imported
import pypdfium2.raw as pdfium

FOLDER: Final = Path(__file__).resolve().parent / "fonts"

_FOLDERS: Final = (ctypes.c_char_p * 2)(os.fsencode(FOLDER), None)
"""A C list that ends with NULL; pdfium does not copy it."""
_VERSION: Final = 2
"""Version of the configuration, as in pypdfium2."""


def use_own_font() -> None:
    """Initialises pdfium again, with one folder of fonts in place of the system's; no document may be open."""
    configuration = pdfium.FPDF_LIBRARY_CONFIG(version=_VERSION)
    configuration.m_pUserFontPaths = ctypes.cast(_FOLDERS, type(configuration.m_pUserFontPaths))
    pdfium.FPDF_DestroyLibrary()
    pdfium.FPDF_InitLibraryWithConfig(configuration)
