"""Plain text."""

import re
from pathlib import Path
from typing import Final

from onggi.domain.errors import BadDocument
from readers.encoding import read_text
from readers.model import Page, Paragraph, RawDocument

MAX_PAGES: Final = 20_000

_LINE_BREAK: Final = re.compile("\r\n?")
_BLANK_LINES: Final = re.compile(r"\n\s*\n")


def read_plain(file: Path) -> RawDocument:
    """Reads plain text, which states nothing of itself; a form feed begins a page.

    Raises:
        BadDocument: as `read_text`.
    """
    text = read_text(file)
    if text.count("\f") > MAX_PAGES:
        raise BadDocument("too_large")
    pages = text.rstrip().split("\f")
    return RawDocument(tuple(Page(paragraphs(page)) for page in pages))


def paragraphs(text: str) -> tuple[Paragraph, ...]:
    """Returns the paragraphs that blank lines separate, with their line breaks and indents."""
    parts = _BLANK_LINES.split(_LINE_BREAK.sub("\n", text))
    return tuple(Paragraph(part.strip("\n")) for part in parts if part.strip())
