"""Decodes headers of mail (RFC 5322, 2047), including common mistakes of mail programs."""

import binascii
import re
from typing import Final

from onggi.domain.errors import BadDocument
from readers.encoding import codec_of, decode, decode_declared

_FOLD: Final = re.compile(r"[\r\n]+[ \t]*")
_WORD: Final = re.compile(r"=\?([\w.:-]+)(?:\*[\w-]*)?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS: Final = re.compile(r"(?<=\?=)\s+(?==\?)")


def unfold(value: str) -> str:
    """Returns a header on one line; decodes bytes outside ASCII, which the parser keeps as surrogates."""
    if not value.isascii():
        content = value.encode("utf-8", "surrogateescape")
        try:
            value = decode(content)
        except BadDocument:
            value = content.decode("latin-1")
    return _FOLD.sub(" ", value)


def decode_header(value: str) -> str:
    """Returns a header with its encoded words decoded; a character may continue in the next encoded word."""
    value = _BETWEEN_WORDS.sub("", value)
    texts: list[str] = []
    run, charset, end = b"", "", 0
    for word in _WORD.finditer(value):
        named = word.group(1).lower()
        if word.start() > end or named != charset:
            texts += (_decoded(run, charset), value[end : word.start()])
            run = b""
        run, charset, end = run + _bytes_of(word), named, word.end()
    texts += (_decoded(run, charset), value[end:])
    return " ".join("".join(texts).split())


def _bytes_of(word: re.Match[str]) -> bytes:
    content = word.group(3).encode()
    if word.group(2) in "qQ":
        return binascii.a2b_qp(content, header=True)
    try:
        return binascii.a2b_base64(content + b"==")
    except binascii.Error:
        return content


def _decoded(content: bytes, charset: str) -> str:
    try:
        return decode_declared(content, charset) if content else ""
    except BadDocument:
        return content.decode(codec_of(charset) or "utf-8", "replace")
