"""Turns the uploaded file into normalised text among the artifacts."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.entry.workflow import DocumentTask, granted_document_step
from onggi.steps.ingestion.extract_text import extract_text
from readers.cage import Cage
from readers.caged import CagedReaders
from readers.workspace import claim

FOLDER = claim()
"""Where documents lie while they are read."""
READERS = CagedReaders(Cage())
"""One an environment: its process is started by the first document and forks for all that follow."""


@granted_document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration and a grant; returns pages, characters and language."""
    return asdict(extract_text(task.tenant, task.document, task.ports, READERS, application.recognition_model))
