"""Markdown and plain text, in the encodings that Korean and English offices use."""

import codecs
import re
from pathlib import Path
from typing import Final

from onggi.domain.errors import BadDocument
from readers.assemble import RawDocument

MAX_BYTES: Final = 32 * 1024 * 1024
"""About ten thousand pages; read at once, it fits well into the memory of the function."""

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
"""Of the NUL bytes of UTF-16 at least so many lie on one side: they are the high bytes of ASCII characters."""

HANGUL_SHARE: Final = 0.75
"""Of the letters outside ASCII in Korean text in CP949; Chinese read as CP949 by mistake comes to about 0.6."""

CONTROL_SHARE: Final = 0.001
"""Text has hardly a control character, binary content about one byte in ten."""

SAMPLE_CHARACTERS: Final = 50_000

_CONTROL: Final = re.compile("[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_FENCE: Final = re.compile(r" {0,3}(```|~~~)")
_HEADING: Final = re.compile(r" {0,3}# +(.*?)(?: +#+)? *$")


def read_plain(file: Path) -> RawDocument:
    """Reads plain text, which states no title.

    Raises:
        BadDocument: as `decode`, or `too_large`.
    """
    return RawDocument((_content(file),))


def read_markdown(file: Path) -> RawDocument:
    """Reads Markdown, which stays as it is written, front matter included; its first `# ` heading is the title.

    Raises:
        BadDocument: as `decode`, or `too_large`.
    """
    text = _content(file)
    return RawDocument((text,), _first_heading(text))


def decode(content: bytes) -> str:
    """The text in a file: by its byte order mark, else UTF-16 by its NUL bytes, else UTF-8, else CP949.

    Raises:
        BadDocument: `unsupported_type` when it is none of these or is not text, `empty` when it is blank.
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


def _content(file: Path) -> str:
    if file.stat().st_size > MAX_BYTES:
        raise BadDocument("too_large")
    return decode(file.read_bytes())


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
    return ("utf-8", "cp949")


def _is_text(text: str) -> bool:
    return "\0" not in text and len(_CONTROL.findall(text)) <= CONTROL_SHARE * len(text)


def _is_korean(text: str) -> bool:
    """Whether most letters outside ASCII are Hangul of KS X 1001, whose common syllables Korean hardly ever leaves."""
    letters = [letter for letter in text[:SAMPLE_CHARACTERS] if letter > "\x7f" and letter.isalpha()]
    common = "".join(letter for letter in letters if "가" <= letter <= "힣").encode("euc_kr", "ignore")
    return len(common) // 2 >= HANGUL_SHARE * len(letters)


def _first_heading(text: str) -> str | None:
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (heading := _HEADING.match(line)):
            return heading.group(1)
    return None
