"""Removes some of what there is of a tenant that goes, or at the place that it has left."""

from typing import Any

from onggi import bootstrap, entry
from onggi.steps.move_tenant import REMOVING
from onggi.steps.onboarding import tenant_in_hands


def handler(state: entry.Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers whether more may be left."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), "removing", stages=REMOVING)
        remains = bootstrap.tenant_remains(record) if record.status == "removing" else bootstrap.left_place(record)
        return {"more": remains.remove_some(entry.seconds_left_of(context))}

    return entry.logged(context, {"tenant_id": state["tenant_id"]}, work)
