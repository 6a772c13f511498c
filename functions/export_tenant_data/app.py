"""Exports a part of the data of a tenant that is being removed."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.domain.records import from_record
from onggi.domain.tenant_data import ExportProgress
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.export_tenant_data import export_tenant_data


@tenant_step("removing")
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run", "export": <progress>}`; returns the progress."""
    export = application.tenant_export(task.record.context, task.record.run)
    progress = from_record(ExportProgress, task.state["export"])
    return asdict(export_tenant_data(progress, export, task.seconds_left))
