"""Which files can be read, by the end of their name and by their declared type."""

from pathlib import PurePosixPath
from typing import Final

SUFFIXES: Final = frozenset({".pdf", ".md", ".markdown", ".txt", ".text"})
CONTENT_TYPES: Final = frozenset({"application/pdf", "text/markdown", "text/x-markdown", "text/plain"})


def is_supported(name: str, content_type: str) -> bool:
    """Whether a file may be of a type that can be read; its content decides in the end."""
    declared = content_type.split(";", 1)[0].strip().lower()
    return PurePosixPath(name).suffix.lower() in SUFFIXES or declared in CONTENT_TYPES
