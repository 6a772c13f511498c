"""Repeats at the new placement what was uploaded or deleted late at the old one."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import AFTER_SWITCH
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.move_tenant import resume_uploads
from onggi.steps.tenancy.reconcile_uploads import reconcile_uploads


@tenant_step(stages=AFTER_SWITCH)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run", "after"?}`; returns whether more may follow, and after which key."""
    record = resume_uploads(task.record, application.lifecycle)
    ledger, objects = application.tenant_ports(record.context).ledger, application.moving_objects(record)
    return asdict(reconcile_uploads(record.context, task.state["after"], objects, ledger, task.seconds_left))
