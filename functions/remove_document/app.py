"""Takes a deleted document out of the index and the artifacts, and gives a receipt."""

from typing import Any

from onggi.entry.workflow import DocumentTask, document_step
from onggi.steps.ingestion.remove_document import remove_document


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration with the versions to remove; returns the receipt."""
    return remove_document(task.tenant, task.document, task.state["versions"], task.ports)
