"""ChunkText: cuts a text into chunks, in batches, and finds out which embeddings the version before has already."""

from dataclasses import dataclass
from itertools import batched

from onggi.domain.chunk import Chunk
from onggi.domain.document import DocumentVersion, ExtractedText
from onggi.domain.errors import BadDocument, NotFound
from onggi.ports import Splitter, TenantPorts
from onggi.steps.artifacts import BATCH_SIZE, ChunkBatch, PlannedChunk, VersionArtifacts


@dataclass(frozen=True, slots=True)
class Chunking:
    """What the workflow knows of the chunks: how many there are and where their batches are listed."""

    chunks: int
    batches: int
    manifest_bucket: str
    manifest_key: str


def chunk_text(document: DocumentVersion, ports: TenantPorts, splitter: Splitter, artifacts_bucket: str) -> Chunking:
    """Cuts the version's text and writes its batches.

    Raises:
        BadDocument: `no_text` when nothing but blanks is left to cut.
        NotFound: when the text is gone, because the document was removed meanwhile.
    """
    artifacts = VersionArtifacts(ports.artifacts, document.document_id, document.version)
    extracted = artifacts.read_text()
    chunks = chunks_of(extracted, splitter)
    if not chunks:
        raise BadDocument("no_text")
    reuse_version, known = _embedded_before(document, ports)
    batches = list(batched(chunks, BATCH_SIZE, strict=False))
    for number, batch in enumerate(batches):
        planned = tuple(PlannedChunk(chunk, known.get(chunk.text_hash)) for chunk in batch)
        artifacts.write_chunks(number, ChunkBatch(extracted.language, reuse_version, planned))
    return Chunking(len(chunks), len(batches), artifacts_bucket, artifacts.write_manifest(len(batches)))


def chunks_of(extracted: ExtractedText, splitter: Splitter) -> list[Chunk]:
    """The chunks of a text, each an exact span of it."""
    return [
        Chunk(
            number,
            start,
            end,
            extracted.page_at(start),
            extracted.text[start:end],
            extracted.page_breaks(start, end),
        )
        for number, (start, end) in enumerate(splitter.spans(extracted.text))
    ]


def _embedded_before(document: DocumentVersion, ports: TenantPorts) -> tuple[str | None, dict[str, tuple[int, int]]]:
    """The version that answers now, and batch and row of each of its chunks by the hash of their text."""
    row = ports.ledger.get(document.document_id)
    version = row.current_version if row else None
    if version is None or version == document.version:
        return None, {}
    before = VersionArtifacts(ports.artifacts, document.document_id, version)
    try:
        return version, {
            planned.chunk.text_hash: (number, position)
            for number in before.batch_numbers()
            for position, planned in enumerate(before.read_chunks(number).chunks)
        }
    except NotFound:
        return None, {}
