"""Records that an execution of the ingestion workflow was stopped, timed out or failed."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.ingestion.record_interruption import event_of_input, record_interruption


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"execution", "status", "input"}`, the input as JSON text or null; returns how the end was recorded."""
    event = event_of_input(state["input"])
    execution, status = state["execution"], state["status"]

    def record() -> dict[str, Any]:
        return asdict(record_interruption(event, execution, status, application.directory, application.tenant_ports))

    return logged(context, {"execution": execution, "status": status}, record)
