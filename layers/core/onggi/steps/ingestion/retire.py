"""Removes what is left of a version: its vectors, its artifacts, its manifest."""

from dataclasses import dataclass
from typing import Final

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import NotFound
from onggi.ports.bundles import TenantPorts
from onggi.steps.ingestion.artifacts import VersionArtifacts

ABANDONED: Final = "The document was removed, replaced or given up while it was being processed."


@dataclass(frozen=True, slots=True)
class Retired:
    """How much was removed."""

    vectors: int
    artifacts: int


def is_abandoned(document: DocumentVersion, ports: TenantPorts) -> bool:
    """Whether a version under way was removed, replaced or given up, so that nobody will clean up after it any more.

    Whoever writes something of a version asks this after the write: a removal that began before has not seen it.
    A newer event may have made the same version wanted again, when the one above it was removed for good.
    """
    row = ports.ledger.get(document.document_id)
    return row is None or not row.needs(document.version)


def leave_nothing_abandoned(document: DocumentVersion, ports: TenantPorts) -> None:
    """Removes what was just written of a version that nobody will clean up after any more.

    Raises:
        NotFound: when there was such a version, so that nothing more is made of it.
        TransientError: when a dependency is not available.
    """
    if is_abandoned(document, ports):
        retire_version(document.document_id, document.version, ports)
        raise NotFound(ABANDONED)


def retire_version(document_id: str, version: str, ports: TenantPorts) -> Retired:
    """Removes a version from the index and the artifacts, unless the ledger needs it; safe to repeat.

    Vectors go first: as long as the chunks are listed among the artifacts, a repetition finds the vectors again. The
    manifest goes before the artifacts for the same reason.

    Raises:
        TransientError: when the index or a store is not available.
    """
    row = ports.ledger.get(document_id)
    if row is not None and row.needs(version):
        return Retired(0, 0)
    artifacts = VersionArtifacts(ports.artifacts, document_id, version)
    vectors = 0
    for number in artifacts.batch_numbers():
        try:
            keys = artifacts.vector_keys(number)
        except NotFound:  # another execution is retiring the same version
            continue
        ports.index.delete(keys)
        vectors += len(keys)
    names = artifacts.names()
    if names:
        artifacts.delete_manifest()
        ports.artifacts.delete(names)
    ports.ledger.forget_version(document_id, version)
    return Retired(vectors, len(names))
