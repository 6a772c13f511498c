"""Which full-text analyser a text belongs to, and how large a metadata filter is."""

import re
from collections.abc import Mapping
from typing import Any, Final

MAX_FILTER_CONSTRAINTS: Final = 100
"""Of a metadata filter (S3 user guide, "Metadata filtering")."""

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


def filter_constraints(document: Mapping[str, Any]) -> int:
    """The number of constraints in a metadata filter: one for each operator of each key, a bare value being `$eq`.

    A list of values is one constraint. What is no filter counts nothing here; the index refuses it.
    """
    count, filters = 0, [document]
    while filters:
        for key, value in filters.pop().items():
            if key in {"$and", "$or"}:
                filters += [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []
            else:
                count += len(value) if isinstance(value, dict) else 1
    return count
