"""Extracts the text of the uploaded file and stores it among the artifacts."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.entry.workflow import DocumentTask, granted_document_step
from onggi.steps.ingestion.extract_text import extract_text
from readers.sandbox import Sandbox
from readers.sandboxed import SandboxedReaders
from readers.workspace import claim

FOLDER = claim()
"""Documents are stored here while they are read."""
READERS = SandboxedReaders(Sandbox())
"""One for each environment of the function: the first document starts the fork server, the next ones use it."""


@granted_document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration and a grant; returns the numbers of pages and characters and the language."""
    return asdict(extract_text(task.tenant, task.document, task.ports, READERS, application.recognition_model))
