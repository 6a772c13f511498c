"""Removes some of what there is of a tenant that goes, or at the place that it has left."""

from typing import Any

from onggi import bootstrap
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import REMOVING
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers whether more may be left."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), "removing", stages=REMOVING)
        remains = bootstrap.tenant_remains(record) if record.status == "removing" else bootstrap.left_place(record)
        return {"more": remains.remove_some(seconds_left_of(context))}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
