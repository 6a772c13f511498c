"""Ends the removal of a tenant with a receipt, once nothing is left."""

from typing import Any

from onggi import bootstrap
from onggi.domain.records import from_record
from onggi.domain.tenant_data import ExportProgress
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.offboarding import close_tenant
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run", "before", "export"}`; answers whether nothing was left."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), "removing")
        remains = bootstrap.tenant_remains(record)
        exported = from_record(ExportProgress, state["export"])
        bucket = bootstrap.settings().artifacts_bucket
        receipt = close_tenant(record, state["before"], exported, bucket, remains, bootstrap.lifecycle(), bootstrap.now)
        return {"closed": receipt is not None}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
