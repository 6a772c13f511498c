"""What a failure changes in a document's row."""

from dataclasses import replace
from typing import Any, Final

from onggi.domain.document import Document, DocumentVersion
from onggi.domain.errors import BadDocumentCode

LIVE_VERSION_FIELDS: Final = (
    "current_version",
    "current_size",
    "current_metadata",
    "descriptions",
    "pages",
    "chunks",
    "tokens",
    "language",
    "needs_ocr",
    "properties",
    "indexed_at",
    "versions",
    "copies",
)
"""Fields of a row about its live version, and about all versions; a newer version that fails changes none of them."""


def failed_row(
    known: Document | None, failed: DocumentVersion, execution: str, code: BadDocumentCode, message: str
) -> Document | None:
    """Returns a document's row after a failure; None where the row is about another event or execution.

    Args:
        known: the row; None where there is none.
        failed: the version that failed.
        execution: which execution of the workflow processed it.
        code: why it failed, for programs.
        message: why it failed, for people.
    """
    error: dict[str, Any] = {"status": "failed", "error_code": code, "error_message": message}
    if known is None or known.sequencer < failed.sequencer:
        row = Document(
            document_id=failed.document_id,
            key=failed.key,
            name=failed.name,
            version=failed.version,
            sequencer=failed.sequencer,
            size=failed.size,
            content_type=failed.content_type,
            uploaded_at=failed.uploaded_at,
            execution=execution,
            **error,
        )
        row = replace(row, **{name: getattr(known, name) for name in LIVE_VERSION_FIELDS}) if known else row
    elif (known.sequencer, known.execution) == (failed.sequencer, execution) and known.status in {
        "processing",
        "failed",
    }:
        row = replace(known, **error)
    else:
        return None
    return row if row.current_version else without_live_version(row)


def without_live_version(document: Document) -> Document:
    """Returns a row without a live version, so that nothing counts as stored."""
    return replace(document, current_size=0, pages=0, chunks=0, tokens=0)
