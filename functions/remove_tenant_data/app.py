"""Removes a part of the data of a tenant that is being removed, or of the placement that it has left."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import REMOVING
from onggi.entry.workflow import TenantTask, tenant_step


@tenant_step("removing", stages=REMOVING)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns whether more may be left."""
    is_offboarded = task.record.status == "removing"
    purger = application.tenant_purger(task.record) if is_offboarded else application.vacated_placement(task.record)
    return {"more": purger.purge_batch(task.seconds_left)}
