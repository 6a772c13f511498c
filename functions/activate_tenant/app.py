"""Opens the API to a new tenant."""

from typing import Any

from onggi.bootstrap import application
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.onboarding import activate_tenant


@tenant_step("provisioning", "active")
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns nothing."""
    activate_tenant(task.record, application.lifecycle)
    return {}
