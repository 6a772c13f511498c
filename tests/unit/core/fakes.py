"""Every port in memory, for tests of steps and handlers."""

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from onggi.adapters.dynamodb import decode_cursor, encode_cursor
from onggi.domain.access import ApiKey
from onggi.domain.audit import AuditEntry
from onggi.domain.chunk import IndexedChunk, Passage, Scores, vector_key
from onggi.domain.document import (
    Document,
    DocumentStatus,
    DocumentVersion,
    ExtractedText,
    Metadata,
    comparable_sequencer,
    document_id_of,
)
from onggi.domain.errors import BadDocument, BadDocumentCode, Conflict, InvalidRequest, NotFound, TransientError
from onggi.domain.money import ModelPrice
from onggi.domain.progress import Progress
from onggi.domain.tenant import Placement, Receipt, TenantContext, TenantRecord, TenantStatus
from onggi.domain.tenant_data import ExportProgress
from onggi.domain.timestamps import timestamp
from onggi.ports.bundles import AccessPorts, ControlPorts, TenantPorts
from onggi.ports.clock import Clock
from onggi.ports.documents import ObjectFacts, PresignedUpload
from onggi.ports.ledger import ClaimOutcome, PublishedFacts, Stored
from onggi.ports.models import AnswerPart, Embedding, GeneratedAnswer, Recognition
from onggi.ports.retrieval import Filter
from onggi.ports.tenant_data import ExportedObject, StoredObject, TenantPurger
from onggi.ports.tenants import DeferredEvent, TenantDirectory, TenantLifecycle
from onggi.ports.workflows import Workflow
from onggi.steps.ingestion.embed_chunks import BatchTask
from onggi.steps.ingestion.recognise_pages import RecognitionModel

DIMENSIONS = 32


def tenant_named(tenant_id: str = "acme", bucket: str = "documents") -> TenantContext:
    placement = Placement(bucket, "artifacts", "vectors", index=tenant_id)
    return TenantContext(tenant_id, tenant_id.title(), "basic", placement)


def try_of(batch: int, retries: int = 0, seconds_left: float = 1000.0) -> BatchTask:
    """A try to embed a batch, with all the time it needs."""
    return BatchTask(batch, retries, lambda: seconds_left)


OCR_MODEL = RecognitionModel("model-that-sees", ModelPrice(Decimal(1), Decimal(5)))


class FixedClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, **how_far: float) -> None:
        self.time += timedelta(**how_far)


@dataclass(frozen=True)
class StoredVersion:
    """A version of an object, or a delete marker where there is no content."""

    version: str
    content: bytes | None
    content_type: str
    metadata: Metadata
    modified: str


class FakeDocumentStore:
    """A versioned bucket; every change answers the event that S3 would send of it."""

    def __init__(self, clock: FixedClock, bucket: str = "documents") -> None:
        self._clock = clock
        self._bucket = bucket
        self._numbers = itertools.count(1)
        self.versions: dict[str, list[StoredVersion]] = {}
        self.events: list[dict[str, Any]] = []

    def upload(
        self, key: str, content: bytes, content_type: str = "text/plain", metadata: Metadata | None = None
    ) -> dict[str, Any]:
        version = self._add(key, content, content_type, metadata or {})
        return self._event("Object Created", key, version, size=len(content))

    def delete(self, key: str) -> None:
        marker = self._add(key, None, "", {})
        self._event("Object Deleted", key, marker, deletion="Delete Marker Created")

    def remove_version(self, key: str, version: str) -> dict[str, Any]:
        self.versions[key] = [entry for entry in self.versions[key] if entry.version != version]
        return self._event("Object Deleted", key, version, deletion="Permanently Deleted")

    def facts(self, key: str, version: str | None = None) -> ObjectFacts | None:
        found = self.find(key, version)
        if found is None or found.content is None:
            return None
        return ObjectFacts(found.version, len(found.content), found.content_type, found.modified, found.metadata)

    def download(self, key: str, version: str, target: Path) -> None:
        found = self.find(key, version)
        if found is None or found.content is None:
            raise NotFound("This version of the document is gone.")
        target.write_bytes(found.content)

    def presign_upload(
        self, key: str, content_type: str, size: int, metadata: Metadata, seconds: int
    ) -> PresignedUpload:
        fields = {"key": key, "Content-Type": content_type, "size": str(size), "seconds": str(seconds)}
        return PresignedUpload(
            f"https://{self._bucket}.example", fields | {name: str(metadata[name]) for name in metadata}
        )

    def read_start(self, key: str, most: int) -> bytes | None:
        found = self.find(key, None)
        return None if found is None or found.content is None else found.content[:most]

    def newest(self, key: str) -> StoredVersion | None:
        """What a reader of the bucket gets: the newest version, None behind a delete marker."""
        found = self.find(key, None)
        return found if found is not None and found.content is not None else None

    def find(self, key: str, version: str | None) -> StoredVersion | None:
        entries = [entry for entry in self.versions.get(key, []) if version in {None, entry.version}]
        return entries[-1] if entries else None

    def _add(self, key: str, content: bytes | None, content_type: str, metadata: Metadata) -> str:
        version = f"{self._bucket.removeprefix('documents')}v{next(self._numbers)}"
        entry = StoredVersion(version, content, content_type, metadata, timestamp(self._clock()))
        self.versions.setdefault(key, []).append(entry)
        return version

    def _event(self, kind: str, key: str, version: str, size: int = 0, deletion: str | None = None) -> dict[str, Any]:
        number = next(self._numbers)
        described: dict[str, Any] = {"key": key, "version-id": version, "sequencer": f"{number:016X}"}
        detail: dict[str, Any] = {"bucket": {"name": self._bucket}, "object": described}
        if deletion:
            detail["deletion-type"] = deletion
        else:
            described["size"] = size
        event = {"detail-type": kind, "source": "aws.s3", "time": timestamp(self._clock()), "detail": detail}
        self.events.append(event)
        return event


