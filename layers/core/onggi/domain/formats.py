"""Which files can be read, by the end of their name and by their declared type."""

from pathlib import PurePosixPath
from typing import Final

TYPES_BY_SUFFIX: Final[dict[str, tuple[str, ...]]] = {
    ".pdf": ("application/pdf",),
    ".docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    ".docm": ("application/vnd.ms-word.document.macroenabled.12",),
    ".dotx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.template",),
    ".pptx": ("application/vnd.openxmlformats-officedocument.presentationml.presentation",),
    ".pptm": ("application/vnd.ms-powerpoint.presentation.macroenabled.12",),
    ".ppsx": ("application/vnd.openxmlformats-officedocument.presentationml.slideshow",),
    ".potx": ("application/vnd.openxmlformats-officedocument.presentationml.template",),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
    ".xlsm": ("application/vnd.ms-excel.sheet.macroenabled.12",),
    ".xltx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.template",),
    ".xlsb": ("application/vnd.ms-excel.sheet.binary.macroenabled.12",),
    ".xls": ("application/vnd.ms-excel", "application/msexcel"),
    ".hwpx": ("application/hwp+zip", "application/vnd.hancom.hwpx", "application/haansofthwpx"),
    ".hwp": ("application/x-hwp", "application/haansofthwp", "application/vnd.hancom.hwp"),
    ".html": ("text/html",),
    ".htm": ("text/html",),
    ".xhtml": ("application/xhtml+xml",),
    ".epub": ("application/epub+zip",),
    ".eml": ("message/rfc822",),
    ".mht": ("multipart/related", "application/x-mimearchive"),
    ".mhtml": ("multipart/related", "application/x-mimearchive"),
    ".csv": ("text/csv", "application/csv"),
    ".tsv": ("text/tab-separated-values",),
    ".json": ("application/json",),
    ".jsonl": ("application/jsonl", "application/x-jsonlines"),
    ".ndjson": ("application/x-ndjson",),
    ".md": ("text/markdown", "text/x-markdown"),
    ".markdown": ("text/markdown", "text/x-markdown"),
    ".txt": ("text/plain",),
    ".text": ("text/plain",),
    ".log": ("text/plain",),
}
"""The types as the IANA registers them, and as Hangul and common programs name them."""

SUFFIXES: Final = frozenset(TYPES_BY_SUFFIX)
CONTENT_TYPES: Final = frozenset(declared for types in TYPES_BY_SUFFIX.values() for declared in types)


def is_supported(name: str, content_type: str) -> bool:
    """Whether a file may be of a type that can be read; its content decides in the end."""
    declared = content_type.split(";", 1)[0].strip().lower()
    return PurePosixPath(name).suffix.lower() in SUFFIXES or declared in CONTENT_TYPES
