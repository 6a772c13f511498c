"""Records why the workflow stopped, and removes what the failed version has left."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.domain.upload import ObjectEvent
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.ingestion.record_failure import Failure, RecordedFailure, record_failure
from onggi.steps.ingestion.restart_ingestion import began_before_an_upgrade, restart_ingestion


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"event", "execution", "error": {"Error", "Cause"}}`; answers how the failure was recorded."""
    event = ObjectEvent.from_eventbridge(state["event"])
    failure = Failure.from_catch(state["error"])
    registration = state["event"].get("registration", {})
    claimed_version = registration["document"]["version"] if registration.get("outcome") == "process" else None

    def record() -> dict[str, Any]:
        if began_before_an_upgrade(state["error"]) and restart_ingestion(
            state["event"], state["execution"], application.directory, application.tenant_ports, application.ingestion
        ):
            return asdict(RecordedFailure("restarted", failure.code, alarm=False))
        recorded = record_failure(
            event, state["execution"], failure, application.directory, application.tenant_ports, claimed_version
        )
        return asdict(recorded)

    about = {"execution": state["execution"], "code": failure.code, "error": str(state["error"].get("Error"))}
    return logged(context, about, record)
