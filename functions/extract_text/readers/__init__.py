"""Readers turn uploaded files into normalised text, one module a family of formats."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument
from readers.assemble import RawDocument, assemble
from readers.detect import Family, family_of


def _read_pdf(file: Path) -> RawDocument:
    from readers.pdf import read_pdf  # noqa: PLC0415 - pypdf is imported only when a PDF comes

    return read_pdf(file)


def _read_markdown(file: Path) -> RawDocument:
    from readers.text import read_markdown  # noqa: PLC0415 - one family is imported for one file

    return read_markdown(file)


def _read_plain(file: Path) -> RawDocument:
    from readers.text import read_plain  # noqa: PLC0415 - one family is imported for one file

    return read_plain(file)


_READERS: Final[Mapping[Family, Callable[[Path], RawDocument]]] = {
    "pdf": _read_pdf,
    "markdown": _read_markdown,
    "plain": _read_plain,
}


class Readers:
    """Reads PDF, Markdown and plain text files (a `TextReader`)."""

    def read(self, file: Path, name: str) -> ExtractedText:
        """The normalised text of a file.

        Args:
            file: where the content lies.
            name: the document's name; it decides the type where the content does not.

        Raises:
            BadDocument: when the file cannot be read; nothing else, whatever its bytes are.
            OSError: when there is no such file, which is no fault of the document.
        """
        if file.stat().st_size == 0:
            raise BadDocument("empty")
        return assemble(_READERS[family_of(file, name)](file))
