"""PublishDocument: makes the new version the one that answers, and retires those before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from onggi.domain.document import DocumentProperties, DocumentVersion
from onggi.domain.errors import NotFound
from onggi.domain.tenant import TenantContext
from onggi.ports.bundles import TenantPorts
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.chunk_text import Chunking
from onggi.steps.ingestion.embed_chunks import EmbeddedBatch
from onggi.steps.ingestion.extract_text import Extraction
from onggi.steps.ingestion.retire import retire_version
from onggi.steps.ingestion.update_metadata import has_changed


@dataclass(frozen=True, slots=True)
class Publication:
    """How it ended.

    Attributes:
        outcome: `overtaken` when a newer event came meanwhile, so that this version does not begin to answer.
        retired_versions: how many were removed.
        describe: whether the attributes that this execution has indexed are not those of now.
    """

    outcome: Literal["published", "overtaken"]
    retired_versions: int
    describe: bool


def facts_of(extraction: Extraction, chunking: Chunking, batches: Sequence[EmbeddedBatch]) -> PublishedFacts:
    """Returns what the ledger stores of a version, from the results of the states before."""
    return PublishedFacts(
        pages=extraction.pages,
        chunks=chunking.chunks,
        tokens=sum(batch.tokens for batch in batches),
        language=extraction.language,
        needs_ocr=extraction.needs_ocr,
    )


def publish_document(
    tenant: TenantContext, document: DocumentVersion, facts: PublishedFacts, ports: TenantPorts
) -> Publication:
    """Publishes by one ledger write; old and new exist side by side until then.

    Raises:
        TransientError: when the index or a store is not available; a repetition carries on where this one stopped.
    """
    now = ports.clock()
    published = ports.ledger.publish(document, replace(facts, properties=_properties(document, ports)), now)
    if published is None:
        retire_version(document.document_id, document.version, ports)
        return Publication("overtaken", 1, has_changed(document, ports))  # it may have answered before
    older = published.versions - {document.version}
    for version in sorted(older):
        retire_version(document.document_id, version, ports)
    stored = ports.ledger.stored()
    ports.meter.record(
        tenant,
        DocumentsIngested=1,
        PagesExtracted=facts.pages,
        ChunksIndexed=facts.chunks,
        IngestLatency=_milliseconds_since(document.uploaded_at, now),
        StoredVectors=stored.vectors,
        StoredBytes=stored.bytes,
    )
    # A sidecar that changes from here on finds the version that answers; one that has changed before is seen here.
    return Publication("published", len(older), has_changed(document, ports))


def _properties(document: DocumentVersion, ports: TenantPorts) -> DocumentProperties:
    try:
        return VersionArtifacts(ports.artifacts, document.document_id, document.version).read_properties()
    except NotFound:  # a newer event has come, and this version is not published
        return DocumentProperties()


def _milliseconds_since(uploaded_at: str, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(uploaded_at)).total_seconds() * 1000)
