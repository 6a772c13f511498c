"""PublishDocument: makes the new version the one that answers, and retires those before it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from onggi.domain.document import DocumentVersion
from onggi.domain.tenant import TenantContext
from onggi.ports import PublishedFacts, TenantPorts
from onggi.steps.retire import retire_version


@dataclass(frozen=True, slots=True)
class Publication:
    """How it ended: `overtaken` when a newer event came meanwhile, so that this version never answers."""

    outcome: Literal["published", "overtaken"]
    retired_versions: int


def publish_document(
    tenant: TenantContext, document: DocumentVersion, facts: PublishedFacts, ports: TenantPorts
) -> Publication:
    """Publishes by one ledger write; old and new stand side by side until then.

    Raises:
        TransientError: when the index or a store is not available; a repetition carries on where this one stopped.
    """
    now = ports.clock()
    published = ports.ledger.publish(document, facts, now)
    if published is None:
        retire_version(document.document_id, document.version, ports)
        return Publication("overtaken", 1)
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
    return Publication("published", len(older))


def _milliseconds_since(uploaded_at: str, now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(uploaded_at)).total_seconds() * 1000)
