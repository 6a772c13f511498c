"""Deletes documents."""

from onggi.domain.document import Document
from onggi.domain.errors import Conflict
from onggi.ports.bundles import TenantPorts
from onggi.steps.documents.shown import existing_document


def delete_document(document_id: str, ports: TenantPorts) -> Document:
    """Deletes a document: nothing answers from it any more; what it left is removed soon.

    Raises:
        NotFound: when the tenant has no such document.
        Conflict: when a newer version has been uploaded meanwhile.
        TransientError: when S3 or the ledger is not available.
    """
    document = existing_document(document_id, ports)
    if document.status in {"deleting", "deleted"}:
        return document
    ports.documents.delete(document.key)
    deleted = ports.ledger.mark_deleting(document_id, document.version)
    if deleted is None:
        raise Conflict("A newer version of the document has just been uploaded; look at it and delete it again.")
    return deleted
