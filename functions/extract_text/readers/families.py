"""The families of formats, and the readers of each."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final, Literal

Family = Literal[
    "pdf", "docx", "pptx", "xlsx", "hwpx", "hwp5", "html", "epub", "eml", "csv", "json", "markdown", "plain"
]

READERS: Final[Mapping[Family, tuple[str, ...]]] = {
    "pdf": ("pdf_pdfium:read_pdf", "pdf_pypdf:read_pdf_second"),
    "docx": ("docx:read_docx",),
    "pptx": ("pptx:read_pptx",),
    "xlsx": ("xlsx:read_xlsx",),
    "hwpx": ("hwpx:read_hwpx",),
    "hwp5": ("hwp5:read_hwp5",),
    "html": ("html:read_html",),
    "epub": ("epub:read_epub",),
    "csv": ("csv_table:read_csv",),
    "json": ("json_text:read_json",),
    "markdown": ("markdown:read_markdown",),
    "plain": ("text:read_plain",),
}
"""The readers of each family, as module and function, in the order in which they are tried."""

MAIL_ATTEMPTS: Final = 3
"""Attachments are read by the first reader of their family, then by the last, then not at all: the mail comes out."""

_LIKELY: Final[Mapping[str, Family]] = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".xlsx": "xlsx",
    ".xls": "xlsx",
    ".hwpx": "hwpx",
    ".hwp": "hwp5",
    ".html": "html",
    ".epub": "epub",
    ".eml": "eml",
}


def attempts(family: Family) -> int:
    """How many ways there are to read a family."""
    return MAIL_ATTEMPTS if family == "eml" else len(READERS[family])


def module_of(family: Family, attempt: int) -> str:
    """The module that an attempt at a family needs."""
    return "readers.eml" if family == "eml" else f"readers.{READERS[family][attempt].partition(':')[0]}"


def likely_module(name: str) -> str | None:
    """The module that a file of this name will probably need; its content may tell otherwise."""
    family = _LIKELY.get(PurePosixPath(name.lower()).suffix)
    return module_of(family, 0) if family else None
