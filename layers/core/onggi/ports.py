"""Everything outside, as the steps see it. A port that touches tenants' data is bound to one tenant when it is made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from onggi.domain.access import ApiKey, PoolUser
from onggi.domain.audit import AuditEntry
from onggi.domain.chunk import IndexedChunk, Passage
from onggi.domain.document import Document, DocumentProperties, DocumentStatus, DocumentVersion, ExtractedText, Metadata
from onggi.domain.errors import BadDocumentCode
from onggi.domain.progress import Progress
from onggi.domain.tenant import Receipt, TenantContext, TenantRecord

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
    """The control table's list of who the tenants are. No tenant session can reach it."""

    def find(self, tenant_id: str) -> TenantRecord | None:
        """A tenant's record, read consistently."""
        ...

    def create(self, record: TenantRecord) -> None:
        """Adds a tenant.

        Raises:
            Conflict: when the id is taken.
        """
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[TenantRecord], str | None]:
        """Tenants by id, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this directory.
        """
        ...

    def record_rejection(self, bucket: str, key: str, version: str, code: BadDocumentCode, message: str) -> None:
        """Keeps note of an upload that belongs to no tenant."""
        ...


class KeyRing(Protocol):
    """The API keys of one tenant, without their secrets."""

    def add(self, key: ApiKey) -> None:
        """Stores a new key."""
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """A key as stored, read consistently."""
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
        """Keys by id, revoked ones too, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this key ring.
        """
        ...

    def revoke(self, key_id: str, now: datetime) -> ApiKey:
        """Ends a key, and answers it; a key that was revoked before keeps the time of that.

        Raises:
            NotFound: when there is no such key.
        """
        ...

    def note_use(self, key_id: str, now: datetime, unless_since: datetime) -> None:
        """Notes that a key was used now, unless a use since some time is noted already."""
        ...


class AuditTrail(Protocol):
    """What has been changed about one tenant, and by whom; entries are added and never altered."""

    def record(self, entry: AuditEntry) -> None:
        """Keeps an entry, and logs it."""
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[AuditEntry], str | None]:
        """The newest entries first, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this trail.
        """
        ...


class TokenVerifier(Protocol):
    """Verifies tokens of the user pool."""

    def verify(self, token: str) -> PoolUser:
        """The user behind a token.

        Raises:
            Unauthorized: when the token is not one that the pool issued for this API and that is valid now.
            TransientError: when the pool's keys cannot be read.
        """
        ...


class TenantLifecycle(Protocol):
    """The control table's tenants on their way in and out; every change is one conditional write."""

    def change(self, known: TenantRecord, changed: TenantRecord) -> TenantRecord:
        """Writes a tenant's context, status, reason, run and move; answers the record as it is now.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def place(self, known: TenantRecord, vector_bucket: str, capacity: int) -> TenantRecord | None:
        """Gives a tenant a place in a vector bucket and counts its index there; None where the bucket is full.

        One that is being moved gets it at its new place.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def remove(self, known: TenantRecord, receipt: Receipt) -> None:
        """Removes a tenant's record, gives its place free and keeps its receipt, all at once.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def end_move(self, known: TenantRecord) -> TenantRecord:
        """Ends a tenant's move and gives the place free that it has left, at once; answers the record as it is now.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def receipt(self, tenant_id: str) -> Receipt | None:
        """The newest receipt of a tenant that was removed."""
        ...


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An S3 event that waits until its tenant is active.

    Attributes:
        key: the S3 key that it speaks of.
        sequencer: comparable; of the events of a key only the newest has to wait.
        noted_by: the execution of the ingestion workflow that has noted it.
        event: what starts that workflow.
    """

    key: str
    sequencer: str
    noted_by: str
    event: Mapping[str, Any]


class WaitingEvents(Protocol):
    """Events of tenants that are not active."""

    def note(self, tenant_id: str, waiting: WaitingEvent) -> None:
        """Keeps an event, in the place of an older one of the same key; a newer one stays."""
        ...

    def some(self, tenant_id: str, most: int) -> list[WaitingEvent]:
        """Some of the events that wait, read consistently; nothing once none does."""
        ...

    def forget(self, tenant_id: str, waiting: WaitingEvent) -> None:
        """Removes an event, unless another has been noted in its place."""
        ...


Counts = dict[str, int]
"""How much there is of each kind of thing."""


class TenantRemains(Protocol):
    """Everything of one tenant that offboarding counts and removes."""

    def count_page(self, cursor: str | None) -> tuple[Counts, str | None]:
        """Counts one page of what there is, versions and delete markers of objects included.

        Returns:
            How much of each kind the page holds, each kind named by the first page; and the cursor that others follow.
        """
        ...

    def unfinished_page(self, cursor: str | None) -> tuple[list[str], str | None]:
        """Executions of the ingestion workflow to which documents belong that are neither done nor failed, by pages."""
        ...

    def remove_some(self, seconds_left: Callable[[], float]) -> bool:
        """Removes the index and, while there is time, everything else; answers whether more may be left."""
        ...


COUNT_STAGES: Final = ("unfinished", "counts")


@dataclass(frozen=True, slots=True)
class CountProgress:
    """How far looking for documents under way, and then counting, has come; a JSON-ready part of the workflow's state.

    Attributes:
        more: whether it is not over.
        cursor: what the next page of the stage comes after.
        counts: what was counted so far.
    """

    more: bool = True
    stage: str = COUNT_STAGES[0]
    cursor: str | None = None
    counts: Counts = field(default_factory=dict)


EXPORT_STAGES: Final = ("uploads", "texts", "vectors", "rows")


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How far an export has come; a JSON-ready part of the workflow's state.

    Attributes:
        more: whether anything is left to export; from the beginning nothing is where no export was asked for.
        token: where the next page of the stage begins.
        part: the number of the next page of the stage.
        objects: how many were written.
    """

    more: bool
    stage: str = EXPORT_STAGES[0]
    token: str | None = None
    part: int = 0
    objects: int = 0

    def after(self, token: str | None, objects: int) -> "ExportProgress":
        """The progress after a page: on within the stage where there is a token, else in the next stage."""
        done = self.objects + objects
        if token is not None:
            return replace(self, token=token, part=self.part + 1, objects=done)
        following = EXPORT_STAGES.index(self.stage) + 1
        if following == len(EXPORT_STAGES):
            return ExportProgress(more=False, stage=self.stage, objects=done)
        return ExportProgress(more=True, stage=EXPORT_STAGES[following], objects=done)


