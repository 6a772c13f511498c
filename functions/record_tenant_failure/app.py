"""Tells operators why a workflow on a tenant has stopped."""

from typing import Any

from onggi.bootstrap import application
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.record_tenant_failure import record_tenant_failure


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run", "error": {"Error", "Cause"}}`; returns whether that concerns anybody."""
    tenant_id = state["tenant_id"]

    def record() -> dict[str, Any]:
        recorded = record_tenant_failure(
            tenant_id, state["run"], state["error"], application.directory, application.lifecycle
        )
        return {"recorded": recorded}

    return logged(context, {"tenant_id": tenant_id, "error": str(state["error"].get("Error"))}, record)