class FakeArtifactStore:
    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], list[Mapping[str, Any]]] = {}

    def write(self, name: str, content: bytes) -> None:
        self.content[name] = content

    def read(self, name: str) -> bytes:
        if name not in self.content:
            raise NotFound("What an earlier step made of this document is gone.")
        return self.content[name]

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.content if name.startswith(prefix))

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self.content.pop(name, None)

    def write_manifest(self, document_id: str, version: str, lines: Sequence[Mapping[str, Any]]) -> str:
        self.manifests[document_id, version] = list(lines)
        return f"manifests/{document_id}/{version}.jsonl"

    def delete_manifest(self, document_id: str, version: str) -> None:
        self.manifests.pop((document_id, version), None)


class FakeLedger:
    """The ledger's rules over a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[str, Document] = {}
        self.forget_at: dict[str, datetime] = {}
        self._stored = Stored(0, 0, 0)

    def claim(self, version: DocumentVersion, execution: str) -> ClaimOutcome:
        known = self.rows.get(version.document_id)
        outcome = self._claimable(known, version.sequencer, execution, "processing")
        if outcome == "claimed":
            registered = Document(
                document_id=version.document_id,
                key=version.key,
                name=version.name,
                version=version.version,
                sequencer=version.sequencer,
                status="processing",
                size=version.size,
                content_type=version.content_type,
                uploaded_at=version.uploaded_at,
                metadata=version.metadata,
                execution=execution,
                versions=(known.versions if known else frozenset()) | {version.version},
            )
            self._write(registered if known is None else _keeping_live_version(registered, known))
        return outcome

    def confirm(self, version: DocumentVersion) -> bool:
        known = self.rows.get(version.document_id)
        if known is None or (known.version, known.status) != (version.version, "ready"):
            return False
        if known.sequencer > version.sequencer:
            return False
        self.rows[version.document_id] = replace(known, sequencer=version.sequencer)
        return True

    def claim_deletion(self, document_id: str, key: str, name: str, sequencer: str, execution: str) -> ClaimOutcome:
        known = self.rows.get(document_id)
        if known and known.status == "deleted" and known.sequencer < sequencer:
            self._write(replace(known, sequencer=sequencer))
            return "duplicate"
        outcome = self._claimable(known, sequencer, execution, "deleting")
        if outcome == "claimed":
            known = known or Document(document_id, key, name, "", "", "deleting", 0, "", "")
            changed: dict[str, Any] = {
                "error_code": None,
                "error_message": None,
                "receipt": None,
                "current_version": None,
            }
            self._write(
                replace(
                    known, key=key, name=name, sequencer=sequencer, execution=execution, status="deleting", **changed
                )
            )
        return outcome

    def release(self, document_id: str, sequencer: str, execution: str) -> None:
        known = self.rows.get(document_id)
        if known and (known.sequencer, known.execution, known.status) == (sequencer, execution, "processing"):
            self._write(replace(known, execution=""))

    def expect(self, document: Document, forget_at: datetime) -> None:
        if document.document_id not in self.rows:
            self._write(document)
            self.forget_at[document.document_id] = forget_at

    def get(self, document_id: str) -> Document | None:
        return self.rows.get(document_id)

    def get_many(self, document_ids: Iterable[str]) -> dict[str, Document]:
        return {document_id: self.rows[document_id] for document_id in document_ids if document_id in self.rows}

    def page(self, status: DocumentStatus | None, limit: int, cursor: str | None) -> tuple[list[Document], str | None]:
        listed = [row for row in self.rows.values() if row.uploaded_at]
        listed.sort(key=lambda row: (row.uploaded_at, row.document_id), reverse=True)
        if cursor:
            place = decode_cursor(cursor, "sk", "uploaded_at")
            last = (place["uploaded_at"]["S"], place["sk"]["S"])
            listed = [row for row in listed if (row.uploaded_at, row.document_id) < last]
        wanted = [row for row in listed if (row.status == status if status else row.status != "deleted")]
        if len(wanted) <= limit:
            return wanted, None
        last_row = wanted[limit - 1]
        key = {"sk": {"S": last_row.document_id}, "uploaded_at": {"S": last_row.uploaded_at}}
        return wanted[:limit], encode_cursor(key, "sk", "uploaded_at")

    def publish(self, version: DocumentVersion, facts: PublishedFacts, now: datetime) -> Document | None:
        known = self.rows.get(version.document_id)
        if known is None or known.version != version.version:
            return None
        if known.status == "ready":
            return known
        if known.status != "processing" or known.sequencer != version.sequencer:
            return None
        return self._settle(
            replace(
                known,
                status="ready",
                current_version=version.version,
                current_size=version.size,
                current_metadata=version.metadata,
                pages=facts.pages,
                chunks=facts.chunks,
                tokens=facts.tokens,
                language=facts.language,
                needs_ocr=facts.needs_ocr,
                properties=facts.properties,
                indexed_at=timestamp(now),
            )
        )

    def describe(self, known: Document, metadata: Metadata, fault: str | None) -> bool:
        row = self.rows[known.document_id]
        same = (row.sequencer, row.status, row.descriptions) == (known.sequencer, known.status, known.descriptions)
        if same:
            self._write(row.described(metadata, fault))
        return same

    def fail(self, failed: DocumentVersion, execution: str, code: BadDocumentCode, message: str) -> bool:
        known = self.rows.get(failed.document_id)
        new = known is None or known.sequencer < failed.sequencer
        if not new:
            assert known is not None
            same = (known.sequencer, known.execution) == (failed.sequencer, execution)
            if not same or known.status not in {"processing", "failed"}:
                return False
        base = known or Document(failed.document_id, failed.key, failed.name, "", "", "failed", 0, "", "")
        if new:
            base = replace(
                base,
                size=failed.size,
                content_type=failed.content_type,
                uploaded_at=failed.uploaded_at,
                metadata=failed.metadata,
            )
        base = replace(
            base,
            version=failed.version,
            sequencer=failed.sequencer,
            execution=execution,
            status="failed",
            error_code=code,
            error_message=message,
            receipt=None,
        )
        self._settle(base if base.current_version else _empty(base))
        return True

    def mark_deleting(self, document_id: str, version: str) -> Document | None:
        known = self.rows.get(document_id)
        if known is not None and known.version == version and known.status != "deleted":
            self.rows[document_id] = known = replace(known, status="deleting", current_version=None)
        return known if known and known.status in {"deleting", "deleted"} else None

    def mark_deleted(self, document_id: str, sequencer: str, receipt: Mapping[str, Any], now: datetime) -> bool:
        known = self.rows.get(document_id)
        if known is None or known.sequencer != sequencer:
            return False
        if known.status != "deleted":
            uploaded_at = known.uploaded_at or timestamp(now)
            self._settle(_empty(replace(known, status="deleted", receipt=dict(receipt), uploaded_at=uploaded_at)))
        return True

    def forget_version(self, document_id: str, version: str) -> None:
        if document_id in self.rows:
            known = self.rows[document_id]
            self.rows[document_id] = replace(known, versions=known.versions - {version})

    def note_copies(self, known: Document, copies: Mapping[str, str]) -> bool:
        row = self.rows[known.document_id]
        if row.sequencer != known.sequencer:
            return False
        needed = {known.version, known.current_version}
        kept = {copy: version for copy, version in known.copies.items() if version in needed}
        self.rows[known.document_id] = replace(row, copies=kept | dict(copies))
        return True

    def stored(self) -> Stored:
        return self._stored

    @staticmethod
    def _claimable(known: Document | None, sequencer: str, execution: str, status: DocumentStatus) -> ClaimOutcome:
        if known is None or known.sequencer < sequencer:
            return "claimed"
        if (known.sequencer, known.status) == (sequencer, status) and known.execution in {execution, ""}:
            return "claimed"
        return "duplicate" if known.sequencer == sequencer else "stale"

    def _write(self, document: Document) -> None:
        self.rows[document.document_id] = document
        self.forget_at.pop(document.document_id, None)

    def _settle(self, document: Document) -> Document:
        before = self.rows.get(document.document_id)
        chunks, size = (before.chunks, before.current_size) if before else (0, 0)
        self._stored = Stored(
            self._stored.vectors + document.chunks - chunks,
            self._stored.bytes + document.current_size - size,
            self._stored.documents + (document.current_size > 0) - (size > 0),
        )
        self._write(document)
        return document


def _keeping_live_version(registered: Document, known: Document) -> Document:
    kept = (
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
        "copies",
    )
    values: dict[str, Any] = {name: getattr(known, name) for name in kept}
    return replace(registered, **values)


def _empty(document: Document) -> Document:
    return replace(document, current_size=0, pages=0, chunks=0, tokens=0)


class FakeProgress:
    """The progress store's rules over a dictionary: the newest version that has begun, and what is known of it."""

    def __init__(self) -> None:
        self.sequencers: dict[str, str] = {}
        self.pages: dict[str, int] = {}
        self.chunks: dict[str, int] = {}
        self.embedded: dict[str, dict[int, int]] = {}

    def begin(self, version: DocumentVersion, pages: int) -> None:
        document_id = version.document_id
        if self.sequencers.get(document_id, "") < version.sequencer:
            self.sequencers[document_id] = version.sequencer
            self.pages[document_id] = pages
            self.chunks.pop(document_id, None)
            self.embedded[document_id] = {}

    def plan(self, version: DocumentVersion, chunks: int) -> None:
        if self.sequencers.get(version.document_id) == version.sequencer:
            self.chunks.setdefault(version.document_id, chunks)

    def embed(self, version: DocumentVersion, batch: int, chunks: int) -> None:
        if self.sequencers.get(version.document_id) == version.sequencer:
            batches = self.embedded[version.document_id]
            batches[batch] = max(chunks, batches.get(batch, 0))

    def of(self, documents: Iterable[Document]) -> dict[str, Progress]:
        known = [(row.document_id, row.sequencer) for row in documents]
        return {
            name: Progress(self.pages[name], self.chunks.get(name), sum(self.embedded[name].values()))
            for name, sequencer in known
            if self.sequencers.get(name) == sequencer
        }


