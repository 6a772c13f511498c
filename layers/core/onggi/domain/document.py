"""A document, its versions, and what the ledger says of them."""

import bisect
import hashlib
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, Self

from onggi.domain.errors import InvalidRequest, TenantMismatch
from onggi.domain.progress import Progress
from onggi.domain.records import from_record
from onggi.domain.tenant import TenantContext

DocumentStatus = Literal["pending", "processing", "ready", "failed", "deleting", "deleted"]
STATUSES: Final[tuple[DocumentStatus, ...]] = ("pending", "processing", "ready", "failed", "deleting", "deleted")
MetadataValue = str | float | bool | list[str]
Metadata = dict[str, MetadataValue]

SEQUENCER_LENGTH: Final = 64
"""Sequencers are hexadecimal of varying length; padded on the right with zeros they compare as text (S3 user guide)."""


def document_id_of(tenant: TenantContext, key: str) -> str:
    """The id of the document at a key: the same tenant and key always give the same id (32 hexadecimal digits)."""
    return hashlib.sha256(f"{tenant.tenant_id}\0{key}".encode()).hexdigest()[:32]


def document_name_of(tenant: TenantContext, key: str) -> str:
    """The name people read: the key below the tenant's prefix, composed (NFC) where a Mac has decomposed it."""
    return unicodedata.normalize("NFC", key.removeprefix(tenant.prefix))


def comparable_sequencer(sequencer: str) -> str:
    """A sequencer in the form in which the order of texts is the order of events."""
    return sequencer.upper().ljust(SEQUENCER_LENGTH, "0")


def sequencer_after_moves(sequencer: str, generation: int) -> str:
    """A comparable sequencer among those of all buckets that a tenant's uploads have lain in, one after another.

    S3 orders the events of a key in one bucket only; `M` comes after every hexadecimal digit.
    """
    return f"M{generation:04}{sequencer}" if generation else sequencer


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One version of one document of one tenant: what an execution of the ingestion workflow works on.

    Attributes:
        version: S3's version id.
        sequencer: comparable; orders the events of one key.
        size: bytes.
    """

    document_id: str
    key: str
    name: str
    version: str
    sequencer: str
    size: int
    content_type: str
    uploaded_at: str
    metadata: Metadata = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form for the workflow's state."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, tenant: TenantContext, data: dict[str, Any]) -> Self:
        """Restores what `to_dict` made.

        Raises:
            InvalidRequest: when the data is not of that form.
            TenantMismatch: when the document is not this tenant's.
        """
        try:
            version = from_record(cls, data)
        except TypeError as error:
            raise InvalidRequest(("document", "is not a document version")) from error
        if version.document_id != document_id_of(tenant, version.key):
            raise TenantMismatch("The document's id does not belong to the tenant's key.")
        return version


@dataclass(frozen=True, slots=True)
class DocumentProperties:
    """What a file states about itself; None where it does not.

    Attributes:
        author: several are separated by `, `.
        created: ISO 8601, as precise as the file has it.
        modified: the same.
    """

    title: str | None = None
    author: str | None = None
    created: str | None = None
    modified: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document as its ledger row has it; the row is the truth, not the event, not the index.

    Attributes:
        version: the newest registered version; `status` and `error` speak of it.
        current_version: the version that answers questions, None while none does.
        pages: of the current version, like chunks, tokens (embedding tokens spent on it), language, needs_ocr (pages
            that show something and hold no text) and properties.
        metadata: the attributes of the newest registered version.
        current_metadata: those that filters find the current version by.
        descriptions: how often those have been written again; whoever reads one number and then finds another has been
            overtaken.
        execution: the workflow execution that has claimed the newest version.
        versions: those that may have vectors or artifacts: registered, and not forgotten yet.
        current_size: bytes of the version that answers.
        copies: of a tenant that was moved: versions by the ids that S3 has given to their copies.
    """

    document_id: str
    key: str
    name: str
    version: str
    sequencer: str
    status: DocumentStatus
    size: int
    content_type: str
    uploaded_at: str
    metadata: Metadata = field(default_factory=dict)
    execution: str = ""
    error_code: str | None = None
    error_message: str | None = None
    current_version: str | None = None
    current_size: int = 0
    current_metadata: Metadata = field(default_factory=dict)
    descriptions: int = 0
    pages: int = 0
    chunks: int = 0
    tokens: int = 0
    language: str | None = None
    needs_ocr: int = 0
    properties: DocumentProperties = DocumentProperties()
    indexed_at: str | None = None
    receipt: dict[str, Any] | None = None
    versions: frozenset[str] = frozenset()
    copies: dict[str, str] = field(default_factory=dict)

    def version_of(self, object_version: str) -> str:
        """The version that an object of the document is: itself, or what it is a copy of."""
        return self.copies.get(object_version, object_version)

    def objects_of(self, version: str) -> list[str]:
        """S3's ids under which a version may lie, those of the newest copies first."""
        return [*(copy for copy in reversed(self.copies) if self.copies[copy] == version), version]

    @property
    def is_stored(self) -> bool:
        """Whether it counts towards what its tenant has stored, until its removal has ended; no upload is empty."""
        return self.current_size > 0

    def needs(self, version: str) -> bool:
        """Returns whether a version is live or may become so; data of any other version has to be removed."""
        return version == self.current_version or (version == self.version and self.status in {"processing", "ready"})

    def live_version(self, metadata: Metadata) -> DocumentVersion | None:
        """The version that answers, with attributes; None while none does."""
        if self.current_version is None:
            return None
        return DocumentVersion(
            document_id=self.document_id,
            key=self.key,
            name=self.name,
            version=self.current_version,
            sequencer=self.sequencer,
            size=self.current_size,
            content_type=self.content_type,
            uploaded_at=self.uploaded_at,
            metadata=metadata,
        )

    def described(self, metadata: Metadata, fault: str | None) -> Self:
        """The row once filters find the version that answers by these attributes.

        What is wrong with its sidecar is shown where the status speaks of that version too; nothing else can be wrong
        with one that is ready.
        """
        described = replace(self, current_metadata=metadata, descriptions=self.descriptions + 1)
        if self.status != "ready":
            return described
        code = "invalid_metadata" if fault else None
        return replace(described, metadata=metadata, error_code=code, error_message=fault)

    def to_json(self, progress: Progress | None = None) -> dict[str, Any]:
        """The document as the HTTP API shows it, with how far the version is that is being processed."""
        shown: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("document_id", "name", "key", "version", "status", "size", "content_type", "pages", "chunks")
        }
        metadata = self.current_metadata if self.current_version else self.metadata
        shown |= {"tokens": self.tokens, "metadata": metadata, "uploaded_at": self.uploaded_at}
        shown |= {"language": self.language, "current_version": self.current_version, "needs_ocr": self.needs_ocr}
        shown["properties"] = {name: stated for name, stated in asdict(self.properties).items() if stated}
        if self.error_code:
            shown["error"] = {"code": self.error_code, "message": self.error_message}
        if self.indexed_at:
            shown["indexed_at"] = self.indexed_at
        if self.receipt:
            shown["receipt"] = self.receipt
        if progress:
            shown["progress"] = progress.to_json()
        return shown


