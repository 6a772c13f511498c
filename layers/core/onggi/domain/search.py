"""Which full-text analyser a text belongs to."""

import re
from typing import Final

HANGUL: Final = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
LATIN_WORD: Final = re.compile(r"[A-Za-z]{2,}")
OTHER_LETTER: Final = re.compile(r"[^\W\d_A-Za-z\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")


def key_for_language(language: str) -> str:
    """The metadata key under which a chunk's text is stored, and so the analyser that reads it."""
    return {"ko": "text_ko", "en": "text_en"}.get(language, "text")


def analysers_for_question(question: str) -> list[str]:
    """The metadata keys in which a question's words are looked for; never empty.

    Latin words are looked for in Korean documents as well, which are full of product names and abbreviations.
    """
    keys = []
    if HANGUL.search(question) or LATIN_WORD.search(question):
        keys.append("text_ko")
    if LATIN_WORD.search(question):
        keys.append("text_en")
    if OTHER_LETTER.search(question) or not keys:
        keys.append("text")
    return keys
