"""Starts the ingestion workflow for uploads that have waited until their tenant was active."""

from typing import Any

from onggi import bootstrap
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import REMOVING
from onggi.steps.tenancy.onboarding import tenant_in_hands
from onggi.steps.tenancy.release_uploads import release_uploads


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers whether more may wait."""
    tenant_id = state["tenant_id"]

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), "active", stages=REMOVING)
        if record.holds_uploads:  # suspended while it was being moved, or active again while it still is
            return {"more": False}
        waiting, ingestion = bootstrap.waiting_events(), bootstrap.ingestion()
        return {"more": release_uploads(record, waiting, ingestion, seconds_left_of(context))}

    return logged(context, {"tenant_id": tenant_id}, work)
