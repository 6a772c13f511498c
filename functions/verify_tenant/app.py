"""Tries a new tenant's session on what is its own and on what is not."""

from typing import Any

from onggi import bootstrap, entry
from onggi.steps.move_tenant import BEFORE_SWITCH
from onggi.steps.onboarding import tenant_in_hands, verify_tenant


def handler(state: entry.Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers nothing."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(
            state["tenant_id"], state["run"], bootstrap.directory(), "provisioning", stages=BEFORE_SWITCH
        )
        verify_tenant(bootstrap.wall_probe(record.elsewhere))
        return {}

    return entry.logged(context, {"tenant_id": state["tenant_id"]}, work)
