"""Copies some of what a tenant takes along when it goes."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap
from onggi.domain.records import from_record
from onggi.domain.tenant_data import ExportProgress
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.export_tenant_data import export_tenant_data
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run", "export": <progress>}`; answers the progress."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), "removing")
        export = bootstrap.tenant_export(record.context, record.run)
        progress = from_record(ExportProgress, state["export"])
        return asdict(export_tenant_data(progress, export, seconds_left_of(context)))

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
