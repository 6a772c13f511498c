"""Finds the vector bucket that has room for a new tenant's index."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import BEFORE_SWITCH
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.onboarding import place_tenant


@tenant_step("provisioning", stages=BEFORE_SWITCH)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns the vector bucket."""
    placed = place_tenant(task.record, application.settings.vector_buckets, application.lifecycle)
    return {"vector_bucket": placed.at_other_placement.placement.vector_bucket}
