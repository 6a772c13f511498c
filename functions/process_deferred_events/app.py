"""Starts the ingestion workflow for events that were deferred until their tenant was active."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import REMOVING
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.process_deferred_events import process_deferred_events


@tenant_step("active", stages=REMOVING)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns whether more events may be deferred."""
    if task.record.pauses_uploads:  # suspended while it was being moved, or active again while it still is
        return {"more": False}
    deferred, ingestion = application.deferred_events, application.ingestion
    return {"more": process_deferred_events(task.record, deferred, ingestion, task.seconds_left)}
