"""RegisterDocument: decides what an S3 event means, and claims the version it speaks of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from onggi.domain.document import DocumentVersion, document_id_of, document_name_of
from onggi.domain.errors import BadDocument, TransientError
from onggi.domain.metadata import metadata_fault
from onggi.domain.tenant import TenantContext, TenantRecord, tenant_id_of_key
from onggi.domain.upload import ObjectEvent
from onggi.ports import ObjectFacts, TenantDirectory, TenantPorts


@dataclass(frozen=True, slots=True)
class Registration:
    """What the workflow does next.

    Attributes:
        outcome: `process` the document, `remove` it, or nothing more (`duplicate`, `stale`).
        versions: for `remove`: the versions of which something may be left.
    """

    outcome: Literal["process", "remove", "duplicate", "stale"]
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


def tenant_of(event: ObjectEvent, directory: TenantDirectory) -> TenantRecord:
    """The tenant under whose prefix an object lies: the one place where a key becomes a tenant.

    Raises:
        BadDocument: `unknown_tenant` when the key or the bucket is no known tenant's.
    """
    tenant_id = tenant_id_of_key(event.key)
    record = directory.find(tenant_id) if tenant_id else None
    if record is None or record.context.placement.documents_bucket != event.bucket:
        raise BadDocument("unknown_tenant")
    return record


def register_document(
    event: ObjectEvent,
    execution: str,
    directory: TenantDirectory,
    ports_of: Callable[[TenantContext], TenantPorts],
    max_bytes: int,
) -> Registration:
    """Claims the version that an event announces, for one execution of the workflow.

    Raises:
        BadDocument: when the upload cannot be processed, whatever its content.
        TransientError: when a dependency is not available, or while the tenant is still being provisioned.
    """
    record = tenant_of(event, directory)
    if record.status == "provisioning":
        raise TransientError("The tenant is still being set up; the upload is tried again soon.", retry_after=5)
    tenant = record.context
    ports = ports_of(tenant)
    facts = _facts(event, ports)
    if facts is None and event.kind != "created":
        return _register_deletion(event, execution, tenant, ports)
    document = unseen_version(event, tenant) if facts is None else _version_of(event, tenant, facts)
    if facts is None or (event.kind == "version_removed" and ports.ledger.confirm(document)):
        return Registration("stale", tenant, document)
    claim = ports.ledger.claim(document, execution)
    if claim != "claimed":
        return Registration(claim, tenant, document)
    _check(document, max_bytes)
    return Registration("process", tenant, document)


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


def _check(document: DocumentVersion, max_bytes: int) -> None:
    if document.key.endswith("/"):
        raise BadDocument("invalid_key")
    if document.size == 0:
        raise BadDocument("empty")
    if document.size > max_bytes:
        raise BadDocument("too_large")
    fault = metadata_fault(document.metadata)
    if fault:
        raise BadDocument("invalid_metadata", f"The metadata of the upload {fault}; correct it and upload again.")


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
