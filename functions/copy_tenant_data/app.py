"""Copies some of a tenant's data to its new place."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap
from onggi.domain.records import from_record
from onggi.domain.tenant_data import CopyProgress
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.copy_tenant_data import copy_tenant_data
from onggi.steps.tenancy.move_tenant import COPYING
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run", "copy": <progress>}`; answers the progress."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), stages=COPYING)
        ports, new_place = bootstrap.tenant_ports(record.context), bootstrap.tenant_ports(record.elsewhere)
        progress = from_record(CopyProgress, state["copy"])
        objects, seconds_left = bootstrap.moving_objects(record), seconds_left_of(context)
        return asdict(copy_tenant_data(record.context, progress, objects, ports, new_place, seconds_left))

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
