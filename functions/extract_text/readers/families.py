"""Registry of the families of formats: how each is recognised, and the modules that read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal, NamedTuple

Family = Literal[
    "pdf", "docx", "pptx", "xlsx", "hwpx", "hwp5", "html", "epub", "eml", "csv", "json", "markdown", "plain"
]

MAIL_ATTEMPTS: Final = 3
"""Attachments of a mail are read by the first reader of their family, then by the last, then left out."""

SAVE_AS_DOCX: Final = "This is a document of Word 97-2003; save it as .docx and upload that."
SAVE_AS_PPTX: Final = "This is a presentation of PowerPoint 97-2003; save it as .pptx and upload that."
SAVE_AS_EML: Final = "This is a message of Outlook; save it as .eml, or print it to PDF, and upload that."
SAVE_ODF_AS_OFFICE: Final = "This is OpenDocument; save it as .docx, .xlsx or .pptx and upload that."


@dataclass(frozen=True, slots=True)
class Names:
    """Suffixes of file names, in lower case, that matter for one family.

    Attributes:
        likely: files of these names probably belong to the family, so that its reader is imported early.
        text: text of these names belongs to the family unless its content shows another one.
        trusted_text: the same, even if the content begins like JSON or a fragment of HTML.
        binary: files of these names are never text.
    """

    likely: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    trusted_text: tuple[str, ...] = ()
    binary: tuple[str, ...] = ()


class Refused(NamedTuple):
    """A format that cannot be read.

    Attributes:
        advice: says what the uploader has to do.
    """

    advice: str


class ZipSignature(NamedTuple):
    """Signs by which a zip file shows its family; all that are given must match.

    Attributes:
        mimetype: pattern (fnmatch) of the content of the entry `mimetype`.
        entry: name of an entry.
        folder: beginning of the name of an entry in a package of Office, in lower case.
        suffix: end of the name of an entry, in lower case.
    """

    family: Family | Refused
    mimetype: str = "*"
    entry: str = ""
    folder: str = ""
    suffix: str = ""


READERS: Final[Mapping[Family, tuple[str, ...]]] = {
    "pdf": ("pdf_pdfium:read_pdf", "pdf_pypdf:read_pdf_with_pypdf"),
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
"""Readers of each family, as module and function, in the order in which they are tried."""

NAMES: Final[Mapping[Family, Names]] = {
    "pdf": Names(likely=(".pdf",), binary=(".pdf",)),
    "docx": Names(likely=(".docx",), binary=(".docx", ".doc")),
    "pptx": Names(likely=(".pptx",), binary=(".pptx", ".ppt")),
    "xlsx": Names(likely=(".xlsx", ".xls"), binary=(".xlsb",)),
    "hwpx": Names(likely=(".hwpx",), binary=(".hwpx",)),
    "hwp5": Names(likely=(".hwp",), binary=(".hwp",)),
    "html": Names(likely=(".html",), text=(".html", ".htm", ".xhtml")),
    "epub": Names(likely=(".epub",), binary=(".epub",)),
    "eml": Names(likely=(".eml",)),
    # Many programs export text under the name of a spreadsheet.
    "csv": Names(text=(".xls", ".xlsx"), trusted_text=(".csv", ".tsv", ".tab")),
    "json": Names(trusted_text=(".json", ".jsonl", ".ndjson", ".geojson", ".ipynb")),
    "markdown": Names(trusted_text=(".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd")),
}

ZIP_SIGNATURES: Final = (
    ZipSignature("hwpx", mimetype="application/hwp+zip"),
    ZipSignature("hwpx", entry="Contents/content.hpf"),
    ZipSignature("epub", mimetype="application/epub+zip"),
    ZipSignature(Refused(SAVE_ODF_AS_OFFICE), mimetype="application/vnd.oasis.opendocument*"),
    ZipSignature("docx", folder="word/"),
    ZipSignature("pptx", folder="ppt/"),
    ZipSignature("xlsx", folder="xl/"),
    ZipSignature("epub", entry="META-INF/container.xml", suffix=".opf"),
)
"""The first signature that matches decides."""

OLE_SIGNATURES: Final[Mapping[str, Family | Refused]] = {
    "Workbook": "xlsx",
    "Book": "xlsx",
    "WordDocument": Refused(SAVE_AS_DOCX),
    "PowerPoint Document": Refused(SAVE_AS_PPTX),
    "__properties_version1.0": Refused(SAVE_AS_EML),
}
"""Streams by which an OLE file shows its family; the first one that is there decides."""


def attempts(family: Family) -> int:
    """Returns how many ways there are to read a family."""
    return MAIL_ATTEMPTS if family == "eml" else len(READERS[family])


def module_of(family: Family, attempt: int) -> str:
    """Returns the module that an attempt to read a family needs."""
    return "readers.eml" if family == "eml" else f"readers.{READERS[family][attempt].partition(':')[0]}"


def likely_module(name: str) -> str | None:
    """Returns the module that a file of this name will probably need; its content may show another family."""
    suffix = PurePosixPath(name.lower()).suffix
    return next((module_of(family, 0) for family, names in NAMES.items() if suffix in names.likely), None)
