"""Tasks that run in the sandbox: each function takes and returns JSON, and may crash without harm."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from onggi.domain.errors import BadDocument
from readers import attachment
from readers.assemble import assemble
from readers.detect import family_of
from readers.families import MAIL_ATTEMPTS, READERS, Family
from readers.model import Page, Paragraph, RawDocument, Reader


def prepare() -> list[int]:
    """Opens the files that a reader writes, before the barriers are set, and returns their descriptors."""
    return [attachment.descriptor()]


def detect(file: str, name: str) -> Family:
    """Returns the family of a file."""
    return family_of(Path(file), name)


def read_first(file: str, name: str, recognised: dict[str, str]) -> dict[str, Any]:
    """Returns the family of a file and its text, read by the first reader; arguments and text as for `read`."""
    family = detect(file, name)
    return {"family": family, "text": read(file, family, 0, recognised)}


def read(file: str, family: Family, attempt: int, recognised: dict[str, str]) -> dict[str, Any]:
    """Returns the text of a file, as the fields of `ExtractedText`.

    Args:
        file: path of the content.
        family: its family.
        attempt: index of the reader to use, from 0.
        recognised: texts from optical character recognition, by page number from 1.
    """
    document = _read_mail(Path(file), attempt) if family == "eml" else _reader(family, attempt)(Path(file))
    return asdict(assemble(_with_recognised(document, recognised)))


def page_image(file: str, page: int) -> str:
    """Returns an image of a page (from 1) of a PDF, as PNG in base64."""
    from readers.raster import page_images  # noqa: PLC0415 - pdfium is imported only when it is used

    return base64.b64encode(page_images(Path(file), [page])[0]).decode()


def _reader(family: Family, attempt: int) -> Reader:
    module, _, function = READERS[family][attempt].partition(":")
    reader: Reader = getattr(import_module(f"readers.{module}"), function)
    return reader


def _with_recognised(document: RawDocument, recognised: Mapping[str, str]) -> RawDocument:
    pages = tuple(
        Page((Paragraph(recognised[str(number)]),)) if page.needs_ocr and str(number) in recognised else page
        for number, page in enumerate(document.pages, start=1)
    )
    return RawDocument(pages, document.properties)


def _read_mail(file: Path, attempt: int) -> RawDocument:
    from readers.eml import read_eml  # noqa: PLC0415 - imported only when a mail comes

    return read_eml(file, _attachment_reader(attempt))


def _attachment_reader(attempt: int) -> Callable[[bytes, str], RawDocument]:
    def read_attachment(content: bytes, name: str) -> RawDocument:
        if attempt == MAIL_ATTEMPTS - 1:
            raise BadDocument("corrupt")
        file = attachment.store(content)
        family = family_of(file, name)
        if family == "eml":
            return _read_mail(file, attempt)
        return _reader(family, 0 if attempt == 0 else -1)(file)

    return read_attachment
