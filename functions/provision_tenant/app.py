"""Creates what a tenant needs at its place: its stack where it has one of its own, then its index."""

from pathlib import Path
from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import BEFORE_SWITCH
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.onboarding import provision_tenant


@tenant_step("provisioning", stages=BEFORE_SWITCH)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns whether everything exists."""
    stacks = application.tenant_stacks(Path(__file__).with_name("tenant_stack.yaml").read_text("utf-8"))
    return {"ready": provision_tenant(task.record, stacks, application.create_index)}
