"""Checks that nothing of an earlier tenant of the same id is left."""

from typing import Any

from onggi.bootstrap import application
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.onboarding import validate_tenant


@tenant_step("provisioning")
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns nothing."""
    validate_tenant(task.record.context, application.tenant_ports(task.record.context))
    return {}
