"""Cuts the text into chunks, in batches."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap
from onggi.entry.logging import spared
from onggi.entry.workflow import WorkflowTask, workflow_step
from onggi.steps.ingestion.chunk_text import Chunking, chunk_text
from splitter import RecursiveSplitter


@workflow_step
def handler(task: WorkflowTask) -> dict[str, Any]:
    """Takes a registration; answers the number of chunks and where their batches are listed."""
    splitter = RecursiveSplitter(task.tenant.settings.chunk_size)
    chunking = chunk_text(task.document, task.ports, splitter, bootstrap.settings().artifacts_bucket)
    spared("the progress was not stored", lambda: _store_progress(task, chunking))
    return asdict(chunking)


def _store_progress(task: WorkflowTask, chunking: Chunking) -> None:
    task.ports.progress.begin(task.document, chunking.pages)
    task.ports.progress.plan(task.document, chunking.chunks)
