"""Switches a tenant to its new placement."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import SWITCHING
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.move_tenant import switch_placement


@tenant_step(stages=SWITCHING)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns nothing."""
    switch_placement(task.record, application.lifecycle)
    return {}
