"""The family of formats to which a file belongs: by its content first, then by its name."""

from pathlib import Path, PurePosixPath
from typing import Final, Literal

from onggi.domain.errors import BadDocument

Family = Literal["pdf", "markdown", "plain"]

HEADER_BYTES: Final = 1024
"""A PDF may begin with up to this many foreign bytes (ISO 32000-1, annex H, implementation note 13)."""

_PDF_HEADER: Final = b"%PDF-"
_RTF_HEADER: Final = b"{\\rtf"

_TEXT_SUFFIXES: Final[dict[str, Family]] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "plain",
    ".text": "plain",
    "": "plain",
}


def family_of(file: Path, name: str) -> Family:
    """The family whose reader shall read a file.

    A PDF header makes a PDF under any name. Text carries no header, so the name decides between the kinds of text,
    and the reader of text refuses what turns out to be binary.

    Raises:
        BadDocument: `unsupported_type` for a name of another type, `corrupt` for a `.pdf` that is none, `empty` for
            a blank file of any name.
    """
    with file.open("rb") as stream:
        head = stream.read(HEADER_BYTES)
    suffix = PurePosixPath(name.lower()).suffix
    family = _TEXT_SUFFIXES.get(suffix)
    if head.lstrip().startswith(_PDF_HEADER) or (_PDF_HEADER in head and suffix == ".pdf"):
        return "pdf"
    if not head.strip() and len(head) < HEADER_BYTES:
        raise BadDocument("empty")
    if suffix == ".pdf":
        raise BadDocument("corrupt")
    if family is None or head.startswith(_RTF_HEADER):
        raise BadDocument("unsupported_type")
    return family
