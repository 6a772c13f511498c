"""Turns the uploaded file into normalised text among the artifacts."""

from dataclasses import asdict
from typing import Any

from onggi.entry import WorkflowTask, workflow_step
from onggi.steps.extract_text import extract_text
from readers import Readers


@workflow_step
def handler(task: WorkflowTask) -> dict[str, Any]:
    """Takes a registration; answers pages, characters and language."""
    return asdict(extract_text(task.document, task.ports, Readers()))