class FakeIndex:
    """Cosine similarity over what was put; knows the filter `$eq` only."""

    def __init__(self) -> None:
        self.vectors: dict[str, IndexedChunk] = {}

    def put(self, chunks: Sequence[IndexedChunk]) -> None:
        for indexed in chunks:
            self.vectors[vector_key(indexed.document_id, indexed.version, indexed.chunk.number)] = indexed

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.vectors.pop(key, None)

    def search(self, vector: Sequence[float], text: str, limit: int, metadata_filter: Filter | None) -> list[Passage]:
        assert text
        found = [indexed for indexed in self.vectors.values() if _matches(indexed.metadata, metadata_filter or {})]
        found.sort(key=lambda indexed: (-_cosine(vector, indexed.vector), indexed.document_id, indexed.chunk.number))
        return [_passage(indexed, _cosine(vector, indexed.vector)) for indexed in found[:limit]]


def _matches(metadata: Metadata, wanted: Filter) -> bool:
    for name, condition in wanted.items():
        if not isinstance(condition, Mapping) or set(condition) != {"$eq"}:
            raise InvalidRequest(("filter", "is not a metadata filter that the index understands"))
        if metadata.get(name) != condition["$eq"]:
            return False
    return True


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _passage(indexed: IndexedChunk, score: float) -> Passage:
    chunk = indexed.chunk
    return Passage(
        indexed.document_id,
        indexed.version,
        indexed.document_name,
        chunk.page,
        chunk.start,
        chunk.end,
        chunk.text,
        Scores(vector=score),
        chunk.page_breaks,
        chunk.context,
    )


