"""Removes what is left of a version: its vectors, its artifacts, its manifest."""

from dataclasses import dataclass

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import NotFound
from onggi.ports import TenantPorts
from onggi.steps.artifacts import VersionArtifacts


@dataclass(frozen=True, slots=True)
class Retired:
    """How much was removed."""

    vectors: int
    artifacts: int


def is_abandoned(document: DocumentVersion, ports: TenantPorts) -> bool:
    """Whether a version under way was removed, replaced or given up, so that nobody will clean up after it any more.

    Whoever writes something of a version asks this after the write: a removal that began before has not seen it.
    """
    row = ports.ledger.get(document.document_id)
    return row is None or row.sequencer != document.sequencer or row.status == "failed"


def retire_version(document_id: str, version: str, ports: TenantPorts) -> Retired:
    """Removes a version from the index and the artifacts; safe to repeat.

    Vectors go first: as long as the chunks are listed among the artifacts, a repetition finds the vectors again.

    Raises:
        TransientError: when the index or a store is not available.
    """
    artifacts = VersionArtifacts(ports.artifacts, document_id, version)
    vectors = 0
    for number in artifacts.batch_numbers():
        try:
            keys = artifacts.vector_keys(artifacts.read_chunks(number))
        except NotFound:  # another execution is retiring the same version
            continue
        ports.index.delete(keys)
        vectors += len(keys)
    names = artifacts.names()
    if names:
        ports.artifacts.delete(names)
        artifacts.delete_manifest()
    ports.ledger.forget_version(document_id, version)
    return Retired(vectors, len(names))
