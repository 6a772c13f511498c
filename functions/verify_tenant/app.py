"""Tries a new tenant's session on what is its own, on what is not, and on the models."""

from typing import Any

from onggi import bootstrap
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import BEFORE_SWITCH
from onggi.steps.tenancy.onboarding import tenant_in_hands, verify_models, verify_tenant


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers nothing."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(
            state["tenant_id"], state["run"], bootstrap.directory(), "provisioning", stages=BEFORE_SWITCH
        )
        tenant = record.elsewhere
        verify_tenant(bootstrap.wall_probe(tenant))
        embedding = bootstrap.embedding_model(tenant.placement)
        verify_models(bootstrap.tenant_ports(tenant), embedding, bootstrap.settings().generation_model_id)
        return {}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