@dataclass(frozen=True, slots=True)
class HeadingSpan:
    """The title of what follows: `text[start:end]`, the marks of Markdown included.

    Attributes:
        level: 1 is the highest, 6 the lowest.
    """

    start: int
    end: int
    level: int


@dataclass(frozen=True, slots=True)
class TableSpan:
    """A table: `text[start:end]`, one line a row.

    Attributes:
        header_end: where the lines that name the columns end, their line break included; `start` where there are none.
    """

    start: int
    end: int
    header_end: int


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """What a reader found in a file.

    Attributes:
        text: normalised; every offset in Onggi counts characters of this.
        page_starts: the offset at which each page begins, ascending, the first is 0; never empty.
        language: ISO 639-1 code, or `und`.
        properties: what the file states about itself.
        headings: ascending, apart from one another and from the tables.
        tables: ascending and apart from one another.
        needs_ocr: the numbers, from 1, of pages without text that show something.
    """

    text: str
    page_starts: tuple[int, ...]
    language: str
    properties: DocumentProperties = DocumentProperties()
    headings: tuple[HeadingSpan, ...] = ()
    tables: tuple[TableSpan, ...] = ()
    needs_ocr: tuple[int, ...] = ()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Restores what `dataclasses.asdict` and JSON made of one."""
        structure = {
            "page_starts": tuple(data["page_starts"]),
            "properties": from_record(DocumentProperties, data["properties"]),
            "headings": tuple(from_record(HeadingSpan, heading) for heading in data["headings"]),
            "tables": tuple(from_record(TableSpan, table) for table in data["tables"]),
            "needs_ocr": tuple(data["needs_ocr"]),
        }
        return from_record(cls, data | structure)

    def page_at(self, offset: int) -> int:
        """The number, from 1, of the page on which an offset lies."""
        return bisect.bisect_right(self.page_starts, offset)

    def page_breaks(self, start: int, end: int) -> tuple[int, ...]:
        """The offsets between two others at which a page starts."""
        return self.page_starts[
            bisect.bisect_right(self.page_starts, start) : bisect.bisect_left(self.page_starts, end)
        ]
