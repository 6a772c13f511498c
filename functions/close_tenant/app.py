"""Ends the removal of a tenant with a receipt, once nothing is left."""

from typing import Any

from onggi import bootstrap
from onggi.domain.records import from_record
from onggi.domain.tenant_data import ExportProgress
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.offboarding import close_tenant


@tenant_step("removing")
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run", "before", "export"}`; returns whether nothing was left."""
    record, exported = task.record, from_record(ExportProgress, task.state["export"])
    purger, bucket = bootstrap.tenant_purger(record), bootstrap.settings().artifacts_bucket
    receipt = close_tenant(record, task.state["before"], exported, bucket, purger, bootstrap.lifecycle(), bootstrap.now)
    return {"closed": receipt is not None}