def words_of(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


class FakeEmbedder:
    """Counts words into buckets by their hash, so that texts with common words are near each other."""

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, text: str) -> Embedding:
        self.embedded.append(text)
        vector = [0.0] * DIMENSIONS
        for word in words_of(text):
            vector[hashlib.sha256(word.encode()).digest()[0] % DIMENSIONS] += 1.0
        length = math.hypot(*vector) or 1.0
        return Embedding([number / length for number in vector], len(words_of(text)))


class FakeGenerator:
    """Quotes the first line of each passage that has a word of the question."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def answer(self, question: str, passages: Sequence[Passage], model: str, max_tokens: int) -> GeneratedAnswer:
        assert model
        self.questions.append(question)
        parts = []
        for number, passage in enumerate(passages):
            quote = passage.text.splitlines()[0]
            if set(words_of(question)) & set(words_of(quote)):
                parts.append(AnswerPart(quote + " ", ((number, quote),)))
        said = tuple(parts) or (AnswerPart("I do not know."),)
        return GeneratedAnswer(said, len(words_of(question)), min(max_tokens, len(said)))


class FakeMeter:
    def __init__(self) -> None:
        self.recorded: list[tuple[str, dict[str, float]]] = []

    def record(self, tenant: TenantContext, **values: float) -> None:
        self.recorded.append((tenant.tenant_id, values))

    def total(self, name: str) -> float:
        return sum(values.get(name, 0) for _, values in self.recorded)

    def last(self, name: str) -> float:
        return [values[name] for _, values in self.recorded if name in values][-1]


class FakeDirectory:
    def __init__(self, *records: TenantRecord) -> None:
        self.records = {record.context.tenant_id: record for record in records}
        self.rejections: dict[tuple[str, str, str], tuple[BadDocumentCode, str]] = {}

    def find(self, tenant_id: str) -> TenantRecord | None:
        return self.records.get(tenant_id)

    def create(self, record: TenantRecord) -> None:
        if record.context.tenant_id in self.records:
            raise Conflict("A tenant of this id exists already; choose another id.")
        self.records[record.context.tenant_id] = record

    def set_status(self, tenant_id: str, status: TenantStatus, run: str = "") -> None:
        """For tests: as if a workflow had changed it."""
        self.records[tenant_id] = replace(self.records[tenant_id], status=status, run=run)

    def page(self, limit: int, cursor: str | None) -> tuple[list[TenantRecord], str | None]:
        after = decode_cursor(cursor, "sk")["sk"]["S"] if cursor else ""
        ids = [tenant_id for tenant_id in sorted(self.records) if tenant_id > after]
        more = encode_cursor({"sk": {"S": ids[limit - 1]}}, "sk") if len(ids) > limit else None
        return [self.records[tenant_id] for tenant_id in ids[:limit]], more

    def record_rejection(self, bucket: str, key: str, version: str, code: BadDocumentCode, message: str) -> None:
        self.rejections[bucket, key, version] = (code, message)


def page_of[T](entries: Mapping[str, T], limit: int, cursor: str | None, *, newest_first: bool = False) -> Any:
    """A page of entries by their sort key, with a cursor where there are more."""
    place = decode_cursor(cursor, "sk")["sk"]["S"] if cursor else None
    names = sorted(entries, reverse=newest_first)
    if place is not None:
        names = [name for name in names if (name < place if newest_first else name > place)]
    more = encode_cursor({"sk": {"S": names[limit - 1]}}, "sk") if len(names) > limit else None
    return [entries[name] for name in names[:limit]], more


class FakeKeyRing:
    def __init__(self) -> None:
        self.keys: dict[str, ApiKey] = {}
        self.writes = 0

    def add(self, key: ApiKey) -> None:
        self.keys[key.key_id] = key

    def find(self, key_id: str) -> ApiKey | None:
        return self.keys.get(key_id)

    def page(self, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
        return page_of(self.keys, limit, cursor)  # type: ignore[no-any-return]  # of keys

    def revoke(self, key_id: str, now: datetime) -> ApiKey:
        if key_id not in self.keys:
            raise NotFound("There is no such key.")
        known = self.keys[key_id]
        self.keys[key_id] = replace(known, revoked_at=known.revoked_at or timestamp(now))
        return self.keys[key_id]

    def note_use(self, key_id: str, now: datetime, unless_since: datetime) -> None:
        known = self.keys.get(key_id)
        if known and (known.last_used_at is None or known.last_used_at <= timestamp(unless_since)):
            self.keys[key_id] = replace(known, last_used_at=timestamp(now))
            self.writes += 1


class FakeTrail:
    def __init__(self) -> None:
        self.entries: dict[str, AuditEntry] = {}

    def record(self, entry: AuditEntry) -> None:
        self.entries.setdefault(f"{entry.at}#{entry.author.request_id}#{entry.action}", entry)

    def page(self, limit: int, cursor: str | None) -> tuple[list[AuditEntry], str | None]:
        return page_of(self.entries, limit, cursor, newest_first=True)  # type: ignore[no-any-return]  # of entries


class FakeAccess:
    """Keys and audit trails of all tenants."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self._rings: dict[str, FakeKeyRing] = {}
        self._trails: dict[str, FakeTrail] = {}

    def ring(self, tenant_id: str) -> FakeKeyRing:
        return self._rings.setdefault(tenant_id, FakeKeyRing())

    def trail(self, tenant_id: str) -> FakeTrail:
        return self._trails.setdefault(tenant_id, FakeTrail())

    def ports(self, tenant_id: str) -> AccessPorts:
        return AccessPorts(self.ring(tenant_id), self.trail(tenant_id), self.clock)


