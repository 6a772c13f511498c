"""Dates as they are written in files."""

import re
from email.utils import parsedate_to_datetime
from typing import Final

_ISO: Final = re.compile(r"(\d{4})-(\d{2})(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?( ?(Z|[+-]\d{2}:?\d{2}))?)?)?")
_NUMBERS: Final = re.compile(r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?")
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR: Final = re.compile(r"\d{4}")

MAX_LENGTH: Final = 100


def iso_date(stated: str | None) -> str | None:
    """Returns a date in ISO 8601, as precise as it is given; None for a missing date or an unknown form.

    Known are ISO 8601, RFC 2822, `2026.1.5`, `2026/01/05`, `2026년 1월 5일`, `20260105` and a year.
    """
    text = (stated or "").strip()[:MAX_LENGTH]
    if _ISO.fullmatch(text):
        return text.replace(" ", "T", 1).replace(" ", "")
    if _YEAR.fullmatch(text):
        return text
    if numbers := _NUMBERS.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day = (int(number) for number in numbers.groups())
        return f"{year:04}-{month:02}-{day:02}"
    try:
        return parsedate_to_datetime(text).isoformat()
    except (ValueError, OverflowError):
        return None
