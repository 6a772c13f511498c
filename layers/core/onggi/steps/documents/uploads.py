"""Permits uploads straight into S3."""

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from onggi.domain.document import Document, Metadata, document_id_of
from onggi.domain.errors import BadDocument, QuotaExceeded
from onggi.domain.formats import is_supported
from onggi.domain.tenant import TenantContext
from onggi.domain.timestamps import timestamp
from onggi.ports.bundles import TenantPorts
from onggi.steps.documents.limits import check_size, exceeded_limit

UPLOAD_SECONDS: Final = 900
FORGET_AFTER: Final = timedelta(days=1)
"""A permitted upload that never came is forgotten."""


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What a tenant wants to upload; `name` is a path below its prefix."""

    name: str
    content_type: str
    size: int
    metadata: Metadata


def permit_upload(tenant: TenantContext, request: UploadRequest, max_bytes: int, ports: TenantPorts) -> dict[str, Any]:
    """Permits one upload straight into S3, and notes the document as `pending`.

    Names are composed (NFC), so that the same name typed on any computer is the same document.

    Raises:
        BadDocument: `unsupported_type` or `too_large`, before a byte has travelled.
        QuotaExceeded: when the tenant has no room for the document.
        TransientError: when the ledger is not available.
    """
    if not is_supported(request.name, request.content_type):
        raise BadDocument("unsupported_type")
    limits = tenant.limits(max_bytes)
    check_size(request.size, limits)
    name = unicodedata.normalize("NFC", request.name)
    key = tenant.prefix + name
    document_id = document_id_of(tenant, key)
    if lack := exceeded_limit(document_id, request.size, limits, ports.ledger):
        raise QuotaExceeded(lack)
    now = ports.clock()
    upload = ports.documents.presign_upload(key, request.content_type, request.size, request.metadata, UPLOAD_SECONDS)
    document = Document(
        document_id=document_id,
        key=key,
        name=name,
        version="",
        sequencer="",
        status="pending",
        size=request.size,
        content_type=request.content_type,
        uploaded_at=timestamp(now),
        metadata=request.metadata,
    )
    ports.ledger.expect(document, now + FORGET_AFTER)
    return {
        "document_id": document.document_id,
        "upload": {"url": upload.url, "fields": upload.fields},
        "expires_at": timestamp(now + timedelta(seconds=UPLOAD_SECONDS)),
    }
