"""From the pages that a reader found to the text that is stored."""

from dataclasses import dataclass
from typing import Final

from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument
from readers.language import language_of
from readers.normalise import normalise

PAGE_SEPARATOR: Final = "\n\n"


@dataclass(frozen=True, slots=True)
class RawDocument:
    """What a reader of one family found.

    Attributes:
        pages: the text of each page in order, not yet normalised; a format without pages has one.
        title: as the file states it, None where it does not.
    """

    pages: tuple[str, ...]
    title: str | None = None


def assemble(document: RawDocument) -> ExtractedText:
    """Normalises each page and joins them, so that page starts are exact offsets into the text.

    A page without text takes no room: it starts where the next page does.

    Raises:
        BadDocument: `no_text` when nothing is left.
    """
    text = ""
    starts: list[int] = []
    parts: list[str] = []
    length = 0
    for page in document.pages:
        cleaned = normalise(page)
        if cleaned and parts:
            parts.append(PAGE_SEPARATOR)
            length += len(PAGE_SEPARATOR)
        starts.append(length)
        if cleaned:
            parts.append(cleaned)
            length += len(cleaned)
    text = "".join(parts)
    if not text.strip():
        raise BadDocument("no_text")
    return ExtractedText(text, tuple(starts), language_of(text), _title(document.title))


def _title(stated: str | None) -> str | None:
    """A title on one line, None where nothing but blanks and controls is stated."""
    return " ".join(normalise(stated).split()) or None if stated else None
