"""Decodes text files in the encodings that Korean and English offices use."""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from onggi.domain.errors import BadDocument

MAX_BYTES: Final = 32 * 1024 * 1024
"""About ten thousand pages, which fit well into the memory of the function."""

UNKNOWN_ENCODING_MESSAGE: Final = (
    "The file is not text in UTF-8, UTF-16 or CP949; save it as text in UTF-8 and upload it again."
)

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16 and so comes first
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

NUL_SHARE: Final = 0.9
"""Minimum share of the NUL bytes of UTF-16 at even or at odd offsets: the high bytes of ASCII characters."""

HANGUL_SHARE: Final = 0.75
"""Share of common Hangul in the letters outside ASCII of Korean text; Chinese decoded as CP949 has about 0.6."""

WESTERN_SHARE: Final = 0.02
"""English text in Windows-1252 has at most one curly quote, dash or pound sign in fifty characters."""

CONTROL_SHARE: Final = 0.001
"""Text has hardly any control characters, binary content about one byte in ten."""

REPLACED_SHARE: Final = 0.01
"""Share of wrong bytes that text in its declared encoding may have, as pages from several sources do."""

SAMPLE_CHARACTERS: Final = 50_000

_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_PAIR_OUTSIDE_ASCII: Final = re.compile(rb"[\x80-\xff]{2}")

_WIDER: Final = {
    "ascii": "utf-8",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
}
"""Encodings used in place of declared ones (WHATWG Encoding, 4.2): senders use a superset of what they name."""

_DECLARABLE: Final = (
    *("utf-8", "ascii", "cp", "iso8859", "iso2022", "euc", "gb", "hz", "big5", "shift_jis", "koi8", "johab", "mac"),
    "tis-620",
)
"""Beginnings of the names of codecs that a file may declare.

Python's other codecs (punycode, unicode_escape) are not for text, and UTF-16 cannot declare itself in ASCII.
"""


def read_text(file: Path) -> str:
    """Returns the text of a file.

    Raises:
        BadDocument: as `decode`, or `too_large`.
    """
    return decode(read_bytes(file))


def read_bytes(file: Path) -> bytes:
    """Returns the content of a file, which is decoded as a whole.

    Raises:
        BadDocument: `too_large` past `MAX_BYTES`.
    """
    if file.stat().st_size > MAX_BYTES:
        raise BadDocument("too_large")
    return file.read_bytes()


def decode(content: bytes) -> str:
    """Decodes text: by its byte order mark, else as UTF-16 by its NUL bytes, else as UTF-8, else as CP949.

    English text with a few typographic characters may be in Windows-1252.

    Raises:
        BadDocument: `unsupported_type` when it is in no such encoding or is not text, `empty` when it is blank.
    """
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "cp949" and not _is_korean(text):
            continue
        if not text.strip():
            raise BadDocument("empty")
        if _is_text(text):
            return text
    raise BadDocument("unsupported_type", UNKNOWN_ENCODING_MESSAGE)


def decode_declared(content: bytes, declared: str | None) -> str:
    """Decodes text that declares its encoding.

    Valid UTF-8 and byte order marks override the declaration. A declared Latin-1 is used only if `decode` detects
    nothing, since programs declare it without checking. If the declaration is unknown or wrong, `decode` detects the
    encoding; failing that, the declared one is used with a replacement character for each of a few wrong bytes.

    Raises:
        BadDocument: as `decode`.
    """
    encoding = codec_of(declared)
    if encoding is None or any(content.startswith(mark) for mark, _ in _MARKS):
        return decode(content)
    for attempt in _attempts(content, encoding):
        try:
            return decode(content) if attempt is None else content.decode(attempt)
        except (UnicodeDecodeError, BadDocument):
            continue
    text = content.decode(encoding, "replace")
    if text.count("\ufffd") <= max(1, REPLACED_SHARE * len(text)):
        return text
    return decode(content)


def _attempts(content: bytes, encoding: str) -> Iterator[str | None]:
    """Yields the encodings to try in order, None for the one that `decode` detects."""
    if not content.isascii():
        yield "utf-8"
    if encoding == "cp1252":
        yield None
    yield encoding
    yield None


def codec_of(declared: str | None) -> str | None:
    """Python's name of the encoding that is meant by a declared one, None for none or an unknown one."""
    try:
        name = codecs.lookup((declared or "").strip(" \"'")).name
    except (LookupError, ValueError):  # a NUL in a name is a ValueError
        return None
    return _WIDER.get(name, name) if name.startswith(_DECLARABLE) else None


def _encodings(content: bytes) -> tuple[str, ...]:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return (encoding,)
    nuls = content.count(0)
    if nuls:
        low_end_first = content[1::2].count(0) / nuls
        if low_end_first >= NUL_SHARE:
            return ("utf-16-le",)
        return ("utf-16-be",) if 1 - low_end_first >= NUL_SHARE else ()
    return ("utf-8", "cp949", "cp1252") if _is_nearly_ascii(content) else ("utf-8", "cp949")


def _is_nearly_ascii(content: bytes) -> bool:
    """Returns whether bytes outside ASCII are rare and single; those of CP949 come in pairs."""
    if _PAIR_OUTSIDE_ASCII.search(content):
        return False
    return len(content) - len(content.decode("ascii", "ignore")) <= WESTERN_SHARE * len(content)


def _is_text(text: str) -> bool:
    return "\0" not in text and len(_CONTROL.findall(text)) <= CONTROL_SHARE * len(text)


def _is_korean(text: str) -> bool:
    """Returns whether most letters outside ASCII are common Hangul (KS X 1001), as in Korean text."""
    letters = Counter(letter for letter in text[:SAMPLE_CHARACTERS] if letter > "\x7f" and letter.isalpha())
    common = sum(number for letter, number in letters.items() if _is_common_hangul(letter))
    return common >= HANGUL_SHARE * letters.total()


def _is_common_hangul(letter: str) -> bool:
    """Returns whether a letter is a syllable of KS X 1001; Python encodes all others in eight bytes (its annex 3)."""
    return "가" <= letter <= "힣" and len(letter.encode("euc_kr")) == len("한".encode("euc_kr"))
