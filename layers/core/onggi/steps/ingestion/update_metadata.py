"""UpdateMetadata: writes a document's present attributes to the vectors of its live version, without embedding.

Attributes come from the headers of the upload and from a sidecar beside it, which changes at any time. The row counts
descriptions, and one is noted only if the row is as it was before the attributes were read; or else all is done again.
So of several at once, the last one noted has read what is newest and has written after all others: neither rows nor
vectors stay mixed. For the same reason nothing is left out where the row names the same attributes already: a
description that broke down may have written others meanwhile.
"""

from dataclasses import dataclass
from typing import Final, Literal

from onggi.domain.document import Document, DocumentVersion, Metadata
from onggi.domain.errors import BadDocument, NotFound, TransientError
from onggi.domain.metadata import (
    CORRECT_IT,
    MAX_SIDECAR_BYTES,
    SIDECAR_SUFFIX,
    are_same,
    metadata_fault,
    parse_sidecar,
    sidecar_key,
)
from onggi.ports.bundles import TenantPorts
from onggi.ports.documents import ObjectFacts
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.index_chunks import put_batch
from onggi.steps.ingestion.retire import is_abandoned

UPDATE_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Description:
    """How it ended.

    Attributes:
        outcome: `described` by its attributes of now; `kept` its old ones, since the sidecar cannot be used; `gone`
            where nothing answers any more.
        vectors: how many were written.
    """

    outcome: Literal["described", "kept", "gone"]
    vectors: int = 0


def attributes_of(key: str, name: str, headers: Metadata, ports: TenantPorts) -> Metadata:
    """The attributes that a document has now: its headers', and those of its sidecar, which win over them.

    Raises:
        BadDocument: `invalid_metadata` when they cannot be used.
        TransientError: when S3 is not available.
    """
    beside = sidecar_key(key)
    content = ports.documents.read_start(beside, MAX_SIDECAR_BYTES + 1) if beside else None
    if content is None:
        fault = metadata_fault(headers)
        if fault:
            raise BadDocument("invalid_metadata", f"The metadata of the upload {fault}; correct it and upload again.")
        return headers
    sidecar = name + SIDECAR_SUFFIX
    attributes = headers | parse_sidecar(content, sidecar)
    fault = metadata_fault(attributes)
    if fault:
        raise BadDocument("invalid_metadata", f"The metadata with that of the sidecar {sidecar} {fault}; {CORRECT_IT}.")
    return attributes


def has_changed(document: DocumentVersion, ports: TenantPorts) -> bool:
    """Whether a version's attributes are others now than when it was registered, or cannot be used any more.

    Raises:
        TransientError: when S3 is not available.
    """
    row = ports.ledger.get(document.document_id)
    facts = _facts_of(row, document.version, ports) if row else None
    if facts is None:
        return False
    try:
        return not are_same(attributes_of(document.key, document.name, facts.metadata, ports), document.metadata)
    except BadDocument:
        return True


def update_metadata(document_id: str, ports: TenantPorts) -> Description:
    """Writes the vectors of the live version again with its present attributes, and stores these.

    Raises:
        NotFound: when the artifacts of the live version do not exist.
        TransientError: when a dependency is not available, or the row changes too often; a repetition does it all.
    """
    for _ in range(UPDATE_TRIES):
        row = ports.ledger.get(document_id)
        facts = _facts_of(row, row.current_version, ports) if row and row.current_version else None
        if row is None or facts is None:
            return Description("gone")
        metadata, fault = row.current_metadata, None
        try:
            metadata = attributes_of(row.key, row.name, facts.metadata, ports)
        except BadDocument as bad:
            fault = bad.message
        vectors = _write_vectors(row, metadata, ports)
        if ports.ledger.describe(row, metadata, fault):
            return Description("kept" if fault else "described", vectors)
    raise TransientError("The document changes too often; try again.")


def _facts_of(row: Document, version: str, ports: TenantPorts) -> ObjectFacts | None:
    """What S3 says of a version, under whichever id S3 has it; None where it is gone."""
    found = (ports.documents.facts(row.key, each) for each in row.objects_of(version))
    return next((facts for facts in found if facts is not None), None)


def _write_vectors(row: Document, metadata: Metadata, ports: TenantPorts) -> int:
    """Writes the vectors of the live version from its artifacts, and deletes them again if it was removed."""
    document = row.live_version(metadata)
    if document is None:
        return 0
    written: list[str] = []
    try:
        for number in VersionArtifacts(ports.artifacts, document.document_id, document.version).batch_numbers():
            written += put_batch(document, number, ports)
    except NotFound:
        if not is_abandoned(document, ports):
            raise
    finally:
        if is_abandoned(document, ports):
            ports.index.delete(written)
    return len(written)
