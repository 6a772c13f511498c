"""PDF files that carry their text, by pypdf."""

import logging
import re
from pathlib import Path
from typing import IO, Any, Final

from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import DictionaryObject, StreamObject

from onggi.domain.errors import BadDocument
from readers.assemble import RawDocument
from readers.normalise import join_hyphenated

MAX_CHARACTERS: Final = 20_000_000
"""About ten thousand pages; what is larger came from a broken or a hostile file."""

UNREADABLE_FONT_MESSAGE: Final = (
    "The text of this PDF cannot be read because a font in it does not say which characters it shows;"
    " export the file again with embedded fonts, or print it to a new PDF, and upload that."
)

_TWO_BYTE_UNICODE: Final = re.compile(r"/Uni\w+-(UCS2|UTF16)-(HW-)?[HV]")
_DECODED_BY_PYPDF: Final = re.compile(r"/((GB|GBpc|GBK)-EUC|GBK2K|ETen(ms)?-B5|90ms-RKSJ)-[HV]")
_GLYPH_NUMBERS: Final = re.compile(r"/Identity-[HV]")

# pypdf quotes what it stumbles over, and document text does not belong into a log.
logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)


def read_pdf(file: Path) -> RawDocument:
    """Reads the text layer of a PDF, page by page.

    A file that opens with the empty password is not protected from reading and is read.

    Raises:
        BadDocument: `encrypted`, `no_text` (also where a font cannot be turned into characters, because no text that
            can be read is there and the same action helps), `too_large` when a limit of pypdf or ours is hit,
            `corrupt` for whatever else is wrong with the file.
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
    pages: list[str] = []
    characters = 0
    for page in reader.pages:
        text = page.extract_text(visitor_text=fonts.watch)
        if fonts.seen:
            raise BadDocument("no_text", UNREADABLE_FONT_MESSAGE)
        characters += len(text)
        if characters > MAX_CHARACTERS:
            raise BadDocument("too_large")
        pages.append(join_hyphenated(text))
    if not pages:
        raise BadDocument("corrupt")
    return RawDocument(tuple(pages), _title(reader))


def _open_without_password(reader: PdfReader) -> None:
    try:
        opened = reader.decrypt("")
    except NotImplementedError as error:  # another security handler than the standard one
        raise BadDocument("encrypted") from error
    if not opened:
        raise BadDocument("encrypted")


def _title(reader: PdfReader) -> str | None:
    """The stated title; a damaged information dictionary costs the title, not the document."""
    try:
        title = reader.metadata.title if reader.metadata else None
    except Exception:  # as above, anything may come
        return None
    return title if isinstance(title, str) else None


class _UnreadableFonts:
    """Watches which fonts show text.

    pypdf never refuses a font: where it cannot map codes to characters, it takes them for UTF-16 and makes wrong text
    that looks like Korean or Chinese.

    Attributes:
        seen: whether text was shown in a font whose codes pypdf cannot turn into characters.
    """

    def __init__(self) -> None:
        self.seen = False
        self._known: dict[int, tuple[DictionaryObject, bool]] = {}  # the font is kept so that its id stays its own

    def watch(self, text: str, _cm: Any, _tm: Any, font: DictionaryObject | None, _size: Any) -> None:  # noqa: ANN401
        """Receives each run of text; pypdf swallows what is raised here, so that it is only noted."""
        if font is None or self.seen or not text.strip():
            return
        if id(font) not in self._known:
            self._known[id(font)] = font, is_readable(font)
        self.seen = not self._known[id(font)][1]


def is_readable(font: DictionaryObject) -> bool:
    """Whether pypdf 7.1 turns the codes of a font into the right characters.

    Simple fonts have one byte a code and a known encoding. Of composite fonts (ISO 32000-1, 9.7) it reads those
    whose encoding is Unicode or is one of the few it has tables for, and glyph numbers with a Unicode map. The Korean
    encodings (`KSCms-UHC-H`, `KSC-EUC-H`) mix codes of one and two bytes, which it reads wrongly even with a map.
    """
    if font.get("/Subtype") != "/Type0":
        return True
    encoding = font.get("/Encoding")
    encoding = encoding.get_object() if encoding is not None else None
    if not isinstance(encoding, str):
        return False
    if _TWO_BYTE_UNICODE.fullmatch(encoding) or _DECODED_BY_PYPDF.fullmatch(encoding):
        return True
    return bool(_GLYPH_NUMBERS.fullmatch(encoding)) and _has_unicode_map(font)


def _has_unicode_map(font: DictionaryObject) -> bool:
    unicode_map = font.get("/ToUnicode")
    unicode_map = unicode_map.get_object() if unicode_map is not None else None
    if isinstance(unicode_map, str):  # the name of a predefined map: codes that are Unicode already
        return bool(_GLYPH_NUMBERS.fullmatch(unicode_map))
    return isinstance(unicode_map, StreamObject) and b"beginbf" in unicode_map.get_data()
