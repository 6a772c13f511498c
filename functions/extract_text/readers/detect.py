"""Detects the family of formats of a file, by its content first, then by its name."""

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

from olefile import OleFileIO

from onggi.domain.errors import BadDocument
from readers.archive import Archive
from readers.encoding import UNKNOWN_ENCODING_MESSAGE, decode
from readers.families import NAMES, OLE_SIGNATURES, ZIP_SIGNATURES, Family, Refused, ZipSignature

HEADER_BYTES: Final = 1024
"""A PDF may begin with up to this many foreign bytes (ISO 32000-1, annex H, implementation note 13)."""

SAMPLE_BYTES: Final = 64 * 1024
LONGEST_CHARACTER: Final = 4
LONGEST_TOKEN: Final = 64
"""Characters of a JSON token outside strings: a sample that ends within one has its error not far before its end."""

SAVE_AS_XLSX: Final = "This is a spreadsheet in XML of Excel 2003; save it as .xlsx and upload that."
SAVE_AS_HWPX: Final = "This is a document of an old version of Hangul; save it as .hwpx and upload that."
SAVE_RTF_AS_DOCX: Final = "This is Rich Text Format; save it as .docx and upload that."

_PDF_HEADER: Final = b"%PDF-"
_PDF_ENDS: Final = (b"%%EOF", b"startxref")
_ZIP_HEADERS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_OLE_HEADER: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HWP_SIGNATURE: Final = b"HWP Document File"

_OFFICE_CONTENT_TYPES: Final = "[content_types].xml"

_REFUSED_BEGINNINGS: Final = {b"{\\rtf": SAVE_RTF_AS_DOCX, _HWP_SIGNATURE: SAVE_AS_HWPX}
_REFUSED_MARKUP: Final = {"<HWPML": SAVE_AS_HWPX, 'progid="Excel.Sheet"': SAVE_AS_XLSX}

_TEXT_FAMILIES: Final[Mapping[str, Family]] = {
    suffix: family for family, names in NAMES.items() for suffix in (*names.text, *names.trusted_text)
}
_TRUSTED_SUFFIXES: Final = frozenset(suffix for names in NAMES.values() for suffix in names.trusted_text)
_BINARY_SUFFIXES: Final = frozenset(suffix for names in NAMES.values() for suffix in names.binary)

_MEDIA_HEADERS: Final = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"ID3", b"OggS", b"fLaC"),
    *(b"\x1a\x45\xdf\xa3", b"MZ", b"\x7fELF", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh"),
)
_MEDIA_BRAND: Final = b"ftyp"  # of MP4 and HEIC, after four bytes of length

_BEFORE_MARKUP: Final = re.compile(r"(?s)(?:\s+|<\?xml[^>]{0,200}>|<!--.{0,4000}?-->)*")
_PAGE: Final = re.compile(r"(?i)<!doctype\s+html|<html[\s>]")
_FRAGMENT: Final = re.compile(r"(?i)<(?:head|body|meta|title|div|p|table|span|center|font|h[1-6]|ul|ol)[\s>]")
_END_TAG: Final = re.compile(r"(?i)</[a-z][a-z0-9]*\s*>")

_HEADER_LINE: Final = re.compile(rb"([A-Za-z][A-Za-z0-9-]{0,60}):(?:[ \t]|$)")
_MAILBOX_LINE: Final = b"From "
_TECHNICAL_HEADERS: Final = frozenset(
    b"message-id mime-version received return-path content-type delivered-to dkim-signature x-mailer".split()
)
"""Headers of mail that a memo in plain text, which may begin with From, To and Date, does not have."""

_COMMON_HEADERS: Final = frozenset(b"from to subject date".split())
MAX_MAIL_HEADERS: Final = 500

_JSON_BLANKS: Final = re.compile(r"[ \t\r\n]*")


def family_of(file: Path, name: str) -> Family:
    """Returns the family of a file.

    The content decides under any name. Text shows little of its kind, so the name decides between the families of text;
    HTML within Markdown stays Markdown, unless the file is a whole page.

    Args:
        file: the content.
        name: name of the document; may be empty.

    Raises:
        BadDocument: `unsupported_type` for a format that cannot be read, with advice if there is any; `encrypted` for a
            protected office file; `corrupt` for a damaged container or a text with the name of one; `empty` for a blank
            file of any name.
    """
    with file.open("rb") as stream:
        head = stream.read(SAMPLE_BYTES)
    suffix = PurePosixPath(name.lower()).suffix
    if head.startswith(_ZIP_HEADERS):
        return _family_of_zip(file)
    if head.startswith(_OLE_HEADER):
        return _family_of_ole(file)
    if _is_pdf(file, head, suffix):
        return "pdf"
    for beginning, message in _REFUSED_BEGINNINGS.items():
        if head.startswith(beginning):
            raise BadDocument("unsupported_type", message)
    return _family_of_text(head, suffix)


def _is_pdf(file: Path, head: bytes, suffix: str) -> bool:
    """Returns whether a file begins like a PDF; after foreign bytes, it must also be named or end like one."""
    if head.lstrip().startswith(_PDF_HEADER):
        return True
    if _PDF_HEADER not in head[:HEADER_BYTES]:
        return False
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - HEADER_BYTES))
        tail = stream.read()
    return suffix == ".pdf" or all(end in tail for end in _PDF_ENDS)