class FakeLifecycle:
    def __init__(self, directory: FakeDirectory) -> None:
        self._directory = directory
        self.indexes: dict[str, int] = {}
        self.receipts: list[Receipt] = []

    def change(self, known: TenantRecord, changed: TenantRecord) -> TenantRecord:
        tenant_id = known.context.tenant_id
        now = self._directory.records.get(tenant_id)
        if now is None or now.revision != known.revision:
            raise Conflict("The tenant has been changed in the meantime; look at it and try again.")
        self._directory.records[tenant_id] = replace(changed, revision=known.revision + 1)
        return self._directory.records[tenant_id]

    def place(self, known: TenantRecord, vector_bucket: str, capacity: int) -> TenantRecord | None:
        if self.indexes.get(vector_bucket, 0) >= capacity:
            return None
        placement = replace(known.at_other_placement.placement, vector_bucket=vector_bucket)
        moved = replace(known.move, other=placement) if known.move else None
        context = known.context if moved else replace(known.context, placement=placement)
        placed = self.change(known, replace(known, context=context, move=moved))
        self.indexes[vector_bucket] = self.indexes.get(vector_bucket, 0) + 1
        return placed

    def remove(self, known: TenantRecord, receipt: Receipt) -> None:
        self.change(known, known)
        del self._directory.records[known.context.tenant_id]
        self.receipts.append(receipt)
        for placement in (known.context.placement, *([known.move.other] if known.move else [])):
            self._one_index_less(placement)

    def end_move(self, known: TenantRecord) -> TenantRecord:
        ended = self.change(known, replace(known, move=None))
        self._one_index_less(known.at_other_placement.placement)
        return ended

    def _one_index_less(self, placement: Placement) -> None:
        if placement.vector_bucket and not placement.stack:
            self.indexes[placement.vector_bucket] = self.indexes.get(placement.vector_bucket, 0) - 1

    def receipt(self, tenant_id: str) -> Receipt | None:
        return next((receipt for receipt in reversed(self.receipts) if receipt.tenant_id == tenant_id), None)


