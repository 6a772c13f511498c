"""PDF files, by pypdf: the second reader, for files that pdfium cannot open or that crash it."""

import logging
import re
from pathlib import Path
from typing import IO, Any, Final

from pypdf import PdfReader
from pypdf._cmap import get_encoding
from pypdf.errors import LimitReachedError
from pypdf.generic import DictionaryObject, StreamObject

from onggi.domain.errors import BadDocument
from readers.layout import lay_out_pages
from readers.model import Page, Properties, RawDocument

MAX_CHARACTERS: Final = 20_000_000
"""About ten thousand pages; what is larger came from a broken or a hostile file."""

UNREADABLE_FONT_MESSAGE: Final = (
    "The text of this PDF cannot be read because a font in it does not say which characters it shows;"
    " export the file again with embedded fonts, or print it to a new PDF, and upload that."
)

_TWO_BYTE_UNICODE: Final = re.compile(r"/Uni\w+-(UCS2|UTF16)-(HW-)?[HV]")
_DECODED_BY_PYPDF: Final = re.compile(r"/((GB|GBpc|GBK)-EUC|GBK2K|ETen(ms)?-B5|90ms-RKSJ)-[HV]")
_GLYPH_NUMBERS: Final = re.compile(r"/Identity-[HV]")
_PAINTS: Final = re.compile(rb"(?:^|[\s\])>])(?:Do|EI|sh|S|s|f|F|f\*|B|B\*|b|b\*|Tj|TJ|'|\")(?:\s|$)")

# pypdf quotes text of the document in its warnings, which must not be logged.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


def read_pdf_with_pypdf(file: Path) -> RawDocument:
    """Reads the text layer of a PDF, page by page.

    A file that opens with the empty password is read.

    Raises:
        BadDocument: `encrypted`; `no_text` if a font cannot be decoded; `too_large` when a limit of
            pypdf or of this reader is reached; `corrupt` for all other errors of the file.
    """
    with file.open("rb") as stream:
        try:
            return _read(stream)
        except BadDocument:
            raise
        except (LimitReachedError, MemoryError) as error:
            raise BadDocument("too_large") from error
        except Exception as error:  # damaged files make pypdf raise anything, from KeyError to RecursionError
            raise BadDocument("corrupt") from error


def _read(stream: IO[bytes]) -> RawDocument:
    reader = PdfReader(stream)
    if reader.is_encrypted:
        _open_without_password(reader)
    fonts = _UnreadableFonts()
    texts: list[str] = []
    need_ocr: list[bool] = []
    characters = 0
    for page in reader.pages:
        text = page.extract_text(visitor_text=fonts.watch)
        if fonts.seen:
            raise BadDocument("no_text", UNREADABLE_FONT_MESSAGE)
        characters += len(text)
        if characters > MAX_CHARACTERS:
            raise BadDocument("too_large")
        texts.append(text)
        contents = None if text.strip() else page.get_contents()
        need_ocr.append(contents is not None and bool(_PAINTS.search(contents.get_data())))
    if not texts:
        raise BadDocument("corrupt")
    properties = _properties(reader)
    blocks = lay_out_pages(texts, (), properties.title)
    return RawDocument(tuple(map(Page, blocks, need_ocr)), properties)


def _open_without_password(reader: PdfReader) -> None:
    try:
        opened = reader.decrypt("")
    except NotImplementedError as error:  # another security handler than the standard one
        raise BadDocument("encrypted") from error
    if not opened:
        raise BadDocument("encrypted")


def _properties(reader: PdfReader) -> Properties:
    """Returns the stated properties; a damaged information dictionary loses only the properties."""
    try:
        stated = reader.metadata
        if stated is None:
            return Properties()
        created, modified = stated.creation_date, stated.modification_date
        return Properties(
            stated.title,
            stated.author,
            created.isoformat() if created else None,
            modified.isoformat() if modified else None,
        )
    except Exception:  # as above, pypdf may raise anything
        return Properties()


class _UnreadableFonts:
    """Watches which fonts show text.

    pypdf never refuses a font: codes that it cannot map to characters are decoded as UTF-16, which gives wrong text
    that looks like Korean or Chinese.

    Attributes:
        seen: whether there is text in a font whose codes pypdf cannot decode.
    """

    def __init__(self) -> None:
        self.seen = False
        # Keeps references to the fonts, so that their ids stay unique.
        self._known: dict[int, tuple[DictionaryObject, frozenset[str] | None]] = {}

    def watch(self, text: str, _cm: Any, _tm: Any, font: DictionaryObject | None, _size: Any) -> None:  # noqa: ANN401
        """Receives each run of text; pypdf swallows exceptions raised here, so unreadable text is only recorded."""
        if font is None or self.seen or not text.strip():
            return
        if id(font) not in self._known:
            self._known[id(font)] = font, characters_of(font)
        characters = self._known[id(font)][1]
        self.seen = characters is not None and not characters.issuperset(text)


def characters_of(font: DictionaryObject) -> frozenset[str] | None:
    """Returns the characters that pypdf 7.1 decodes correctly in a font; None if it decodes all of them correctly.

    Simple fonts have one byte a code and a known encoding. Of composite fonts (ISO 32000-1, 9.7) it reads those
    whose encoding is Unicode or is one of the few it has tables for, and glyph numbers with a Unicode map. The Korean
    encodings (`KSCms-UHC-H`, `KSC-EUC-H`) mix codes of one and two bytes, which it reads wrongly even with a map.
    Glyph numbers that the map lacks are taken for Unicode by pypdf: all characters outside the map are wrong.
    """
    if font.get("/Subtype") != "/Type0":
        return None
    encoding = font.get("/Encoding")
    encoding = encoding.get_object() if encoding is not None else None
    if isinstance(encoding, str):
        if _TWO_BYTE_UNICODE.fullmatch(encoding) or _DECODED_BY_PYPDF.fullmatch(encoding):
            return None
        if _GLYPH_NUMBERS.fullmatch(encoding):
            return _characters_of_glyph_numbers(font)
    return frozenset()


def _characters_of_glyph_numbers(font: DictionaryObject) -> frozenset[str] | None:
    unicode_map = font.get("/ToUnicode")
    unicode_map = unicode_map.get_object() if unicode_map is not None else None
    if isinstance(unicode_map, str):  # the name of a predefined map: codes that are Unicode already
        return None if _GLYPH_NUMBERS.fullmatch(unicode_map) else frozenset()
    if not isinstance(unicode_map, StreamObject):
        return frozenset()
    _, characters = get_encoding(font)
    return frozenset("".join(characters.values())) | frozenset(" \n\r\t") if characters else frozenset()
