"""Defers the events of a tenant's uploads while its data is copied."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import BEFORE_SWITCH
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.move_tenant import pause_uploads


@tenant_step(stages=BEFORE_SWITCH)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns nothing."""
    pause_uploads(task.record, application.lifecycle)
    return {}
