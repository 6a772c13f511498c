"""EmbedChunks: gets the embedding of every chunk of a batch, from the version before or from the model."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import NotFound
from onggi.domain.money import ModelPrice
from onggi.domain.tenant import TenantContext
from onggi.ports import Embedding, TenantPorts
from onggi.steps.artifacts import ChunkBatch, VectorBatch, VersionArtifacts
from onggi.steps.retire import is_abandoned

CONCURRENT_CALLS: Final = 8
"""Titan embeds one text a call, so that a batch is a matter of waiting in parallel."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """The model of this installation, its vectors' dimensions and what its tokens cost."""

    model_id: str
    dimensions: int
    price: ModelPrice


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """What the workflow knows of an embedded batch."""

    batch: int
    embedded: int
    reused: int
    tokens: int


def embed_chunks(
    tenant: TenantContext, document: DocumentVersion, batch: int, ports: TenantPorts, model: EmbeddingModel
) -> EmbeddedBatch:
    """Embeds a batch and keeps its vectors among the artifacts; equal texts are embedded once.

    Raises:
        NotFound: when the document was removed or replaced meanwhile; the batch's vectors do not stay then.
        TransientError: when the model or a store is not available.
    """
    artifacts = VersionArtifacts(ports.artifacts, document.document_id, document.version)
    chunks = artifacts.read_chunks(batch)
    vectors = _reused(document, chunks, ports, model)
    texts = {planned.chunk.embedding_hash: planned.chunk.text_in_context for planned in chunks.chunks}
    missing = {embedding_hash: text for embedding_hash, text in texts.items() if embedding_hash not in vectors}
    embeddings = _embed(tenant, missing, ports, model)
    vectors |= {embedding_hash: embedding.vector for embedding_hash, embedding in embeddings.items()}
    rows = tuple(vectors[planned.chunk.embedding_hash] for planned in chunks.chunks)
    artifacts.write_vectors(batch, VectorBatch(model.model_id, model.dimensions, rows))
    if is_abandoned(document, ports):
        artifacts.delete_vectors(batch)
        raise NotFound("The document was removed or replaced while it was being embedded.")
    tokens = sum(embedding.tokens for embedding in embeddings.values())
    return EmbeddedBatch(batch, len(embeddings), len(chunks.chunks) - len(embeddings), tokens)


def _embed(
    tenant: TenantContext, texts: dict[str, str], ports: TenantPorts, model: EmbeddingModel
) -> dict[str, Embedding]:
    """Embeds texts in parallel; what was spent is metered even where one of them fails."""
    with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
        calls = {embedding_hash: pool.submit(ports.embedder.embed, text) for embedding_hash, text in texts.items()}
    tokens = sum(call.result().tokens for call in calls.values() if call.exception() is None)
    if tokens:
        ports.meter.record(tenant, EmbeddingTokens=tokens, EstimatedCostUSD=float(model.price.cost(tokens)))
    return {embedding_hash: call.result() for embedding_hash, call in calls.items()}


def _reused(
    document: DocumentVersion, chunks: ChunkBatch, ports: TenantPorts, model: EmbeddingModel
) -> dict[str, list[float]]:
    """The embeddings that the version before has of these chunks, by the hash of what was embedded."""
    if chunks.reuse_version is None:
        return {}
    before = VersionArtifacts(ports.artifacts, document.document_id, chunks.reuse_version)
    wanted = {planned.reuse[0] for planned in chunks.chunks if planned.reuse}
    batches: dict[int, VectorBatch] = {}
    for number in wanted:
        try:
            batches[number] = before.read_vectors(number)
        except NotFound:
            continue
    return {
        planned.chunk.embedding_hash: batches[planned.reuse[0]].vectors[planned.reuse[1]]
        for planned in chunks.chunks
        if planned.reuse and _fits(batches.get(planned.reuse[0]), model)
    }


def _fits(batch: VectorBatch | None, model: EmbeddingModel) -> bool:
    return batch is not None and (batch.model, batch.dimensions) == (model.model_id, model.dimensions)
