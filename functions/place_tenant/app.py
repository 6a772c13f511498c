"""Finds the vector bucket that has room for a new tenant's index."""

from typing import Any

from onggi import bootstrap
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import BEFORE_SWITCH
from onggi.steps.tenancy.onboarding import place_tenant, tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers where the tenant was placed."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(
            state["tenant_id"], state["run"], bootstrap.directory(), "provisioning", stages=BEFORE_SWITCH
        )
        placed = place_tenant(record, bootstrap.settings().vector_buckets, bootstrap.lifecycle())
        return {"vector_bucket": placed.elsewhere.placement.vector_bucket}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
