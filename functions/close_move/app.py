"""Ends a tenant's move, once nothing is left at the place that it has left."""

from typing import Any

from onggi import bootstrap
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import REMOVING, close_move
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers whether nothing was left."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), stages=REMOVING)
        return {"closed": close_move(record, bootstrap.left_place(record), bootstrap.lifecycle())}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
