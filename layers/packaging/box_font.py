"""Makes the font that the PDF reader gives pdfium: `.venv/bin/python layers/packaging/box_font.py`.

Every character has a box and none has ink: each glyph is two points, the opposite corners of its box. pdfium takes the
sizes of text that embeds no font from it, and draws nothing with it.

The boxes were chosen by reading 704 pages of single glyphs and of lines, in eleven encodings, turned and spaced. Wide
ones, as wide as Hangul is, keep pdfium from taking lines for columns. Narrow ones keep it from taking two equal letters
that stand close (`11`) for one that was printed twice. With both, no letter was lost, and more lines came out whole
than with real Korean, Japanese and Chinese fonts.
"""

# ruff: noqa: INP001 - a script beside its data, not a package

import io
from pathlib import Path
from typing import Final

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import newTable
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable

FILE: Final = Path(__file__).resolve().parents[2] / "functions/extract_text/readers/fonts/boxes.ttf"

NAME: Final = "~"
"""pdfium compares names of fonts by what they contain; no document calls its font so."""
UNITS_PER_EM: Final = 1000
BOTTOM, TOP, LEFT = -80, 800, 20
RIGHT: Final = {"narrow": 220, "wide": 980}
ADVANCE: Final = {"narrow": 500, "wide": 1000}

FIRST_WIDE: Final = 0x1100
"""Hangul Jamo; below are the alphabets, above nearly everything is as wide as it is high."""
HALF_WIDTH: Final = range(0xFF61, 0xFFDD)
"""Half-width Katakana and Hangul (Unicode, Halfwidth and Fullwidth Forms)."""
LAST: Final = 0x10FFFF

CODE_PAGES: Final = 1 | 0x1F << 17
"""Bits of OS/2's ulCodePageRange1: Latin, and the five of Japanese, Chinese and Korean, by which pdfium chooses."""
WINDOWS, FULL_UNICODE, MANY_TO_ONE = 3, 10, 13
"""Platform, encoding and format of the character map (OpenType, `cmap`)."""


def make_font() -> bytes:
    """A TrueType font; the same bytes each time."""
    glyphs = [".notdef", *RIGHT]
    builder = FontBuilder(UNITS_PER_EM, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.font["cmap"] = _character_map()
    builder.setupGlyf({name: _corners(RIGHT.get(name, RIGHT["wide"])) for name in glyphs})
    builder.setupHorizontalMetrics({name: (ADVANCE.get(name, ADVANCE["wide"]), LEFT) for name in glyphs})
    builder.setupHorizontalHeader(ascent=TOP, descent=BOTTOM)
    builder.setupNameTable({"familyName": NAME, "styleName": "Regular"}, mac=False)
    builder.setupOS2(ulCodePageRange1=CODE_PAGES)
    builder.setupPost(keepGlyphNames=False)
    builder.updateHead(created=0, modified=0)
    builder.font.recalcTimestamp = False
    target = io.BytesIO()
    builder.save(target)
    return target.getvalue()


def _corners(right: int) -> object:
    pen = TTGlyphPen(None)
    for point in ((LEFT, BOTTOM), (right, TOP)):
        pen.moveTo(point)
        pen.lineTo(point)
        pen.lineTo(point)
        pen.closePath()
    return pen.glyph()


def _character_map() -> object:
    """Every character to one of the two boxes, by the one format in which a range is a single entry."""
    subtable = CmapSubtable.newSubtable(MANY_TO_ONE)
    subtable.platformID, subtable.platEncID, subtable.format = WINDOWS, FULL_UNICODE, MANY_TO_ONE
    subtable.reserved = subtable.length = subtable.language = subtable.nGroups = 0
    subtable.cmap = {code: "narrow" if code < FIRST_WIDE or code in HALF_WIDTH else "wide" for code in range(LAST + 1)}
    table = newTable("cmap")
    table.tableVersion = 0
    table.tables = [subtable]
    return table


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_bytes(make_font())
