"""Makes what a tenant needs at its place: its index, and before that what is its own alone."""

from pathlib import Path
from typing import Any

from onggi import bootstrap
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import BEFORE_SWITCH
from onggi.steps.tenancy.onboarding import provision_tenant, tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers whether all is made."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(
            state["tenant_id"], state["run"], bootstrap.directory(), "provisioning", stages=BEFORE_SWITCH
        )
        stacks = bootstrap.tenant_stacks(Path(__file__).with_name("tenant_stack.yaml").read_text("utf-8"))
        return {"ready": provision_tenant(record, stacks, bootstrap.provisioner())}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
