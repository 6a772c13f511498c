"""Carries over what was uploaded to the place that a tenant has left."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.carry_over_uploads import carry_over_uploads
from onggi.steps.tenancy.move_tenant import AFTER_SWITCH, let_uploads_in
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run", "after"?}`; answers whether more may follow, and behind which key."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), stages=AFTER_SWITCH)
        record = let_uploads_in(record, bootstrap.lifecycle())
        ledger = bootstrap.tenant_ports(record.context).ledger
        objects = bootstrap.moving_objects(record)
        seconds_left = seconds_left_of(context)
        return asdict(carry_over_uploads(record.context, state["after"], objects, ledger, seconds_left))

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
