"""Writes small PDF 1.7 files for the demonstration, tests and benchmarks.

The font is one of Adobe's Korean fonts by name and not embedded: every viewer with a Korean font shows it.
"""

from collections.abc import Sequence
from itertools import batched
from typing import Final

PAGE_WIDTH: Final = 595
PAGE_HEIGHT: Final = 842
"""A4 in points."""
MARGIN: Final = 56
FONT_SIZE: Final = 11
LEADING: Final = 16

WIDE: Final = 1000
NARROW: Final = 500
"""Glyph widths in thousandths of the font size: all of ASCII is half as wide as a Hangul syllable."""

LINE_WIDTH: Final = (PAGE_WIDTH - 2 * MARGIN) * 1000 // FONT_SIZE
LINES_PER_PAGE: Final = (PAGE_HEIGHT - 2 * MARGIN) // LEADING

LAST_OF_UCS2: Final = "\uffff"

ENTRIES_PER_GROUP: Final = 100
"""Of a character map (Adobe technical note 5014, section 4.1)."""

_FONT: Final = "HYSMyeongJo-Medium"
_CATALOG, _PAGES, _INFO, _TYPE0, _CID_FONT, _DESCRIPTOR, _UNICODE_MAP, _FIRST_PAGE = range(1, 9)


def make_pdf(pages: Sequence[str], title: str, *, with_unicode_map: bool = True) -> bytes:
    """Returns a PDF with one page for each text, wrapped at spaces; equal arguments give equal bytes.

    Args:
        pages: The text of each page, Korean and Latin; line breaks are kept.
        title: The title in the document's properties.
        with_unicode_map: Whether the font has a map to Unicode. Without it, the text is encoded in CP949, as by old
            Korean software: viewers show it, but not every reader can extract its characters.

    Raises:
        ValueError: There is no page, a text does not fit on its page, or a character cannot be encoded.
    """
    if not pages:
        raise ValueError("A PDF needs at least one page.")
    lines = [_lines(number, page) for number, page in enumerate(pages, start=1)]
    encoding = "utf-16-be" if with_unicode_map else "cp949"
    page_ids = range(_FIRST_PAGE, _FIRST_PAGE + 2 * len(pages), 2)
    objects = [
        f"<< /Type /Catalog /Pages {_PAGES} 0 R >>".encode(),
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{page} 0 R' for page in page_ids)}] >>".encode(),
        f"<< /Title <FEFF{title.encode('utf-16-be').hex().upper()}> /Producer (Onggi) >>".encode(),
        _type0(with_unicode_map=with_unicode_map),
        _cid_font(),
        _descriptor(),
        _stream(_unicode_map({character for page in lines for line in page for character in line})),
    ]
    for page_id, page_lines in zip(page_ids, lines, strict=True):
        objects += [_page(page_id + 1), _stream(_content(page_lines, encoding))]
    return _file(objects)


def _lines(number: int, page: str) -> list[str]:
    lines = [line for paragraph in page.splitlines() for line in _wrapped(paragraph)]
    if len(lines) > LINES_PER_PAGE:
        raise ValueError(f"Page {number} has {len(lines)} lines, of which {LINES_PER_PAGE} fit; use more pages.")
    for character in "".join(lines):
        if character > LAST_OF_UCS2 or not character.isprintable():
            raise ValueError(f"Page {number} has the character U+{ord(character):04X}, which this writer cannot show.")
    return lines


def _wrapped(paragraph: str) -> list[str]:
    """Returns the lines of a paragraph, wrapped at spaces, and within a word only if it is wider than a line."""
    lines: list[str] = []
    line = ""
    for word in paragraph.split(" "):
        longer = f"{line} {word}" if line else word
        if _width(longer) <= LINE_WIDTH:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _cut(word)
        lines += full
    return [*lines, line]


def _cut(word: str) -> list[str]:
    parts = [""]
    for character in word:
        if _width(parts[-1] + character) > LINE_WIDTH:
            parts.append("")
        parts[-1] += character
    return parts


def _width(text: str) -> int:
    return sum(NARROW if character.isascii() else WIDE for character in text)


def _type0(*, with_unicode_map: bool) -> bytes:
    coded = f"/UniKS-UCS2-H /ToUnicode {_UNICODE_MAP} 0 R" if with_unicode_map else "/KSCms-UHC-H"
    return (
        f"<< /Type /Font /Subtype /Type0 /BaseFont /{_FONT} /DescendantFonts [{_CID_FONT} 0 R] /Encoding {coded} >>"
    ).encode()


def _cid_font() -> bytes:
    """Adobe-Korea1 has ASCII at the character ids 1 to 95 and, half as wide by design, at 8094 to 8190."""
    return (
        f"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /{_FONT}"
        " /CIDSystemInfo << /Registry (Adobe) /Ordering (Korea1) /Supplement 1 >>"
        f" /FontDescriptor {_DESCRIPTOR} 0 R /DW {WIDE} /W [1 95 {NARROW} 8094 8190 {NARROW}] >>"
    ).encode()


def _descriptor() -> bytes:
    return (
        f"<< /Type /FontDescriptor /FontName /{_FONT} /Flags 6 /FontBBox [0 -148 1001 880] /ItalicAngle 0"
        " /Ascent 880 /Descent -148 /CapHeight 880 /StemV 93 >>"
    ).encode()


def _unicode_map(characters: set[str]) -> bytes:
    """Returns a map of the codes used to characters; both are UTF-16, so each code maps to itself."""
    codes = sorted(f"<{ord(character):04X}>" for character in characters)
    groups = "".join(
        f"{len(group)} beginbfchar\n{''.join(f'{code} {code}\n' for code in group)}endbfchar\n"
        for group in batched(codes, ENTRIES_PER_GROUP, strict=False)
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{groups}endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode()


def _page(content_id: int) -> bytes:
    return (
        f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox [0 0 {PAGE_WIDTH} {PAGE_HEIGHT}]"
        f" /Resources << /Font << /F1 {_TYPE0} 0 R >> >> /Contents {content_id} 0 R >>"
    ).encode()


def _content(lines: list[str], encoding: str) -> bytes:
    shown = " T*\n".join(f"<{line.encode(encoding).hex().upper()}> Tj" for line in lines)
    top = PAGE_HEIGHT - MARGIN - FONT_SIZE
    return f"BT\n/F1 {FONT_SIZE} Tf\n{LEADING} TL\n{MARGIN} {top} Td\n{shown}\nET\n".encode()


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _file(objects: Sequence[bytes]) -> bytes:
    """Returns the file: objects numbered from 1, the cross-reference table and the trailer."""
    written = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(written)
    written += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    written += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    written += b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R >>\n" % (len(objects) + 1, _CATALOG, _INFO)
    return bytes(written + b"startxref\n%d\n%%%%EOF\n" % table)
