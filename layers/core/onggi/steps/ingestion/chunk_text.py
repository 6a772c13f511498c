"""ChunkText: cuts a text into chunks, in batches, and finds out which embeddings the version before has already."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import batched

from onggi.domain.chunk import Chunk
from onggi.domain.context import Outline
from onggi.domain.document import DocumentVersion, ExtractedText
from onggi.domain.errors import BadDocument, NotFound
from onggi.ports.bundles import TenantPorts
from onggi.ports.reading import Splitter
from onggi.steps.ingestion.artifacts import BATCH_SIZE, MAX_BATCH_CHUNKS, ChunkBatch, PlannedChunk, VersionArtifacts
from onggi.steps.ingestion.retire import leave_nothing_abandoned


@dataclass(frozen=True, slots=True)
class Chunking:
    """What the workflow knows of the chunks: how many there are, and where their batches are listed.

    Attributes:
        pages: of the document; 0 where an execution of version 0.1.0 has left it out.
    """

    chunks: int
    batches: int
    manifest_bucket: str
    manifest_key: str
    pages: int = 0


def chunk_text(document: DocumentVersion, ports: TenantPorts, splitter: Splitter, manifests_bucket: str) -> Chunking:
    """Cuts the version's text and writes its batches.

    Raises:
        BadDocument: `no_text` when nothing but blanks is left to cut.
        NotFound: when the document was removed, replaced or given up meanwhile; nothing of the version stays then.
    """
    artifacts = VersionArtifacts(ports.artifacts, document.document_id, document.version)
    extracted = artifacts.read_text()
    chunks = chunks_of(extracted, splitter)
    if not chunks:
        raise BadDocument("no_text")
    reuse_version, known = _embedded_before(document, ports)
    batches = 0
    for batch in _batches(chunks):
        planned = tuple(PlannedChunk(chunk, known.get(embedding_hash)) for embedding_hash, chunk in batch)
        artifacts.write_chunks(batches, ChunkBatch(extracted.language, reuse_version, planned))
        batches += 1
    manifest_key = artifacts.write_manifest(batches)
    leave_nothing_abandoned(document, ports)
    return Chunking(len(chunks), batches, manifests_bucket, manifest_key, len(extracted.page_starts))


def chunks_of(extracted: ExtractedText, splitter: Splitter) -> list[Chunk]:
    """The chunks of a text, each an exact span of it."""
    outline = Outline(extracted)
    return [
        Chunk(
            number,
            start,
            end,
            extracted.page_at(start),
            extracted.text[start:end],
            extracted.page_breaks(start, end),
            outline.context_at(start),
        )
        for number, (start, end) in enumerate(splitter.spans(extracted))
    ]


def _batches(chunks: Iterable[Chunk]) -> Iterator[list[tuple[str, Chunk]]]:
    """Chunks with the hash of what is embedded, such that those of one hash are in one batch and embedded once.

    A text that is repeated more often than a batch may have chunks is embedded once in that many.
    """
    alike: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        alike.setdefault(chunk.embedding_hash, []).append(chunk)
    batch: list[tuple[str, Chunk]] = []
    texts = 0
    for embedding_hash, repeated in alike.items():
        for group in batched(repeated, MAX_BATCH_CHUNKS, strict=False):
            if texts == BATCH_SIZE or len(batch) + len(group) > MAX_BATCH_CHUNKS:
                yield batch
                batch, texts = [], 0
            batch += [(embedding_hash, chunk) for chunk in group]
            texts += 1
    if batch:
        yield batch


def _embedded_before(document: DocumentVersion, ports: TenantPorts) -> tuple[str | None, dict[str, tuple[int, int]]]:
    """The version that answers now, and batch and row of each of its chunks by the hash of what was embedded."""
    row = ports.ledger.get(document.document_id)
    version = row.current_version if row else None
    if version is None or version == document.version:
        return None, {}
    before = VersionArtifacts(ports.artifacts, document.document_id, version)
    try:
        return version, {
            planned.chunk.embedding_hash: (number, position)
            for number in before.batch_numbers()
            for position, planned in enumerate(before.read_chunks(number).chunks)
        }
    except NotFound:
        return None, {}
