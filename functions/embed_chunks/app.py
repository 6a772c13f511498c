"""Gets the embedding of every chunk of a batch."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap
from onggi.entry import WorkflowTask, workflow_step
from onggi.steps.embed_chunks import embed_chunks


@workflow_step
def handler(task: WorkflowTask) -> dict[str, Any]:
    """Takes a registration and a batch number; answers how much was embedded, reused and spent."""
    model = bootstrap.embedding_model()
    return asdict(embed_chunks(task.tenant, task.document, task.state["batch"], task.ports, model))
