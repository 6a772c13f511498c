"""Counts what there is of a tenant that goes, or is moved."""

from dataclasses import asdict
from typing import Any

from onggi import bootstrap
from onggi.domain.records import from_record
from onggi.domain.tenant_data import CountProgress
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.steps.tenancy.move_tenant import COPYING
from onggi.steps.tenancy.offboarding import count_tenant_data
from onggi.steps.tenancy.onboarding import tenant_in_hands


def handler(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes `{"tenant_id", "run", "progress"?, "counting"?}`; answers the progress, and the counts at its end.

    `busy` asks for another call: a document is still being processed, or there was no time for everything.
    """

    def work() -> dict[str, Any]:
        record = tenant_in_hands(state["tenant_id"], state["run"], bootstrap.directory(), "removing", stages=COPYING)
        remains = bootstrap.tenant_remains(record)
        before = from_record(CountProgress, state.get("progress") or {})
        seconds_left, counting = seconds_left_of(context), state.get("counting", True)
        progress = count_tenant_data(remains, bootstrap.ingestion(), before, seconds_left, counting=counting)
        return {"counts": progress.counts, "busy": progress.more, "progress": asdict(progress)}

    return logged(context, {"tenant_id": state["tenant_id"]}, work)
