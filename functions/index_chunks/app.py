"""Writes an embedded batch to the tenant's vector index."""

from dataclasses import asdict
from typing import Any

from onggi.entry.workflow import DocumentTask, document_step
from onggi.steps.ingestion.index_chunks import index_chunks


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration and a batch number; returns how much was indexed."""
    return asdict(index_chunks(task.document, task.state["batch"], task.ports))
