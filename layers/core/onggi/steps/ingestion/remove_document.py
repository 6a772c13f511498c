"""RemoveDocument: takes a deleted document out of the index and the artifacts, and gives a receipt."""

from collections.abc import Sequence
from typing import Any

from onggi.domain.document import DocumentVersion
from onggi.domain.tenant import TenantContext
from onggi.domain.timestamps import timestamp
from onggi.ports.bundles import TenantPorts
from onggi.steps.ingestion.retire import retire_version


def remove_document(
    tenant: TenantContext, document: DocumentVersion, versions: Sequence[str], ports: TenantPorts
) -> dict[str, Any]:
    """Removes what the registered versions have left and notes the receipt: what was removed, and when.

    Raises:
        TransientError: when the index or a store is not available; a repetition carries on where this one stopped.
    """
    retired = [retire_version(document.document_id, version, ports) for version in versions]
    now = ports.clock()
    receipt = {
        "versions": len(retired),
        "vectors": sum(one.vectors for one in retired),
        "artifacts": sum(one.artifacts for one in retired),
        "deleted_at": timestamp(now),
    }
    if ports.ledger.mark_deleted(document.document_id, document.sequencer, receipt, now):
        stored = ports.ledger.stored()
        ports.meter.record(tenant, StoredVectors=stored.vectors, StoredBytes=stored.bytes)
    return receipt
