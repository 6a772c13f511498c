"""Ends a tenant's move, once nothing is left at the place that it has left."""

from typing import Any

from onggi import bootstrap, entry
from onggi.steps.move_tenant import REMOVING, close_move
from onggi.steps.onboarding import tenant_in_hands


def handler(state: entry.Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers whether nothing was left."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), stages=REMOVING)
        return {"closed": close_move(record, bootstrap.left_place(record), bootstrap.lifecycle())}

    return entry.logged(context, {"tenant_id": state["tenant_id"]}, work)
