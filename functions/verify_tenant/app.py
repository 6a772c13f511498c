"""Tests a new tenant's session on its own stores, on those of others, and on the models."""

from typing import Any

from onggi import bootstrap
from onggi.domain.runs import BEFORE_SWITCH
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.onboarding import verify_models, verify_tenant


@tenant_step("provisioning", stages=BEFORE_SWITCH)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns nothing."""
    tenant = task.record.at_other_placement
    verify_tenant(bootstrap.isolation_probe(tenant))
    embedding = bootstrap.embedding_model(tenant.placement)
    verify_models(bootstrap.tenant_ports(tenant), embedding, bootstrap.settings().generation_model_id)
    return {}
