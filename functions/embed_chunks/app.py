"""Gets the embedding of every chunk of a batch."""

from dataclasses import asdict, replace
from typing import Any

from onggi.bootstrap import application
from onggi.entry.logging import best_effort
from onggi.entry.workflow import DocumentTask, document_step
from onggi.steps.ingestion.counting_embedder import CountingEmbedder
from onggi.steps.ingestion.embed_chunks import BatchTask, embed_chunks


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration, a batch number and the retries so far; returns how much was embedded, reused and spent."""
    batch = BatchTask(task.state["batch"], task.state.get("retries", 0), task.seconds_left)

    def store(chunks: int) -> None:
        best_effort(
            "the progress was not stored", lambda: task.ports.progress.embed(task.document, batch.batch, chunks)
        )

    ports = replace(task.ports, embedder=CountingEmbedder(task.ports.embedder, store, task.ports.clock))
    model = application.embedding_model(task.tenant.placement)
    embedded = embed_chunks(task.tenant, task.document, batch, ports, model)
    store(embedded.embedded + embedded.reused)
    return asdict(embedded)
