"""Splits text into the terms that full-text search matches, by a language's rules.

AWS does not publish its analysers; these keep to their contract (one analyser a language, the standard one when none
is named):

- `ko`, `ja`, `zh`: runs of the scripts become overlapping pairs of characters (a run of one stays as it is). Pairs need
  no dictionary and find what a morpheme analyser finds nearly always. Everything else becomes lower-cased words.
- `en`: lower-cased words without stop words, their inflections cut by Harman's S-stemmer (`How effective is
  suffixing?`, 1991) and by rules for `-ing` and `-ed`.
- other languages and the standard analyser: lower-cased words.
"""

import re
import unicodedata
from collections.abc import Callable

Analyzer = Callable[[str], list[str]]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_KANA = "\u3040-\u30ff\u31f0-\u31ff"
_HANGUL = "\uac00-\ud7a3\u1100-\u11ff\u3130-\u318f"
_CJK = _HAN + _KANA + _HANGUL
_PAIR = re.compile(f"(?=([{_CJK}]{{2}}))")
_LONE = re.compile(f"(?<![{_CJK}])[{_CJK}](?![{_CJK}])")
_OTHER_WORD = re.compile(f"[^\\W_{_CJK}]+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_STOP_WORDS = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it", "no", "not",
        "of", "on", "or", "such", "that", "the", "their", "then", "there", "these", "they", "this", "to", "was",
        "will", "with",
    )
)  # fmt: skip
_SHORTEST_STEM = 3
_VOWELS = frozenset("aeiouy")
_UNDOUBLED = frozenset("lsz")  # `fall`, `pass` and `buzz` keep the pair that `stopping` only borrows


def analyzer_for(language: str | None) -> Analyzer:
    """The analyser of a language code of the service model, or the standard one for None."""
    if language in {"ko", "ja", "zh"}:
        return _character_pairs
    return _english if language == "en" else _words


def _normalised(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _words(text: str) -> list[str]:
    return _WORD.findall(_normalised(text))


def _character_pairs(text: str) -> list[str]:
    text = _normalised(text)
    return _PAIR.findall(text) + _LONE.findall(text) + _OTHER_WORD.findall(text)


def _english(text: str) -> list[str]:
    return [_stem(word.removesuffix("'s")) for word in _words(text) if word not in _STOP_WORDS]


def _stem(word: str) -> str:
    word = _without_inflection(_without_plural(word))
    if len(word) <= _SHORTEST_STEM:
        return word
    if word.endswith("y") and word[-2] not in _VOWELS:
        return f"{word[:-1]}i"  # `notify` has to meet `notified`
    return word.removesuffix("e")  # and `invoice` `invoicing`


def _without_inflection(word: str) -> str:
    for suffix in ("ing", "ed"):
        stem = word.removesuffix(suffix)
        if stem != word and len(stem) >= _SHORTEST_STEM and _VOWELS & set(stem):
            return stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in _UNDOUBLED else stem
    return word


def _without_plural(word: str) -> str:
    """Harman's three rules: `ies` → `y`, `es` → `e`, `s` → nothing, each with its exceptions."""
    if len(word) <= _SHORTEST_STEM or not word.endswith("s"):
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith("es") and not word.endswith(("aes", "ees", "oes")):
        return word[:-1]
    return word if word.endswith(("us", "ss")) else word[:-1]
