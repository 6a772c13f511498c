"""Takes a deleted document out of the index and the artifacts, and gives a receipt."""

from typing import Any

from onggi.entry.workflow import WorkflowTask, workflow_step
from onggi.steps.ingestion.remove_document import remove_document


@workflow_step
def handler(task: WorkflowTask) -> dict[str, Any]:
    """Takes a registration with the versions to remove; answers the receipt."""
    return remove_document(task.tenant, task.document, task.state["versions"], task.ports)
