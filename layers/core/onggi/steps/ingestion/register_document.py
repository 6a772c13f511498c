"""RegisterDocument: decides what an S3 event means, and claims the version it speaks of."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from onggi.domain.document import DocumentVersion, document_id_of, document_name_of
from onggi.domain.errors import BadDocument
from onggi.domain.metadata import document_key_of_sidecar
from onggi.domain.tenant import TenantContext, TenantLimits, TenantRecord
from onggi.domain.upload import ObjectEvent
from onggi.ports.bundles import TenantPorts
from onggi.ports.documents import ObjectFacts
from onggi.steps.documents.limits import check_size, exceeded_limit
from onggi.steps.ingestion.update_metadata import attributes_of


@dataclass(frozen=True, slots=True)
class Registration:
    """What the workflow does next.

    Attributes:
        outcome: `process` the document, `remove` it, `describe` it by other attributes, or nothing more (`duplicate`,
            `stale`, and `ignored` where no document is spoken of).
        versions: for `remove`: the versions of which something may be left.
    """

    outcome: Literal["process", "remove", "describe", "duplicate", "stale", "ignored"]
    tenant: TenantContext
    document: DocumentVersion
    versions: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form for the workflow's state."""
        return {
            "outcome": self.outcome,
            "tenant": self.tenant.to_dict(),
            "document": self.document.to_dict(),
            "versions": self.versions,
        }


def tenant_of(event: ObjectEvent, record: TenantRecord | None) -> tuple[TenantContext, ObjectEvent]:
    """Returns the tenant that an object belongs to, and the event in its order among all of that tenant's.

    This is the one place where a key becomes a tenant.

    Args:
        event: the event of S3.
        record: of the tenant under whose prefix the key is; None where there is no such tenant.

    Raises:
        BadDocument: `unknown_tenant` when the key or the bucket belongs to no known tenant.
    """
    if record is None or record.context.placement.documents_bucket != event.bucket:
        raise BadDocument("unknown_tenant")
    return record.context, event.at(record.context.placement)


def register_document(
    event: ObjectEvent,
    execution: str,
    record: TenantRecord | None,
    ports_of: Callable[[TenantContext], TenantPorts],
    max_bytes: int,
) -> Registration:
    """Claims the version that an event announces, for one execution of the workflow.

    Args:
        event: the event of S3.
        execution: the name of this execution.
        record: of the tenant under whose prefix the key is; None where there is no such tenant.
        ports_of: returns the ports of a tenant.
        max_bytes: the largest document that this installation processes.

    Raises:
        BadDocument: when the upload cannot be processed, whatever its content, or the tenant has no room for it.
        TransientError: when a dependency is not available.
    """
    tenant, event = tenant_of(event, record)
    ports = ports_of(tenant)
    if _speaks_of_no_document(event, tenant, ports):
        return _register_description(event, tenant, ports)
    facts = _facts(event, ports)
    if facts is None and event.kind != "created":
        return _register_deletion(event, execution, tenant, ports)
    document = unseen_version(event, tenant) if facts is None else _version_of(event, tenant, facts)
    if facts is not None and tenant.placement.generation:
        known = ports.ledger.get(document.document_id)
        document = replace(document, version=known.version_of(facts.version)) if known else document
        if document.version != facts.version and event.kind == "created":
            return Registration("duplicate", tenant, document)
    if facts is None or (event.kind == "version_removed" and ports.ledger.confirm(document)):
        return Registration("stale", tenant, document)
    document, fault = _with_sidecar(document, ports)
    claim = ports.ledger.claim(document, execution)
    if claim != "claimed":
        return Registration(claim, tenant, document)
    _check(document, tenant.limits(max_bytes), ports)
    if fault:
        raise fault
    return Registration("process", tenant, document)


def _speaks_of_no_document(event: ObjectEvent, tenant: TenantContext, ports: TenantPorts) -> bool:
    """Whether a key is one of a sidecar, or an empty object in the place of a folder, as consoles make them."""
    if document_key_of_sidecar(event.key) is not None:
        return True
    is_empty_folder = event.key.endswith("/") and event.size == 0
    return is_empty_folder and ports.ledger.get(document_id_of(tenant, event.key)) is None


def _register_description(event: ObjectEvent, tenant: TenantContext, ports: TenantPorts) -> Registration:
    """What a sidecar's event means: a document that answers has other attributes.

    One that does not answer yet reads its sidecar itself, when it is registered and again after it was published.
    """
    described = document_key_of_sidecar(event.key)
    row = ports.ledger.get(document_id_of(tenant, described)) if described is not None else None
    document = row.live_version(row.current_metadata) if row else None
    if document is None:
        return Registration("ignored", tenant, unseen_version(event, tenant))
    return Registration("describe", tenant, document)


def _with_sidecar(document: DocumentVersion, ports: TenantPorts) -> tuple[DocumentVersion, BadDocument | None]:
    """The version with all its attributes; or as it is, and why they cannot be used."""
    try:
        attributes = attributes_of(document.key, document.name, document.metadata, ports)
    except BadDocument as bad:
        return document, bad
    return replace(document, metadata=attributes), None


def _facts(event: ObjectEvent, ports: TenantPorts) -> ObjectFacts | None:
    """What there is to process: the event's version; after a version was removed for good, the newest that is left."""
    if event.kind == "deleted":
        return None
    return ports.documents.facts(event.key, event.version if event.kind == "created" else None)


def _version_of(event: ObjectEvent, tenant: TenantContext, facts: ObjectFacts) -> DocumentVersion:
    return DocumentVersion(
        document_id=document_id_of(tenant, event.key),
        key=event.key,
        name=document_name_of(tenant, event.key),
        version=facts.version,
        sequencer=event.sequencer,
        size=facts.size,
        content_type=facts.content_type,
        uploaded_at=facts.modified,
        metadata=facts.metadata,
    )


def _check(document: DocumentVersion, limits: TenantLimits, ports: TenantPorts) -> None:
    if document.key.endswith("/"):
        raise BadDocument("invalid_key")
    if document.size == 0:
        raise BadDocument("empty")
    check_size(document.size, limits)
    if lack := exceeded_limit(document.document_id, document.size, limits, ports.ledger):
        raise BadDocument("quota_exceeded", lack)


def _register_deletion(event: ObjectEvent, execution: str, tenant: TenantContext, ports: TenantPorts) -> Registration:
    document = unseen_version(event, tenant)
    claim = ports.ledger.claim_deletion(document.document_id, document.key, document.name, event.sequencer, execution)
    if claim != "claimed":
        return Registration(claim, tenant, document)
    known = ports.ledger.get(document.document_id)
    if known is None or known.sequencer != event.sequencer:
        return Registration("stale", tenant, document)
    return Registration("remove", tenant, document, sorted(known.versions))


def unseen_version(event: ObjectEvent, tenant: TenantContext) -> DocumentVersion:
    """A document version from nothing but an event, where the object itself is gone or cannot be asked for."""
    return DocumentVersion(
        document_id=document_id_of(tenant, event.key),
        key=event.key,
        name=document_name_of(tenant, event.key),
        version=event.version or "",
        sequencer=event.sequencer,
        size=event.size,
        content_type="application/octet-stream",
        uploaded_at=event.time,
    )
