"""Writes a document's attributes again after its sidecar has changed."""

from dataclasses import asdict
from typing import Any

from onggi.entry.workflow import DocumentTask, document_step
from onggi.steps.ingestion.update_metadata import update_metadata


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration; returns how it ended and how many vectors it wrote."""
    return asdict(update_metadata(task.document.document_id, task.ports))
