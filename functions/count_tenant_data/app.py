"""Counts what there is of a tenant that goes, or is moved."""

from typing import Any

from onggi import bootstrap, entry
from onggi.steps.move_tenant import COPYING
from onggi.steps.offboarding import count_tenant_data
from onggi.steps.onboarding import tenant_in_hands


def handler(state: entry.Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run"}`; answers the counts, and whether a document is still being processed."""

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), "removing", stages=COPYING)
        remains = bootstrap.tenant_remains(record)
        counts, busy = count_tenant_data(remains, bootstrap.ingestion())
        return {"counts": counts, "busy": busy}

    return entry.logged(context, {"tenant_id": state["tenant_id"]}, work)
