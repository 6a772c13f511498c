"""Records that an execution of the ingestion workflow was stopped, timed out or failed."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap, entry
from onggi.steps.record_interruption import event_of_input, record_interruption


def handler(state: entry.Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"execution", "status", "input"}`, the input as JSON text or null; answers how the end was recorded."""
    event = event_of_input(state["input"])
    execution, status = state["execution"], state["status"]

    def record() -> dict[str, Any]:
        return asdict(record_interruption(event, execution, status, bootstrap.directory(), bootstrap.tenant_ports))

    return entry.logged(context, {"execution": execution, "status": status}, record)
