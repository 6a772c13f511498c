"""IndexChunks: writes an embedded batch to the tenant's vector index, where nothing answers from it yet."""

from dataclasses import dataclass

from onggi.domain.chunk import IndexedChunk, vector_key
from onggi.domain.document import DocumentVersion
from onggi.domain.errors import NotFound
from onggi.ports.bundles import TenantPorts
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.retire import is_abandoned


@dataclass(frozen=True, slots=True)
class IndexedBatch:
    """How many chunks of a batch the index holds now."""

    batch: int
    indexed: int


def index_chunks(document: DocumentVersion, batch: int, ports: TenantPorts) -> IndexedBatch:
    """Writes a batch to the index.

    Raises:
        NotFound: when the document was removed or replaced meanwhile; nothing of the batch stays in the index then.
        TransientError: when the index or a store is not available.
    """
    keys = put_batch(document, batch, ports)
    if is_abandoned(document, ports):
        ports.index.delete(keys)
        raise NotFound("The document was removed or replaced while it was being indexed.")
    return IndexedBatch(batch, len(keys))


def put_batch(document: DocumentVersion, batch: int, ports: TenantPorts) -> list[str]:
    """Writes a batch to the index with the attributes of the document; returns its keys there.

    Raises:
        NotFound: when the artifacts are gone.
        TransientError: when the index or a store is not available.
    """
    artifacts = VersionArtifacts(ports.artifacts, document.document_id, document.version)
    chunks = artifacts.read_chunks(batch)
    vectors = artifacts.read_vectors(batch).vectors
    ports.index.put(
        [
            IndexedChunk(
                document_id=document.document_id,
                version=document.version,
                document_name=document.name,
                language=chunks.language,
                chunk=planned.chunk,
                vector=vector,
                metadata=document.metadata,
            )
            for planned, vector in zip(chunks.chunks, vectors, strict=True)
        ]
    )
    return [vector_key(document.document_id, document.version, planned.chunk.number) for planned in chunks.chunks]