class FakeExport:
    """Writes one object a stage."""

    def some(self, progress: ExportProgress) -> ExportProgress:
        return progress.after(None, 1)

    def page(self, limit: int, cursor: str | None) -> tuple[list[ExportedObject], str | None]:
        assert limit
        return ([], None) if cursor else ([ExportedObject("uploads/a.md", 3, "https://example.com/a")], "uploads/a.md")


def one_step() -> float:
    """The seconds that are left to a function that has no time for a second step."""
    return 0.0


def all_day() -> float:
    """The seconds that are left to a function that is never ended."""
    return 1e6


def counted(remains: TenantPurger) -> dict[str, int]:
    """Everything that there is, counted page by page."""
    counts, cursor = remains.count_page(None)
    while cursor is not None:
        found, cursor = remains.count_page(cursor)
        counts = counts | {kind: counts.get(kind, 0) + count for kind, count in found.items()}
    return counts


class FakePurger:
    """Counts one thing and looks at one execution a page; removes one kind of thing at a time."""

    def __init__(self, **there: int) -> None:
        self.there = there
        self.executions: list[str] = []

    def count_page(self, cursor: str | None) -> tuple[dict[str, int], str | None]:
        things = [kind for kind, count in self.there.items() for _ in range(count)]
        number = int(cursor or 0)
        counts = dict.fromkeys(self.there, 0) if cursor is None else {}
        found = counts | ({things[number]: 1} if number < len(things) else {})
        return found, str(number + 1) if number + 1 < len(things) else None

    def unfinished_page(self, cursor: str | None) -> tuple[list[str], str | None]:
        number = int(cursor or 0)
        return self.executions[number : number + 1], str(number + 1) if number + 1 < len(self.executions) else None

    def purge_batch(self, seconds_left: Callable[[], float]) -> bool:
        assert seconds_left() >= 0
        left = next((kind for kind, count in self.there.items() if count), None)
        if left:
            self.there[left] = 0
        return left is not None


