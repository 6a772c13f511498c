"""Puts a tenant's new place into use."""

from typing import Any

from onggi import bootstrap
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import SWITCHING, switch_placement
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers nothing."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), stages=SWITCHING)
        switch_placement(record, bootstrap.lifecycle())
        return {}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
