"""EmbedChunks: gets the embedding of every chunk of a batch, from the version before or from the model."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import NotFound, TransientError
from onggi.domain.money import ModelPrice
from onggi.domain.tenant import TenantContext
from onggi.ports.bundles import TenantPorts
from onggi.ports.models import Embedding
from onggi.steps.ingestion.artifacts import ChunkBatch, EmbeddedTexts, VectorBatch, VersionArtifacts
from onggi.steps.ingestion.retire import is_abandoned

CONCURRENT_CALLS: Final = 8
"""Titan embeds one text a call, so that a batch is a matter of waiting in parallel."""

CALL_SECONDS: Final = 45.0
"""Seconds that one call of the model may take, the SDK's own retries included: with less time left none begins."""


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """The model of an index, its vectors' dimensions and what its tokens cost."""

    model_id: str
    dimensions: int
    price: ModelPrice


@dataclass(frozen=True, slots=True)
class BatchTask:
    """One try to embed one batch.

    Attributes:
        batch: its number in the manifest, from 0.
        retries: how many tries there were before this one.
        seconds_left: returns the seconds until this try is ended from outside.
    """

    batch: int
    retries: int
    seconds_left: Callable[[], float]


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """What the workflow knows of an embedded batch."""

    batch: int
    embedded: int
    reused: int
    tokens: int


def embed_chunks(
    tenant: TenantContext,
    document: DocumentVersion,
    task: BatchTask,
    ports: TenantPorts,
    model: EmbeddingModel,
) -> EmbeddedBatch:
    """Embeds a batch and stores its vectors among the artifacts; equal texts are embedded once.

    Where the model throttles or the time runs out, what is embedded so far is stored, and the next try goes on from
    there.

    Raises:
        NotFound: when the document was removed or replaced meanwhile; nothing of the batch stays then.
        TransientError: when the model or a store is not available, or there was not enough time for the whole batch.
    """
    artifacts = VersionArtifacts(ports.artifacts, document.document_id, document.version)
    chunks = artifacts.read_chunks(task.batch)
    before = _embedded_before(artifacts, task, model)
    vectors = _reused(document, chunks, ports, model) | before.vectors
    texts = {planned.chunk.embedding_hash: planned.chunk.text_in_context for planned in chunks.chunks}
    missing = {text_hash: text for text_hash, text in texts.items() if text_hash not in vectors}
    now, failure = _embed(tenant, missing, ports, model, task.seconds_left)
    embedded = replace(before, tokens=before.tokens + now.tokens, vectors=before.vectors | now.vectors)
    if failure:
        _store_unfinished(artifacts, task.batch, embedded, document, ports)
        raise failure
    vectors |= embedded.vectors
    rows = tuple(vectors[planned.chunk.embedding_hash] for planned in chunks.chunks)
    artifacts.write_vectors(task.batch, VectorBatch(model.model_id, model.dimensions, rows))
    if before.vectors:
        artifacts.delete_embedded_texts(task.batch)
    if is_abandoned(document, ports):
        artifacts.delete_vectors(task.batch)
        raise NotFound("The document was removed or replaced while it was being embedded.")
    count = len(embedded.vectors)
    return EmbeddedBatch(task.batch, count, len(chunks.chunks) - count, embedded.tokens)


def _embedded_before(artifacts: VersionArtifacts, task: BatchTask, model: EmbeddingModel) -> EmbeddedTexts:
    """What earlier tries of this batch have embedded; the first try need not look."""
    nothing = EmbeddedTexts(model.model_id, model.dimensions, 0, {})
    if not task.retries:
        return nothing
    try:
        stored = artifacts.read_embedded_texts(task.batch)
    except NotFound:
        return nothing
    return stored if _fits(stored, model) else nothing


def _store_unfinished(
    artifacts: VersionArtifacts, batch: int, texts: EmbeddedTexts, document: DocumentVersion, ports: TenantPorts
) -> None:
    """Stores what a failed try has embedded, unless nobody needs the document any more.

    Raises:
        NotFound: when the document was removed or replaced meanwhile.
    """
    if texts.vectors:
        artifacts.write_embedded_texts(batch, texts)
    if is_abandoned(document, ports):
        artifacts.delete_embedded_texts(batch)
        raise NotFound("The document was removed or replaced while it was being embedded.")


def _embed(
    tenant: TenantContext,
    texts: dict[str, str],
    ports: TenantPorts,
    model: EmbeddingModel,
    seconds_left: Callable[[], float],
) -> tuple[EmbeddedTexts, Exception | None]:
    """Embeds texts in parallel until all are done, one fails or the time runs out.

    Returns:
        What was embedded, metered, and why the rest was not; None where there is no rest.
    """
    stopped = threading.Event()

    def embed(text: str) -> Embedding:
        if stopped.is_set() or seconds_left() < CALL_SECONDS:
            raise TransientError("The batch needs more time than one call has; the next try goes on.")
        try:
            return ports.embedder.embed(text)
        except Exception:
            stopped.set()
            raise

    with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
        calls = {text_hash: pool.submit(embed, text) for text_hash, text in texts.items()}
    done = {text_hash: call.result() for text_hash, call in calls.items() if call.exception() is None}
    tokens = sum(embedding.tokens for embedding in done.values())
    if tokens:
        ports.meter.record(tenant, EmbeddingTokens=tokens, EstimatedCostUSD=float(model.price.cost(tokens)))
    vectors = {text_hash: embedding.vector for text_hash, embedding in done.items()}
    return EmbeddedTexts(model.model_id, model.dimensions, tokens, vectors), _worst(calls.values())


def _worst(calls: Iterable[Future[Embedding]]) -> Exception | None:
    """The failure that counts: one that no retry helps before one that it may."""
    failures = [error for call in calls if isinstance(error := call.exception(), Exception)]
    return next((error for error in failures if not isinstance(error, TransientError)), next(iter(failures), None))


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


def _fits(batch: VectorBatch | EmbeddedTexts | None, model: EmbeddingModel) -> bool:
    return batch is not None and (batch.model, batch.dimensions) == (model.model_id, model.dimensions)