def control_ports(
    directory: TenantDirectory, lifecycle: TenantLifecycle, clock: Clock, workflow: Workflow
) -> ControlPorts:
    """The records of tenants, and one workflow in the place of all."""
    return ControlPorts(directory, lifecycle, workflow, workflow, workflow, workflow, clock)


class FakeDeferredEvents:
    def __init__(self) -> None:
        self.noted: dict[tuple[str, str], DeferredEvent] = {}

    def note(self, tenant_id: str, waiting: DeferredEvent) -> None:
        known = self.noted.get((tenant_id, waiting.key))
        if known is None or known.sequencer <= waiting.sequencer:
            self.noted[tenant_id, waiting.key] = waiting

    def some(self, tenant_id: str, most: int) -> list[DeferredEvent]:
        return [waiting for (owner, _), waiting in sorted(self.noted.items()) if owner == tenant_id][:most]

    def forget(self, tenant_id: str, waiting: DeferredEvent) -> None:
        known = self.noted.get((tenant_id, waiting.key))
        if known is not None and known.noted_by == waiting.noted_by:
            del self.noted[tenant_id, waiting.key]


class FakeWorkflow:
    """Names of executions; those that have ended cannot be started again."""

    def __init__(self) -> None:
        self.started: dict[str, Mapping[str, Any]] = {}
        self.ended: set[str] = set()
        self.outdated: set[str] = set()
        self.fault: Exception | None = None

    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        if self.fault:
            raise self.fault
        if name in self.ended:
            return False
        assert self.started.setdefault(name, state) == state
        return True

    def is_running(self, name: str) -> bool:
        return name in self.started and name not in self.ended

    def is_outdated(self, name: str) -> bool:
        return name in self.outdated


class FakeGrants:
    """Grants that say what they are for."""

    def issue(self, tenant: TenantContext, document: DocumentVersion, objects: Sequence[str]) -> list[str]:
        return [tenant.tenant_id, document.document_id, *objects]


class FakeIsolationProbe:
    def __init__(self) -> None:
        self.open: list[str] = []
        self.used = 0

    def use_own(self) -> None:
        self.used += 1

    def breaches(self) -> list[str]:
        return self.open


class FakeIndexes:
    """Creates vector indexes; keeps their names."""

    def __init__(self) -> None:
        self.created: list[str] = []
        self.fault: Exception | None = None

    def create(self, placement: Placement) -> None:
        if self.fault:
            raise self.fault
        self.created.append(placement.index)


class FakeStacks:
    """Stacks that stand when they are asked for a second time."""

    def __init__(self) -> None:
        self.asked: dict[str, list[str]] = {}

    def provide(self, tenant: TenantContext, run: str) -> bool:
        self.asked.setdefault(tenant.placement.stack, []).append(run)
        return len(self.asked[tenant.placement.stack]) > 1


class FakeMovingObjects:
    """Uploads and artifacts on their way from one acme's stores to another's, a few a page."""

    def __init__(self, tenant: TenantContext, source: "FakeTenant", target: "FakeTenant", page: int = 2) -> None:
        self._tenant = tenant
        self._source = source
        self._target = target
        self._page = page

    def uploads(self, after: str | None) -> tuple[list[StoredObject], str | None]:
        return self._listed(self._source, after)

    def copied(self, after: str | None, last: str) -> list[StoredObject]:
        return [each for each in _newest_of(self._target) if (after or "") < each.key <= last]

    def copy_uploads(self, uploads: Sequence[tuple[str, str | None]]) -> list[str | None]:
        return [self._copy(key, version) for key, version in uploads]

    def delete(self, key: str) -> None:
        self._target.documents.delete(key)

    def artifacts(self, after: str | None) -> tuple[list[str], str | None]:
        names = [name for name in self._source.artifacts.names("") if name > (after or "")]
        return names[: self._page], names[self._page - 1] if len(names) > self._page else None

    def copy_artifacts(self, names: Sequence[str]) -> None:
        for name in set(names) & self._source.artifacts.content.keys():
            self._target.artifacts.write(name, self._source.artifacts.read(name))

    def _listed(self, acme: "FakeTenant", after: str | None) -> tuple[list[StoredObject], str | None]:
        found = [each for each in _newest_of(acme) if each.key > (after or "")]
        return found[: self._page], found[self._page - 1].key if len(found) > self._page else None

    def _copy(self, key: str, version: str | None) -> str | None:
        found = self._source.documents.find(key, version)
        if found is None or found.content is None:
            return None
        event = self._target.documents.upload(key, found.content, found.content_type, found.metadata)
        copy: str = event["detail"]["object"]["version-id"]
        return copy


