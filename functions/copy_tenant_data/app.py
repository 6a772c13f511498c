"""Copies a part of a tenant's data to its new placement."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.domain.records import from_record
from onggi.domain.runs import COPYING
from onggi.domain.tenant_data import CopyProgress
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.copy_tenant_data import copy_tenant_data


@tenant_step(stages=COPYING)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run", "copy": <progress>}`; returns the progress."""
    record = task.record
    ports, new_place = application.tenant_ports(record.context), application.tenant_ports(record.at_other_placement)
    progress, objects = from_record(CopyProgress, task.state["copy"]), application.moving_objects(record)
    return asdict(copy_tenant_data(record.context, progress, objects, ports, new_place, task.seconds_left))
