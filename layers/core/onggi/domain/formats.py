"""Which files can be read, by the end of their name and by their declared type."""

from pathlib import PurePosixPath
from typing import Final

FORMATS: Final[dict[tuple[str, ...], tuple[str, ...]]] = {
    (".pdf",): ("application/pdf",),
    (".docx",): ("application/vnd.openxmlformats-officedocument.wordprocessingml.document",),
    (".docm",): ("application/vnd.ms-word.document.macroenabled.12",),
    (".dotx",): ("application/vnd.openxmlformats-officedocument.wordprocessingml.template",),
    (".pptx",): ("application/vnd.openxmlformats-officedocument.presentationml.presentation",),
    (".pptm",): ("application/vnd.ms-powerpoint.presentation.macroenabled.12",),
    (".ppsx",): ("application/vnd.openxmlformats-officedocument.presentationml.slideshow",),
    (".potx",): ("application/vnd.openxmlformats-officedocument.presentationml.template",),
    (".xlsx",): ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",),
    (".xlsm",): ("application/vnd.ms-excel.sheet.macroenabled.12",),
    (".xltx",): ("application/vnd.openxmlformats-officedocument.spreadsheetml.template",),
    (".xlsb",): ("application/vnd.ms-excel.sheet.binary.macroenabled.12",),
    (".xls",): ("application/vnd.ms-excel", "application/msexcel"),
    (".hwpx",): ("application/hwp+zip", "application/vnd.hancom.hwpx", "application/haansofthwpx"),
    (".hwp",): ("application/x-hwp", "application/haansofthwp", "application/vnd.hancom.hwp"),
    (".html", ".htm"): ("text/html",),
    (".xhtml",): ("application/xhtml+xml",),
    (".epub",): ("application/epub+zip",),
    (".eml",): ("message/rfc822",),
    (".mht", ".mhtml"): ("multipart/related", "application/x-mimearchive"),
    (".csv",): ("text/csv", "application/csv"),
    (".tsv",): ("text/tab-separated-values",),
    (".json",): ("application/json",),
    (".jsonl",): ("application/jsonl", "application/x-jsonlines"),
    (".ndjson",): ("application/x-ndjson",),
    (".md", ".markdown"): ("text/markdown", "text/x-markdown"),
    (".txt", ".text", ".log"): ("text/plain",),
}
"""Ends of names and the types that belong to them, as the IANA registers them, and as Hangul and common programs do."""

SUFFIXES: Final = frozenset(suffix for suffixes in FORMATS for suffix in suffixes)
CONTENT_TYPES: Final = frozenset(declared for types in FORMATS.values() for declared in types)


def is_supported(name: str, content_type: str) -> bool:
    """Whether a file may be of a type that can be read; its content decides in the end."""
    declared = content_type.split(";", 1)[0].strip().lower()
    return PurePosixPath(name).suffix.lower() in SUFFIXES or declared in CONTENT_TYPES
