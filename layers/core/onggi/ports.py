"""Everything outside, as the steps see it. A port that touches tenants' data is bound to one tenant when it is made."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from onggi.domain.chunk import IndexedChunk, Passage
from onggi.domain.document import Document, DocumentProperties, DocumentStatus, DocumentVersion, ExtractedText, Metadata
from onggi.domain.errors import BadDocumentCode
from onggi.domain.tenant import ApiKey, TenantContext, TenantRecord, TenantStatus

ClaimOutcome = Literal["claimed", "duplicate", "stale"]
Filter = Mapping[str, Any]


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """The present time in UTC."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What S3 says of one version of an object; `metadata` holds the `x-amz-meta-*` headers, decoded."""

    version: str
    size: int
    content_type: str
    modified: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class PresignedUpload:
    """An HTML form upload straight into S3."""

    url: str
    fields: dict[str, str]


class DocumentStore(Protocol):
    """What the tenant uploaded; every call raises TenantMismatch for a key outside the tenant's prefix."""

    def facts(self, key: str, version: str | None = None) -> ObjectFacts | None:
        """The facts of a version, or of the newest; None where it is not there or is deleted."""
        ...

    def download(self, key: str, version: str, target: Path) -> None:
        """Writes a version to a file.

        Raises:
            NotFound: when that version is gone.
        """
        ...

    def read_start(self, key: str, most: int) -> bytes | None:
        """The beginning of the newest version, at most so many bytes; None where it is not there or is deleted."""
        ...

    def delete(self, key: str) -> None:
        """Deletes the newest version by a delete marker; earlier versions stay."""
        ...

    def presign_upload(
        self, key: str, content_type: str, size: int, metadata: Metadata, seconds: int
    ) -> PresignedUpload:
        """Permits one upload of exactly this key, type, size and metadata for some seconds."""
        ...


class ArtifactStore(Protocol):
    """What ingestion makes of the tenant's documents. Names are relative to the tenant's prefix."""

    def write(self, name: str, content: bytes) -> None:
        """Writes an artifact, replacing what was there."""
        ...

    def read(self, name: str) -> bytes:
        """Reads an artifact.

        Raises:
            NotFound: when there is none of that name.
        """
        ...

    def names(self, prefix: str) -> list[str]:
        """The names of all artifacts that begin with a prefix, sorted."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Deletes artifacts; names that are not there are no error."""
        ...

    def write_manifest(self, document_id: str, version: str, lines: Sequence[Mapping[str, Any]]) -> str:
        """Writes a JSON Lines manifest for the workflow's Map, outside the tenant's prefix; answers its S3 key.

        The workflow's role reads manifests and nothing else, so they hold numbers and no content.
        """
        ...

    def delete_manifest(self, document_id: str, version: str) -> None:
        """Deletes a version's manifest; no error where there is none."""
        ...


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
        """The newest documents first, and a cursor where there are more. Deleted ones only when asked for.

        Raises:
            InvalidRequest: when the cursor is not one of this ledger.
        """
        ...

    def publish(self, version: DocumentVersion, facts: PublishedFacts, now: datetime) -> Document | None:
        """Makes a version the one that answers; answers its row, or None where a newer event has overtaken it."""
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

    def stored(self) -> Stored:
        """What the tenant has stored now."""
        ...


class VectorIndex(Protocol):
    """The tenant's own vector index."""

    def put(self, chunks: Sequence[IndexedChunk]) -> None:
        """Writes chunks; a chunk whose key is there is replaced."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes chunks by key; keys that are not there are no error."""
        ...

    def search(self, vector: Sequence[float], text: str, limit: int, metadata_filter: Filter | None) -> list[Passage]:
        """The best passages for a question by one hybrid query, best first.

        Raises:
            InvalidRequest: when the filter is not one that the index understands.
        """
        ...


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text's vector, of unit length, and the tokens that it cost."""

    vector: list[float]
    tokens: int


class Embedder(Protocol):
    """Turns texts into vectors."""

    def embed(self, text: str) -> Embedding:
        """The embedding of one text of at most 8,192 UTF-8 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """A stretch of an answer with the passages it rests on: pairs of passage number (from 0) and the words quoted."""

    text: str
    sources: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratedAnswer:
    """What a model answered, in order, and the tokens it cost."""

    parts: tuple[AnswerPart, ...]
    input_tokens: int
    output_tokens: int


class Generator(Protocol):
    """Answers questions from passages."""

    def answer(self, question: str, passages: Sequence[Passage], model: str, max_tokens: int) -> GeneratedAnswer:
        """An answer that cites the passages it rests on."""
        ...


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


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a model read in a picture, and the tokens it cost."""

    text: str
    input_tokens: int
    output_tokens: int


class PageRecogniser(Protocol):
    """Reads pictures of pages (optical character recognition)."""

    def recognise(self, image: bytes, model: str) -> Recognition:
        """The text on a picture in PNG, empty where there is none."""
        ...


class Splitter(Protocol):
    """Finds the boundaries of chunks."""

    def spans(self, extracted: ExtractedText) -> list[tuple[int, int]]:
        """Start and end of each chunk in the text, in order; no chunk is blank."""
        ...


class TenantDirectory(Protocol):
    """The control table: who the tenants are and which keys they hold. No tenant session can reach it."""

    def find(self, tenant_id: str) -> TenantRecord | None:
        """A tenant's record, read consistently."""
        ...

    def create(self, record: TenantRecord) -> None:
        """Adds a tenant.

        Raises:
            Conflict: when the id is taken.
        """
        ...

    def set_status(self, tenant_id: str, status: TenantStatus, reason: str | None = None) -> None:
        """Changes a tenant's status.

        Raises:
            NotFound: when there is no such tenant.
        """
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[TenantRecord], str | None]:
        """Tenants by id, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this directory.
        """
        ...

    def add_key(self, tenant_id: str, key: ApiKey) -> None:
        """Stores a new key's hash."""
        ...

    def find_key(self, tenant_id: str, key_id: str) -> ApiKey | None:
        """A key as stored."""
        ...

    def record_rejection(self, bucket: str, key: str, version: str, code: BadDocumentCode, message: str) -> None:
        """Keeps note of an upload that belongs to no tenant."""
        ...


class IndexProvisioner(Protocol):
    """Makes vector indexes for new tenants."""

    def provision(self, tenant: TenantContext) -> None:
        """Creates the tenant's index where it is not there yet."""
        ...


class Meter(Protocol):
    """Publishes metrics."""

    def record(self, tenant: TenantContext, **values: float) -> None:
        """Records values by metric name, once by tenant and once by tier."""
        ...


@dataclass(frozen=True, slots=True)
class TenantPorts:
    """Everything outside that work for one tenant may touch, bound to that tenant."""

    documents: DocumentStore
    artifacts: ArtifactStore
    ledger: DocumentLedger
    index: VectorIndex
    embedder: Embedder
    generator: Generator
    recogniser: PageRecogniser
    meter: Meter
    clock: Clock
