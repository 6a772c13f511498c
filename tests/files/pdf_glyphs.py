"""PDF files in which text stands glyph by glyph, or in fonts whose glyphs have no outline."""

import math
import zlib
from collections.abc import Iterable, Iterator, Sequence

from tests.files.fonts import make_inkless_font

CODECS = {
    "UniKS-UCS2-H": "utf-16-be",
    "UniKS-UCS2-V": "utf-16-be",
    "KSCms-UHC-H": "cp949",
    "KSCms-UHC-HW-H": "cp949",
    "KSCms-UHC-V": "cp949",
    "KSC-EUC-H": "euc-kr",
}
"""Encodings of Korean fonts (ISO 32000-1, table 118), and how Python calls the codes."""
CENTRE = 300, 420
SIZE = 11
LEADING = 16
COLUMN = 20
WIDE, NARROW = 1.0, 0.5
FIRST_CODE = 65
"""Of the codes in simple fonts."""
LAST_UCS2 = 0xFFFF
_CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
_PAGES = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>"

Shown = tuple[bytes, float, float]
"""Codes, and where they are shown, in points from the beginning of the text."""


def make_glyphs(
    lines: Sequence[str],
    *,
    encoding: str = "UniKS-UCS2-H",
    degrees: int = 0,
    spacing: float = 0.0,
    whole_lines: bool = False,
) -> bytes:
    """Returns a page on which each letter is shown on its own, in a Korean font that is not embedded.

    Args:
        lines: from the top, or columns from the right in a vertical encoding.
        encoding: one of `CODECS`; only text that it has.
        degrees: by which the text is turned, counter-clockwise.
        spacing: between letters, in shares of the font size.
        whole_lines: to show each line as one.
    """
    shown = (
        (text.encode(CODECS[encoding]), *place)
        for text, place in _placed(lines, spacing, vertical=encoding.endswith("V"), whole_lines=whole_lines)
    )
    font = f"<< /Type /Font /Subtype /Type0 /BaseFont /Batang /DescendantFonts [6 0 R] /Encoding /{encoding} >>"
    return _page(_content(shown, degrees, spacing), font.encode(), *_korean_font())


def make_inkless(lines: Sequence[str], *, mode: int = 3, degrees: int = 0, drawing: str = "") -> bytes:
    """Returns a page whose words are shown in an embedded font without outlines, as a layer of recognised text.

    Args:
        lines: of words.
        mode: how text is drawn, 3 for invisibly.
        degrees: by which the text is turned, counter-clockwise.
        drawing: what the page shows besides.
    """
    pieces: list[tuple[str, float, float]] = []
    for number, line in enumerate(lines):
        x = 0.0
        for word in line.split():
            pieces.append((word, x, -LEADING * number))
            x += (len(word) + 0.5) * SIZE
    return make_inkless_pieces(pieces, mode=mode, degrees=degrees, drawing=drawing)


def make_inkless_pieces(
    pieces: Sequence[tuple[str, float, float]], *, mode: int = 3, degrees: int = 0, drawing: str = ""
) -> bytes:
    """Returns the same page with each piece of text at its own place, in points from the beginning."""
    shown = [(text.encode("utf-16-be"), x, y) for text, x, y in pieces]
    content = f"{drawing} {mode} Tr ".encode() + _content(shown, degrees, 0.0)
    return _page(content, *_inkless_font("".join(text for text, _, _ in pieces)))


def make_simple_glyphs(names: Sequence[str], *, font: str = "Helvetica") -> bytes:
    """Returns a page of single letters, given by the names of their glyphs, in a simple font that is not embedded."""
    differences = f"<< /Type /Encoding /Differences [{FIRST_CODE} {' '.join(f'/{name}' for name in names)}] >>"
    described = f"<< /Type /Font /Subtype /Type1 /BaseFont /{font} /Encoding {differences} >>"
    return _page(_apart(len(names)), described.encode())