def _family_of_zip(file: Path) -> Family:
    with Archive(file) as archive:
        names = archive.names
        mimetype = (archive.get("mimetype") or b"").strip().decode("latin-1")
    lower_names = [name.lower() for name in names]

    def matches(signature: ZipSignature) -> bool:
        return (
            fnmatchcase(mimetype, signature.mimetype)
            and (not signature.entry or signature.entry in names)
            and (not signature.folder or _OFFICE_CONTENT_TYPES in lower_names)
            and any(name.startswith(signature.folder) for name in lower_names)
            and any(name.endswith(signature.suffix) for name in lower_names)
        )

    return _family_or_refusal(next((signature.family for signature in ZIP_SIGNATURES if matches(signature)), None))


def _family_or_refusal(found: Family | Refused | None) -> Family:
    if found is None:
        raise BadDocument("unsupported_type")
    if isinstance(found, Refused):
        raise BadDocument("unsupported_type", found.advice)
    return found


def _family_of_ole(file: Path) -> Family:
    try:
        with OleFileIO(str(file)) as container:
            names = {entry[0] for entry in container.listdir()}
            is_hwp = "FileHeader" in names and container.openstream("FileHeader").read(32).startswith(_HWP_SIGNATURE)
    except (OSError, ValueError, IndexError) as error:  # the library raises any of these for damaged files
        raise BadDocument("corrupt") from error
    if is_hwp:
        return "hwp5"
    if names & {"EncryptedPackage", "EncryptionInfo"}:
        raise BadDocument("encrypted")
    return _family_or_refusal(next((found for name, found in OLE_SIGNATURES.items() if name in names), None))


def _family_of_text(head: bytes, suffix: str) -> Family:
    if _is_mail(head, suffix):
        return "eml"
    text = _text_of(head)
    markup = (head.decode("latin-1") if text is None else text).removeprefix("\ufeff")
    markup = markup[_end_of(_BEFORE_MARKUP, markup) :]
    if _PAGE.match(markup):  # in any encoding
        return "html"
    if text is None:
        raise _unreadable(head, suffix)
    for sign, message in _REFUSED_MARKUP.items():
        if text.lstrip("\ufeff \r\n").startswith("<?") and sign in text:
            raise BadDocument("unsupported_type", message)
    if suffix not in _TRUSTED_SUFFIXES:
        if _FRAGMENT.match(markup) and _END_TAG.search(markup):
            return "html"
        if _is_json(text, is_whole=len(head) < SAMPLE_BYTES):
            return "json"
    if suffix in _BINARY_SUFFIXES:
        raise BadDocument("corrupt")
    return _TEXT_FAMILIES.get(suffix, "plain")


def _unreadable(head: bytes, suffix: str) -> BadDocument:
    """Returns the error for content that is not text."""
    if head.startswith(_MEDIA_HEADERS) or head[4:8] == _MEDIA_BRAND:
        return BadDocument("unsupported_type")
    if suffix in _BINARY_SUFFIXES or suffix in NAMES["xlsx"].likely:
        return BadDocument("corrupt")
    is_named_text = suffix in _TEXT_FAMILIES or suffix in {".txt", ".text", ""}
    return BadDocument("unsupported_type", UNKNOWN_ENCODING_MESSAGE if is_named_text else None)


def _end_of(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.match(text)
    return found.end() if found else 0


def _text_of(head: bytes) -> str | None:
    """Returns the text at the beginning of a file, None if it is not text; its last character may be cut in two.

    Raises:
        BadDocument: `empty` when the whole file is blank.
    """
    is_whole = len(head) < SAMPLE_BYTES
    for cut in range(1 if is_whole else LONGEST_CHARACTER):
        try:
            return decode(head[: len(head) - cut])
        except BadDocument as bad:
            if bad.code == "empty" and is_whole:
                raise
            if bad.code == "empty":
                return ""
    return None


def _is_mail(head: bytes, suffix: str) -> bool:
    """Returns whether a file begins with the headers of a mail."""
    names: set[bytes] = set()
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").splitlines()
    if lines and lines[0].startswith(_MAILBOX_LINE):
        del lines[0]
    for line in lines[:MAX_MAIL_HEADERS]:
        if not line.strip():
            break
        if line[:1] in b" \t":
            continue
        header = _HEADER_LINE.match(line)
        if header is None:
            return False
        names.add(header.group(1).lower())
    if suffix in {".eml", ".mht", ".mhtml"}:
        return bool(names)
    return bool(names & _TECHNICAL_HEADERS and len(names & _COMMON_HEADERS) > 1)


def _is_json(text: str, *, is_whole: bool) -> bool:
    """Returns whether a text is JSON objects or arrays, or the beginning of some."""
    text = text.removeprefix("\ufeff")
    position = _end_of(_JSON_BLANKS, text)
    if not text.startswith(("{", "["), position):
        return False
    decoder = json.JSONDecoder(parse_int=str)
    while position < len(text):
        try:
            _, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            is_cut = error.pos >= len(text) - LONGEST_TOKEN or error.msg.startswith("Unterminated string")
            return is_cut and not is_whole
        except RecursionError:
            return True
        blanks = _JSON_BLANKS.match(text, position)
        position = blanks.end() if blanks else position
    return True