@dataclass(frozen=True, slots=True)
class ExportedObject:
    """An exported object and a link to it that needs no credentials."""

    name: str
    size: int
    url: str


class TenantExport(Protocol):
    """What one tenant takes along: its uploads, their texts, its vectors and the rows of its ledger."""

    def some(self, progress: ExportProgress) -> ExportProgress:
        """Exports the next page; done twice, it writes the same once more."""
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[ExportedObject], str | None]:
        """Exported objects by name, each with a link for 15 minutes, and a cursor where there are more."""
        ...


COPY_STAGES: Final = ("uploads", "artifacts", "vectors")


@dataclass(frozen=True, slots=True)
class CopyProgress:
    """How far the copy of a tenant's data has come; a JSON-ready part of the workflow's state.

    Attributes:
        more: whether anything is left to copy.
        after: what the next page of the stage comes after.
    """

    more: bool = True
    stage: str = COPY_STAGES[0]
    after: str | None = None

    def on(self, after: str | None) -> "CopyProgress":
        """The progress after a page: on within the stage where something follows, else in the next stage."""
        if after is not None:
            return replace(self, after=after)
        following = COPY_STAGES.index(self.stage) + 1
        if following == len(COPY_STAGES):
            return CopyProgress(more=False, stage=self.stage)
        return CopyProgress(stage=COPY_STAGES[following])


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The newest version of an object, or the marker of its deletion.

    Attributes:
        modified: ISO 8601.
        hidden: the version that the marker hides; None where there is none, or it was not looked at.
    """

    key: str
    version: str
    modified: str
    is_deleted: bool
    hidden: str | None = None


class MovingObjects(Protocol):
    """A tenant's uploads and artifacts at the place they are copied from and at the one they are copied to."""

    def uploads(self, after: str | None) -> tuple[list[StoredObject], str | None]:
        """The next uploads by key at the first place, and the key that others follow; None where none do."""
        ...

    def copied(self, after: str | None, last: str) -> list[StoredObject]:
        """The uploads at the second place with keys behind one and up to another."""
        ...

    def copy_uploads(self, uploads: Sequence[tuple[str, str | None]]) -> list[str | None]:
        """Copies uploads by key and version, the newest where none is named, one of a key after another.

        Returns:
            The copies' ids; None for what is gone.
        """
        ...

    def delete(self, key: str) -> None:
        """Deletes an upload at the second place by a delete marker."""
        ...

    def artifacts(self, after: str | None) -> tuple[list[str], str | None]:
        """The names of the next artifacts at the first place, and the name that others follow; None where none do."""
        ...

    def copy_artifacts(self, names: Sequence[str]) -> None:
        """Copies artifacts; names that are not there are no error."""
        ...


class RunningWorkflow(Protocol):
    """A state machine whose executions can be looked at."""

    def is_running(self, name: str) -> bool:
        """Whether an execution of a name is there and has not come to its end."""
        ...


class Workflow(Protocol):
    """A state machine."""

    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        """Starts an execution of a name; False where one of that name has come to its end already.

        One that runs already under that name is left to run.
        """
        ...

    def is_outdated(self, name: str) -> bool:
        """Whether the definition of the state machine has changed since an execution began."""
        ...


class ReadingGrants(Protocol):
    """Issues grants to read one document, which only the function that reads files can use."""

    def issue(self, tenant: TenantContext, document: DocumentVersion, objects: Sequence[str]) -> list[str]:
        """Returns a grant for a version that lies in S3 under one of these ids, encrypted, in parts.

        Raises:
            TransientError: when a dependency is not available.
        """
        ...


class WallProbe(Protocol):
    """Tries what a tenant's session can and cannot do."""

    def use_own(self) -> None:
        """Writes, reads and deletes something of the tenant's own in every store.

        Raises:
            Conflict: when something else is read than was written.
            Forbidden: when the session is denied what is its own.
        """
        ...

    def open_walls(self) -> list[str]:
        """What another tenant has and the session can reach nevertheless, in words; nothing where the walls hold."""
        ...


class TenantStacks(Protocol):
    """Makes what tenants have for themselves."""

    def provide(self, tenant: TenantContext, run: str) -> bool:
        """Makes the stack of a tenant's place for a run of a workflow; False while it is being made.

        One that another run has failed to make is removed first.

        Raises:
            Conflict: when this run has failed to make it.
        """
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
    progress: ProgressStore
    index: VectorIndex
    embedder: Embedder
    generator: Generator
    recogniser: PageRecogniser
    meter: Meter
    clock: Clock


@dataclass(frozen=True, slots=True)
class AccessPorts:
    """What managing the keys of one tenant touches, bound to that tenant."""

    keys: KeyRing
    trail: AuditTrail
    clock: Clock
