"""Ports for the ledger of a tenant's documents and for their progress."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from onggi.domain.document import Document, DocumentProperties, DocumentStatus, DocumentVersion, Metadata
from onggi.domain.errors import BadDocumentCode
from onggi.domain.progress import Progress

ClaimOutcome = Literal["claimed", "duplicate", "stale"]


@dataclass(frozen=True, slots=True)
class PublishedFacts:
    """What the ledger keeps of a version that answers."""

    pages: int
    chunks: int
    tokens: int
    language: str
    needs_ocr: int = 0
    properties: DocumentProperties = field(default_factory=DocumentProperties)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a tenant has in its index and its bucket, counting the versions that answer."""

    vectors: int
    bytes: int
    documents: int


class DocumentLedger(Protocol):
    """The truth about the tenant's documents; every change is one conditional write."""

    def claim(self, version: DocumentVersion, execution: str) -> ClaimOutcome:
        """Registers a newer version for processing by one execution, atomically.

        `duplicate` when this event is registered already by another execution, `stale` when a newer one is.
        """
        ...

    def confirm(self, version: DocumentVersion) -> bool:
        """Notes a newer event after which the version that answers is the newest still; False where it is not.

        Without this note an older event, such as that of a delete marker which is gone by now, would still count.
        """
        ...

    def claim_deletion(self, document_id: str, key: str, name: str, sequencer: str, execution: str) -> ClaimOutcome:
        """Registers a deletion: from here on nothing of the document answers. Outcomes as for `claim`.

        A document that is deleted already only takes note of the newer event, and keeps its receipt: `duplicate`.
        """
        ...

    def release(self, document_id: str, sequencer: str, execution: str) -> None:
        """Lets any execution claim the event that this one has claimed; no effect where it has no claim any more."""
        ...

    def expect(self, document: Document, forget_at: datetime) -> None:
        """Notes a permitted upload as `pending`, where the ledger has no row of the document; forgotten at a time."""
        ...

    def get(self, document_id: str) -> Document | None:
        """A document's row, read consistently."""
        ...

    def get_many(self, document_ids: Iterable[str]) -> dict[str, Document]:
        """The rows of those that exist, read consistently."""
        ...

    def page(self, status: DocumentStatus | None, limit: int, cursor: str | None) -> tuple[list[Document], str | None]:
        """The newest documents first, and a cursor where there may be more. Deleted ones only when asked for.

        A page may have fewer documents than asked for, or none, and a cursor: a rare status is looked for page by page.

        Raises:
            InvalidRequest: when the cursor is not one of this ledger.
        """
        ...

    def publish(self, version: DocumentVersion, facts: PublishedFacts, now: datetime) -> Document | None:
        """Makes a version the live one; returns its row, or None where a newer event has overtaken it."""
        ...

    def describe(self, known: Document, metadata: Metadata, fault: str | None) -> bool:
        """Notes the attributes that filters find the version by which answers, and what is wrong with its sidecar.

        Args:
            known: the row as it was before those attributes were read.
            metadata: the attributes.
            fault: a sentence; None where nothing is wrong.

        Returns:
            Whether the row was still as it was known; else nothing is noted.
        """
        ...

    def fail(self, failed: DocumentVersion, execution: str, code: BadDocumentCode, message: str) -> bool:
        """Marks a version as failed; False where another event or execution has overtaken it, or it answers already."""
        ...

    def mark_deleting(self, document_id: str, version: str) -> Document | None:
        """Marks a document as `deleting`: nothing of it answers; None where a newer version has come."""
        ...

    def mark_deleted(self, document_id: str, sequencer: str, receipt: Mapping[str, Any], now: datetime) -> bool:
        """Ends a deletion with its receipt; False where a newer event has overtaken it."""
        ...

    def forget_version(self, document_id: str, version: str) -> None:
        """Notes that nothing is left of a version, neither vectors nor artifacts."""
        ...

    def note_copies(self, known: Document, copies: Mapping[str, str]) -> bool:
        """Notes versions by the ids of their copies in another bucket; False where the row has changed meanwhile."""
        ...

    def stored(self) -> Stored:
        """What the tenant has stored now."""
        ...


class ProgressStore(Protocol):
    """How far the tenant's documents are, for show alone.

    No change waits long for what is behind it. Whoever makes one goes on where it fails: it raises TransientError then.
    """

    def begin(self, version: DocumentVersion, pages: int) -> None:
        """Stores that a version's text was extracted; no effect unless no version as new has begun."""
        ...

    def plan(self, version: DocumentVersion, chunks: int) -> None:
        """Stores how many chunks a version has; no effect unless it is the one that has begun."""
        ...

    def embed(self, version: DocumentVersion, batch: int, chunks: int) -> None:
        """Stores how many chunks of a batch are embedded; no effect unless that is more than is known."""
        ...

    def of(self, documents: Iterable[Document]) -> dict[str, Progress]:
        """How far documents are, by id, read consistently; those that have not begun or cannot be read are left out."""
        ...
