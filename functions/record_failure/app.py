"""Records why the workflow stopped, and removes what is left of the failed version."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.ingestion.record_failure import RecordedFailure, StoppedExecution, record_failure
from onggi.steps.ingestion.restart_ingestion import began_before_an_upgrade, restart_ingestion


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"event", "execution", "registration", "error": {"Error", "Cause"}}`; returns how it was recorded."""
    stopped = StoppedExecution.from_state(state)
    directory, ports_of = application.directory, application.tenant_ports

    def record() -> dict[str, Any]:
        if began_before_an_upgrade(state["error"]) and restart_ingestion(
            state["event"], stopped.execution, directory, ports_of, application.ingestion
        ):
            return asdict(RecordedFailure("restarted", stopped.failure.code, alarm=False))
        return asdict(record_failure(stopped, directory, ports_of))

    about = {"execution": stopped.execution, "code": stopped.failure.code, "error": str(state["error"].get("Error"))}
    return logged(context, about, record)
