"""Writes a document's attributes anew, after its sidecar has changed."""

from dataclasses import asdict
from typing import Any

from onggi.entry.workflow import WorkflowTask, workflow_step
from onggi.steps.ingestion.describe_document import describe_document


@workflow_step
def handler(task: WorkflowTask) -> dict[str, Any]:
    """Takes a registration; answers how describing ended and how many vectors it wrote."""
    return asdict(describe_document(task.document.document_id, task.ports))
