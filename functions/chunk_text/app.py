"""Splits the text into chunks and stores them in batches."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.entry.logging import best_effort
from onggi.entry.workflow import DocumentTask, document_step
from onggi.steps.ingestion.chunk_text import Chunking, chunk_text
from splitter import RecursiveSplitter


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration; returns the number of chunks and the location of the list of their batches."""
    splitter = RecursiveSplitter(task.tenant.settings.chunk_size)
    chunking = chunk_text(task.document, task.ports, splitter, application.settings.artifacts_bucket)
    best_effort("the progress was not stored", lambda: _store_progress(task, chunking))
    return asdict(chunking)


def _store_progress(task: DocumentTask, chunking: Chunking) -> None:
    task.ports.progress.begin(task.document, chunking.pages)
    task.ports.progress.plan(task.document, chunking.chunks)
