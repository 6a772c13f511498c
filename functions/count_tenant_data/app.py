"""Counts the data of a tenant that is being removed or moved."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.domain.records import from_record
from onggi.domain.runs import COPYING
from onggi.domain.tenant_data import CountProgress
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.offboarding import count_tenant_data


@tenant_step("removing", stages=COPYING)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run", "progress"?, "counting"?}`; returns the progress, and the counts at its end.

    `busy` asks for another call: a document is still being processed, or there was no time for everything.
    """
    before = from_record(CountProgress, task.state.get("progress") or {})
    purger, counting = application.tenant_purger(task.record), task.state.get("counting", True)
    progress = count_tenant_data(purger, application.ingestion, before, task.seconds_left, counting=counting)
    return {"counts": progress.counts, "busy": progress.more, "progress": asdict(progress)}
