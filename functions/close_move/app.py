"""Ends a tenant's move once nothing is left at the old placement."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import REMOVING
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.move_tenant import close_move


@tenant_step(stages=REMOVING)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns whether nothing was left."""
    closed = close_move(task.record, application.vacated_placement(task.record), application.lifecycle)
    return {"closed": closed}
