"""Ports for reading and splitting files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from onggi.domain.document import DocumentVersion, ExtractedText
from onggi.domain.tenant import TenantContext


class TextReader(Protocol):
    """Reads files of every supported format."""

    def read(self, file: Path, name: str, recognised: Mapping[int, str]) -> ExtractedText:
        """The text of a file, empty where no page has any; the name helps where the content does not tell the type.

        `recognised` gives texts by page number for pages that have none but need optical character recognition.

        Raises:
            BadDocument: when the file cannot be read.
        """
        ...

    def page_image(self, file: Path, page: int) -> bytes:
        """A picture of a page (from 1) in PNG.

        Raises:
            BadDocument: when it cannot be drawn.
        """
        ...


class Splitter(Protocol):
    """Finds the boundaries of chunks."""

    def spans(self, extracted: ExtractedText) -> list[tuple[int, int]]:
        """Start and end of each chunk in the text, in order; no chunk is blank."""
        ...


class ReadingGrants(Protocol):
    """Issues grants to read one document, which only the function that reads files can use."""

    def issue(self, tenant: TenantContext, document: DocumentVersion, objects: Sequence[str]) -> list[str]:
        """Returns a grant for a version that S3 has under one of these ids, encrypted, in parts.

        Raises:
            TransientError: when a dependency is not available.
        """
        ...
