"""Returns documents as the HTTP API shows them."""

import re
from collections.abc import Sequence
from typing import Any, Final

from onggi.domain.document import Document
from onggi.domain.errors import NotFound
from onggi.domain.progress import Progress
from onggi.ports.bundles import TenantPorts

DOCUMENT_ID: Final = re.compile(r"[0-9a-f]{32}")


def existing_document(document_id: str, ports: TenantPorts) -> Document:
    """A document of the tenant.

    Raises:
        NotFound: when the tenant has no such document.
    """
    document = ports.ledger.get(document_id) if DOCUMENT_ID.fullmatch(document_id) else None
    if document is None:
        raise NotFound("There is no document of this id.")
    return document


def shown(documents: Sequence[Document], ports: TenantPorts) -> list[dict[str, Any]]:
    """Documents as the HTTP API shows them: of those that are being processed, how far they are.

    Raises:
        TransientError: when that cannot be read.
    """
    processed = [document for document in documents if document.status == "processing"]
    known = ports.progress.of(processed) if processed else {}
    progress = {document.document_id: known.get(document.document_id, Progress()) for document in processed}
    return [document.to_json(progress.get(document.document_id)) for document in documents]