def _newest_of(acme: "FakeTenant") -> list[StoredObject]:
    found = []
    for key, versions in sorted(acme.documents.versions.items()):
        for newest in versions[-1:]:
            hidden = next((each.version for each in reversed(versions[:-1]) if each.content is not None), None)
            found.append(StoredObject(key, newest.version, newest.modified, newest.content is None, hidden))
    return found


class LineSplitter:
    """Every line that is not blank is a chunk."""

    def spans(self, extracted: ExtractedText) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", extracted.text)]


SCAN = "scan"


class PlainReader:
    """UTF-8 text with form feeds between its pages; refuses what begins with `corrupt`; a page `scan` is a picture."""

    def __init__(self) -> None:
        self.read_names: list[str] = []
        self.undrawable: set[int] = set()

    def read(self, file: Path, name: str, recognised: Mapping[int, str]) -> ExtractedText:
        self.read_names.append(name)
        text = file.read_text(encoding="utf-8")
        if text.startswith("corrupt"):
            raise BadDocument("corrupt")
        pages = [recognised.get(number, page) for number, page in enumerate(text.split("\f"), start=1)]
        shown = ["" if page == SCAN else page + "\f" for page in pages]
        starts = tuple(sum(map(len, shown[:number])) for number in range(len(shown)))
        scans = tuple(number for number, page in enumerate(pages, start=1) if page == SCAN)
        return ExtractedText("".join(shown).removesuffix("\f"), starts, "en", needs_ocr=scans)

    def page_image(self, file: Path, page: int) -> bytes:
        assert file.exists()
        if page in self.undrawable:
            raise BadDocument("corrupt")
        return f"picture of page {page}".encode()


class FakeRecogniser:
    """Reads every picture as its own content, in upper case; fails for those listed as unreadable."""

    def __init__(self) -> None:
        self.images: list[bytes] = []
        self.unreadable: set[bytes] = set()

    def recognise(self, image: bytes, model: str) -> Recognition:
        assert model
        if image in self.unreadable:
            raise TransientError("The model that reads pictures is not available; try again.")
        self.images.append(image)
        return Recognition(image.decode().upper(), input_tokens=1000, output_tokens=10)


@dataclass
class FakeTenant:
    """Everything outside of one tenant, and the ports onto it."""

    context: TenantContext = field(default_factory=tenant_named)
    clock: FixedClock = field(default_factory=FixedClock)
    artifacts: FakeArtifactStore = field(default_factory=FakeArtifactStore)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    progress: FakeProgress = field(default_factory=FakeProgress)
    index: FakeIndex = field(default_factory=FakeIndex)
    embedder: FakeEmbedder = field(default_factory=FakeEmbedder)
    generator: FakeGenerator = field(default_factory=FakeGenerator)
    recogniser: FakeRecogniser = field(default_factory=FakeRecogniser)
    meter: FakeMeter = field(default_factory=FakeMeter)

    def __post_init__(self) -> None:
        self.documents = FakeDocumentStore(self.clock, self.context.placement.documents_bucket)
        self.ports = TenantPorts(
            self.documents,
            self.artifacts,
            self.ledger,
            self.progress,
            self.index,
            self.embedder,
            self.generator,
            self.recogniser,
            self.meter,
            self.clock,
        )
        self.access = FakeAccess(self.clock)
        self.directory = FakeDirectory(TenantRecord(self.context, "active", timestamp(self.clock())))
        self.seconds_left: Callable[[], float] | None = None

    def ports_of(self, tenant: TenantContext, seconds_left: Callable[[], float] | None = None) -> TenantPorts:
        assert _with_a_model(tenant) == _with_a_model(self.context), (
            "a recorded model is the only thing that may differ"
        )
        self.seconds_left = seconds_left
        return self.ports


def version_of(
    tenant: TenantContext,
    version: str = "v1",
    sequencer: str = "01",
    key: str = "report.txt",
    size: int = 100,
    uploaded_at: str = "2026-11-21T09:00:00.000Z",
    metadata: Metadata | None = None,
) -> DocumentVersion:
    full_key = tenant.prefix + key
    return DocumentVersion(
        document_id=document_id_of(tenant, full_key),
        key=full_key,
        name=key,
        version=version,
        sequencer=comparable_sequencer(sequencer),
        size=size,
        content_type="text/plain",
        uploaded_at=uploaded_at,
        metadata=metadata or {},
    )


def _with_a_model(tenant: TenantContext) -> TenantContext:
    return replace(tenant, placement=replace(tenant.placement, embedding_model="any", embedding_dimensions=1))
