"""Gets the embedding of every chunk of a batch."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap
from onggi.entry import WorkflowTask, workflow_step
from onggi.steps.embed_chunks import BatchTask, embed_chunks


@workflow_step
def handler(task: WorkflowTask) -> dict[str, Any]:
    """Takes a registration, a batch number and the retries so far; answers how much was embedded, reused and spent."""
    batch = BatchTask(task.state["batch"], task.state.get("retries", 0), task.seconds_left)
    return asdict(embed_chunks(task.tenant, task.document, batch, task.ports, bootstrap.embedding_model()))
