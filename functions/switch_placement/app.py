"""Switches a tenant to its new placement."""

from typing import Any

from onggi import bootstrap
from onggi.domain.runs import SWITCHING
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.move_tenant import switch_placement


@tenant_step(stages=SWITCHING)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns nothing."""
    switch_placement(task.record, bootstrap.lifecycle())
    return {}
