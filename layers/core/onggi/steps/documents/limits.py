"""Checks uploads against a tenant's limits."""

from onggi.domain.errors import BadDocument
from onggi.domain.tenant import TenantLimits
from onggi.ports.ledger import DocumentLedger


def check_size(size: int, limits: TenantLimits) -> None:
    """Refuses an upload of more bytes than one may have.

    Raises:
        BadDocument: `too_large`.
    """
    if size > limits.document_bytes:
        raise BadDocument("too_large")


def exceeded_limit(document_id: str, size: int, limits: TenantLimits, ledger: DocumentLedger) -> str | None:
    """Returns which limit an upload would exceed, as a sentence that says what to do; None where it exceeds none.

    Only growth is refused: a replacement adds no document, and one that is not larger adds no bytes, so that both are
    allowed for a tenant whose limits were lowered below what it has. Documents that are being processed do not count,
    so that uploads at the same time may exceed a limit together.

    Args:
        document_id: which document is uploaded; it may be there already.
        size: bytes of the upload.
        limits: those of the tenant.
        ledger: knows what is stored.

    Raises:
        TransientError: when the ledger is not available.
    """
    stored = ledger.stored()
    if stored.documents < limits.documents and stored.bytes + size <= limits.stored_bytes:
        return None
    known = ledger.get(document_id)
    replaced_bytes = known.current_size if known else 0
    if stored.documents >= limits.documents and not (known and known.is_stored):
        return _sentence(f"{limits.documents:,} documents")
    if size > replaced_bytes and stored.bytes - replaced_bytes + size > limits.stored_bytes:
        return _sentence(f"{limits.stored_bytes:,} bytes of documents")
    return None


def _sentence(limit: str) -> str:
    return (
        f"There is no room for this document below the limit of {limit}; delete some that are not needed, or ask the"
        " operator for a higher limit, and upload it again."
    )
