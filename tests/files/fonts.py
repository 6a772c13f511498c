"""Font files, made here: with a box of ink for each of their characters, or with glyphs that show nothing."""

import io
from collections.abc import Iterable

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

ALPHABETS = range(0x21, 0x530)
"""Latin, Greek and Cyrillic."""
HANGUL = (*ALPHABETS, *range(0xAC00, 0xD7A4))
LATIN_CODE_PAGE, KOREAN_CODE_PAGE = 1, 1 | 1 << 19
"""ulCodePageRange1 of the table OS/2."""
UNITS_PER_EM = 1000


def make_font(name: str, characters: Iterable[int], code_pages: int, *, box: tuple[int, int, int, int]) -> bytes:
    """Returns a TrueType font that shows each of its characters as a black box.

    Args:
        name: of its family.
        characters: that it has, by code.
        code_pages: that it claims.
        box: left, bottom, right and top, in thousandths of the font size.
    """
    left, bottom, right, top = box
    pen = TTGlyphPen(None)
    pen.moveTo((left, bottom))
    for corner in ((left, top), (right, top), (right, bottom)):
        pen.lineTo(corner)
    pen.closePath()
    return _font(name, dict.fromkeys(characters, "shown"), {"shown": pen.glyph()}, code_pages)


def make_inkless_font() -> bytes:
    """Returns a font of two glyphs without outline, as programs for text recognition put it under their scans."""
    return _font("Inkless", {0x20: "space"}, {"space": TTGlyphPen(None).glyph()}, LATIN_CODE_PAGE)


def _font(name: str, characters: dict[int, str], glyphs: dict[str, object], code_pages: int) -> bytes:
    builder = FontBuilder(UNITS_PER_EM, isTTF=True)
    names = [".notdef", *glyphs]
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(characters)
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), **glyphs})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (UNITS_PER_EM, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular"})
    builder.setupOS2(ulCodePageRange1=code_pages)
    builder.setupPost()
    target = io.BytesIO()
    builder.save(target)
    return target.getvalue()
