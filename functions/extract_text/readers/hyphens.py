"""Joins words that are hyphenated over two lines."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

MAX_VOCABULARY_CHARACTERS: Final = 2_000_000
"""Characters of a document from which its words are collected."""
MIN_COMPOUND_PART: Final = 3
"""Letters; shorter halves of a broken word may be words of their own by chance."""
MAX_WORD: Final = 40

_BREAK: Final = re.compile(r"[-\u2010\u00ad](?<=[^\W\d_].)[^\S\n]*\n[^\S\n]*(?=[^\W\d_])")
_LAST_WORD: Final = re.compile(r"(-?)([^\W\d_]+)\Z")
_FIRST_WORD: Final = re.compile(r"[^\W\d_]+")
_PUNCTUATION: Final = ".,;:!?()[]{}<>\"'“”‘’…*/"
_BROKEN: Final = "\0"
"""Keeps the halves of broken words out of the vocabulary."""


def join_hyphenated(pages: Sequence[str]) -> list[str]:
    r"""Joins words that a hyphen at a line end has broken, within each page; lines end with `\n`.

    Before a lower-case letter the break vanishes, and the hyphen with it, unless it is one of the word's own: the word
    has another one (`state-of-the-\nart`), the document has it with a hyphen in another place, or has both halves as
    words and not the whole (`three-\nfoot`). Before an upper-case letter, a digit, a mark or a letter without case
    (Hangul) hyphen and break stay as they are (`Korea-\nUSA`, `2024-\n25`).
    """
    broken = {number for number, page in enumerate(pages) if _BREAK.search(page)}
    if not broken:
        return list(pages)
    words = _words(pages)
    return [_joined(page, words) if number in broken else page for number, page in enumerate(pages)]


def _joined(page: str, words: set[str]) -> str:
    def hyphen_or_nothing(match: re.Match[str]) -> str:
        if not page[match.end()].islower():
            return match.group()
        last = _LAST_WORD.search(page, max(match.start() - MAX_WORD, 0), match.start())
        first = _FIRST_WORD.match(page, match.end(), match.end() + MAX_WORD)
        if last is None or first is None:
            return ""
        return "-" if last.group(1) or _is_compound(last.group(2).lower(), first.group().lower(), words) else ""

    return _BREAK.sub(hyphen_or_nothing, page)


def _is_compound(first: str, second: str, words: set[str]) -> bool:
    if f"{first}-{second}" in words:
        return True
    if first + second in words or min(len(first), len(second)) < MIN_COMPOUND_PART:
        return False
    return first in words and second in words


def _words(pages: Iterable[str]) -> set[str]:
    """Returns the words of a document in lower case; a compound with hyphens is one word."""
    remaining = MAX_VOCABULARY_CHARACTERS
    found: set[str] = set()
    for page in pages:
        if remaining <= 0:
            break
        found.update(_BREAK.sub(_BROKEN, page[:remaining]).lower().split())
        remaining -= len(page)
    return {word.strip(_PUNCTUATION) for word in found}
