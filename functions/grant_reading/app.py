"""Grants the reading of one document to ExtractText."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.entry.workflow import DocumentTask, document_step
from onggi.steps.ingestion.grant_reading import grant_reading


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration and the whole state; returns a grant, encrypted."""
    before = task.state["so_far"].get("grant", {}).get("number", 0)
    return asdict(grant_reading(task.tenant, task.document, task.ports, application.reading_grants, before))
