"""Normalises text in the same way for all readers: equal looks become equal characters, invisible ones are removed."""

import re
import unicodedata
from itertools import chain
from typing import Final

_LINE_BREAK: Final = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANK: Final = re.compile(r"[^\S\n ]")
_MANY_BREAKS: Final = re.compile(r"\n{3,}")

_INVISIBLE: Final = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u200b\u2060\ufeff"  # soft hyphen, zero-width space, word joiner, byte order mark
    "\ud800-\udfff"  # halves of surrogate pairs
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: a meaning known to one font only
    "\ufdd0-\ufdef\ufffe\uffff"  # never characters
    "]"
)

_PRESENTATION_FORMS: Final = "".join(
    map(
        chr,
        chain(
            range(0xFB00, 0xFB07),  # Latin ligatures, `ﬁ`
            (0x2E9F, 0x2EF3, *range(0x2F00, 0x2FD6)),  # radicals, which fonts give for the ideograph they are drawn as
            (*range(0xFE10, 0xFE1A), *range(0xFE30, 0xFE45), 0xFE47, 0xFE48),  # punctuation of vertical lines
        ),
    )
)
_EXPERT_DIGITS: Final = {0xF700 + ord(digit): digit for digit in "0123456789"}
_EXPERT_CAPITALS: Final = {0xF700 + ord(letter): letter.upper() for letter in "abcdefghijklmnopqrstuvwxyz"}
"""Old-style digits and small capitals of expert fonts (Adobe Glyph List, `zerooldstyle` and `Asmall`)."""

_PLAIN_FORMS: Final = str.maketrans(
    {character: unicodedata.normalize("NFKC", character) for character in _PRESENTATION_FORMS}
    | {chr(code): plain for code, plain in (_EXPERT_DIGITS | _EXPERT_CAPITALS).items()}
)
_HAS_PRESENTATION_FORM: Final = re.compile(f"[{''.join(map(chr, _PLAIN_FORMS))}]")


def normalise(text: str) -> str:
    r"""Returns text in composed form (NFC), with `\n` as the only line break and the space as the only blank.

    Controls, private-use characters, surrogates and zero-width characters are removed; Latin ligatures, radicals,
    vertical punctuation, small capitals and old-style digits become what they show; lines have no trailing blanks, at
    most two line breaks follow each other, and none is at the beginning or end. A second call changes nothing.
    """
    if not text.isascii() and _HAS_PRESENTATION_FORM.search(text):
        text = text.translate(_PLAIN_FORMS)
    # Most text is clean already. Spaces are the only blanks, and line breaks the only controls, that count as printable
    # here, so that one fast check is enough.
    if not text.replace("\n", "").isprintable():
        text = _INVISIBLE.sub("", _BLANK.sub(" ", _LINE_BREAK.sub("\n", text)))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if " \n" in text or text.endswith(" "):
        text = "\n".join([line.rstrip(" ") for line in text.split("\n")])
    if "\n\n\n" in text:
        text = _MANY_BREAKS.sub("\n\n", text)
    return text.strip("\n")