def make_procedures(letters: str) -> bytes:
    """Returns a page of single letters in a Type 3 font, whose glyphs are procedures; these draw nothing."""
    names = [f"/g{number}" for number in range(len(letters))]
    font = (
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 0 0] /FontMatrix [.001 0 0 .001 0 0]"
        f" /FirstChar {FIRST_CODE} /LastChar {FIRST_CODE + len(letters) - 1} /Widths [{' 600' * len(letters)}]"
        f" /Encoding << /Differences [{FIRST_CODE} {' '.join(names)}] >> /ToUnicode 7 0 R"
        f" /CharProcs << {' '.join(f'{name} 6 0 R' for name in names)} >> >>"
    )
    codes = {FIRST_CODE + number: letter for number, letter in enumerate(letters)}
    return _page(_apart(len(letters)), font.encode(), _stream(b"600 0 0 0 0 0 d1"), _unicode_map(codes, 1))


def _placed(
    lines: Iterable[str], spacing: float, *, vertical: bool, whole_lines: bool
) -> Iterator[tuple[str, tuple[float, float]]]:
    for number, line in enumerate(lines):
        x, y = (-COLUMN * number, 0.0) if vertical else (0.0, -LEADING * number)
        for text in [line] if whole_lines else line:
            yield text, (x, y)
            if vertical:
                y -= (WIDE + spacing) * SIZE
            else:
                x += ((NARROW if text.isascii() else WIDE) + spacing) * SIZE


def _apart(count: int) -> bytes:
    return _content(((bytes([FIRST_CODE + number]), 3.0 * SIZE * number, 0.0) for number in range(count)), 0, 0.0)


def _content(shown: Iterable[Shown], degrees: int, spacing: float) -> bytes:
    cosine, sine = round(math.cos(math.radians(degrees))), round(math.sin(math.radians(degrees)))
    return "\n".join(
        f"BT /F1 {SIZE} Tf {spacing * SIZE:g} Tc {cosine} {sine} {-sine} {cosine}"
        f" {CENTRE[0] + cosine * x - sine * y:g} {CENTRE[1] + sine * x + cosine * y:g} Tm <{codes.hex()}> Tj ET"
        for codes, x, y in shown
    ).encode()


def _korean_font() -> tuple[bytes, bytes]:
    """Returns the objects 6 and 7."""
    return (
        (
            b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Batang /FontDescriptor 7 0 R /DW 1000"
            b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Korea1) /Supplement 1 >> /W [1 95 500 8094 8190 500] >>"
        ),
        (
            b"<< /Type /FontDescriptor /FontName /Batang /Flags 6 /FontBBox [0 -148 1001 880] /ItalicAngle 0"
            b" /Ascent 880 /Descent -148 /CapHeight 880 /StemV 93 >>"
        ),
    )


def _inkless_font(characters: str) -> tuple[bytes, ...]:
    """Returns the objects 5 to 10."""
    program = make_inkless_font()
    glyphs = zlib.compress(b"\x00\x01" * (LAST_UCS2 + 1))
    return (
        (
            b"<< /Type /Font /Subtype /Type0 /BaseFont /Inkless /DescendantFonts [6 0 R] /Encoding /Identity-H"
            b" /ToUnicode 10 0 R >>"
        ),
        (
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Inkless /FontDescriptor 7 0 R /DW 1000"
            b" /CIDToGIDMap 9 0 R /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>"
        ),
        (
            b"<< /Type /FontDescriptor /FontName /Inkless /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0"
            b" /Ascent 1000 /Descent 0 /CapHeight 1000 /StemV 80 /FontFile2 8 0 R >>"
        ),
        _stream(program, f"/Length1 {len(program)}"),
        _stream(glyphs, "/Filter /FlateDecode"),
        _unicode_map({ord(character): character for character in characters}, 2),
    )


def _unicode_map(codes: dict[int, str], size: int) -> bytes:
    """Returns a ToUnicode map of codes of so many bytes."""
    lines = "".join(f"<{code:0{2 * size}X}> <{text.encode('utf-16-be').hex()}>\n" for code, text in codes.items())
    return _stream(
        f"begincmap 1 begincodespacerange <{'00' * size}> <{'FF' * size}> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{lines}endbfchar endcmap".encode()
    )


def _stream(content: bytes, more: str = "") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), more.encode(), content)


def _page(content: bytes, *font: bytes) -> bytes:
    """Returns a file of one page; the font's objects are numbered from 5."""
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>"
    )
    written = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate((_CATALOG, _PAGES, page, _stream(content), *font), start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
    written += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return bytes(written + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(offsets) + 1, table))
