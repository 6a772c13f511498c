"""Decides what an S3 event means and claims the version it speaks of."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.upload import ObjectEvent
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.ingestion.defer_event import defer_event
from onggi.steps.ingestion.register_document import register_document


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"event": <EventBridge event>, "execution": <name>}`; answers a registration."""
    event = ObjectEvent.from_eventbridge(state["event"])

    def register() -> dict[str, Any]:
        admission = defer_event(
            event, state["event"], state["execution"], application.directory, application.deferred_events
        )
        if admission != "admitted":
            return {"outcome": admission}
        return register_document(
            event,
            state["execution"],
            application.directory,
            application.tenant_ports,
            application.settings.max_document_bytes,
        ).to_dict()

    return logged(context, {"execution": state["execution"], "kind": event.kind}, register)
