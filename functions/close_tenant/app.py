"""Ends the removal of a tenant with a receipt, once nothing is left."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.records import from_record
from onggi.domain.tenant_data import ExportProgress
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.offboarding import close_tenant


@tenant_step("removing")
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run", "before", "export"}`; returns whether nothing was left."""
    record, exported = task.record, from_record(ExportProgress, task.state["export"])
    purger, bucket = application.tenant_purger(record), application.settings.artifacts_bucket
    receipt = close_tenant(
        record, task.state["before"], exported, bucket, purger, application.lifecycle, application.now
    )
    return {"closed": receipt is not None}
