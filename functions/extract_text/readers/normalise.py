"""One form of text for all readers: what looks the same is the same, and nothing is in it that cannot be seen."""

import re
import unicodedata
from typing import Final

_LINE_BREAK: Final = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_TRAILING_BLANKS: Final = re.compile(r"[^\S\n]+(?=\n|\Z)")
_MANY_BREAKS: Final = re.compile(r"\n{3,}")
_BLANK: Final = re.compile(r"[^\S\n ]")

_INVISIBLE: Final = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u200b\u2060\ufeff"  # soft hyphen, zero-width space, word joiner, byte order mark
    "\ud800-\udfff"  # halves of surrogate pairs
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: a meaning known to one font only
    "\ufdd0-\ufdef\ufffe\uffff"  # never characters
    "]"
)

_HYPHENS: Final = "-\u2010\u00ad"
_HYPHENATED: Final = re.compile(rf"(?<=[^\W\d_])[{_HYPHENS}][^\S\n]*\n[^\S\n]*(?=[^\W\d_])")

_LIGATURES: Final = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}  # U+FB00 to U+FB06
)


def normalise(text: str) -> str:
    r"""Text in composed form (NFC), with `\n` alone as line break and the space alone as blank.

    Controls, private-use characters, surrogates and zero-width characters are removed, Latin ligatures are spelt out,
    lines have no trailing blanks, at most two line breaks stand in a row, and the text neither begins nor ends with
    one. Doing it again changes nothing.
    """
    text = _BLANK.sub(" ", _LINE_BREAK.sub("\n", text))
    text = _INVISIBLE.sub("", text).translate(_LIGATURES)
    text = _TRAILING_BLANKS.sub("", unicodedata.normalize("NFC", text))
    return _MANY_BREAKS.sub("\n\n", text).strip("\n")


def join_hyphenated(text: str) -> str:
    r"""Joins words that a typesetter has broken over two lines.

    A hyphen at a line end vanishes with the break where a letter precedes it and the next line begins with a
    lower-case letter. Before an upper-case letter, a digit, a mark or a letter without case (Hangul) hyphen and break
    stay: there it is a real one (`Korea-\nUSA`, `2024-\n25`).
    """
    text = _LINE_BREAK.sub("\n", text)
    return _HYPHENATED.sub(lambda match: "" if text[match.end()].islower() else match.group(), text)
