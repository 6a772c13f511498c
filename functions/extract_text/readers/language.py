"""Detects the language of a text from its scripts and most frequent words, without a model."""

import re
from typing import Final, Literal

Language = Literal["ko", "en", "ja", "zh", "und"]

SAMPLE_CHARACTERS: Final = 4_000
"""Characters of the beginning, middle and end each, so that a cover in another language does not decide."""

EAST_ASIAN_WEIGHT: Final = 3
"""A syllable or ideograph says about as much as three Latin letters."""

KANA_SHARE: Final = 0.05
"""Share of kana in East Asian letters; Japanese has about a half, Chinese none."""

FUNCTION_WORD_SHARE: Final = 0.15
"""Share of function words; English prose has 35 to 50 %, other languages in Latin script less than 8 % by chance."""

_HANGUL: Final = re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]+")
_KANA: Final = re.compile("[\u3041-\u3096\u30a1-\u30fa\u30fc]+")
_HAN: Final = re.compile("[\u3005\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_LATIN: Final = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ]+")
_WORD: Final = re.compile(r"[^\W\d_]+")

_ENGLISH_FUNCTION_WORDS: Final = frozenset(
    {
        "the", "of", "and", "to", "in", "is", "that", "for", "it", "with", "as", "was", "on", "are", "be", "by",
        "this", "from", "or", "have", "has", "not", "an", "at", "which", "you", "we", "they", "his", "their", "will",
        "can", "may", "shall", "should", "must", "if", "when", "but", "all", "any", "been", "were", "what", "how",
        "there", "its", "our", "your",
    }
)  # fmt: skip


def language_of(text: str) -> Language:
    """Returns the ISO 639-1 code of a text's main language: `ko`, `en`, `ja` or `zh`; `und` for all others.

    East Asian scripts decide if they carry more than the rest: kana make it Japanese, more Hangul than ideographs
    Korean, ideographs alone Chinese. Mostly Latin text is English when enough of its words are English function words.
    """
    sample = _sample(text)
    hangul, kana, han = (_letters(script, sample) for script in (_HANGUL, _KANA, _HAN))
    east_asian = hangul + kana + han
    others = _letters(_WORD, sample) - east_asian
    if east_asian * EAST_ASIAN_WEIGHT > others:
        return _east_asian(hangul, kana, han)
    return "en" if _is_english(sample, others) else "und"


def _letters(run: re.Pattern[str], sample: str) -> int:
    """Returns the number of letters in runs of one kind; runs are found faster than letters."""
    return sum(map(len, run.findall(sample)))


def _sample(text: str) -> str:
    if len(text) <= 3 * SAMPLE_CHARACTERS:
        return text
    middle = (len(text) - SAMPLE_CHARACTERS) // 2
    return "\n".join((text[:SAMPLE_CHARACTERS], text[middle : middle + SAMPLE_CHARACTERS], text[-SAMPLE_CHARACTERS:]))


def _east_asian(hangul: int, kana: int, han: int) -> Language:
    if hangul >= kana + han:
        return "ko"
    return "ja" if kana > KANA_SHARE * (kana + han) else "zh"


def _is_english(sample: str, letters: int) -> bool:
    if _letters(_LATIN, sample) * 2 <= letters:
        return False
    words = _WORD.findall(sample.lower())
    return sum(map(_ENGLISH_FUNCTION_WORDS.__contains__, words)) > FUNCTION_WORD_SHARE * len(words)
