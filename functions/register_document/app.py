"""Decides what an S3 event means, and claims the version that it announces."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.upload import ObjectEvent
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.ingestion.defer_event import defer_event
from onggi.steps.ingestion.register_document import register_document


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"event": <EventBridge event>, "execution": <name>}`; returns a registration."""
    event, execution = ObjectEvent.from_eventbridge(state["event"]), state["execution"]

    def register() -> dict[str, Any]:
        deferral = defer_event(event, state["event"], execution, application.directory, application.deferred_events)
        if deferral.outcome != "admitted":
            return {"outcome": deferral.outcome}
        max_bytes = application.settings.max_document_bytes
        return register_document(event, execution, deferral.record, application.tenant_ports, max_bytes).to_dict()

    return logged(context, {"execution": execution, "kind": event.kind}, register)
