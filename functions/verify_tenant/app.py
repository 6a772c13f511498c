"""Tests a new tenant's session on its own stores, on those of others, and on the models."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.runs import BEFORE_SWITCH
from onggi.entry.workflow import TenantTask, tenant_step
from onggi.steps.tenancy.onboarding import verify_models, verify_tenant


@tenant_step("provisioning", stages=BEFORE_SWITCH)
def handler(task: TenantTask) -> dict[str, Any]:
    """Takes `{"tenant_id", "run"}`; returns nothing."""
    tenant = task.record.at_other_placement
    verify_tenant(application.isolation_probe(tenant))
    embedding = application.embedding_model(tenant.placement)
    verify_models(application.tenant_ports(tenant), embedding, application.settings.generation_model_id)
    return {}
