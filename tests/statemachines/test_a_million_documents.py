"""The calculation of docs/decisions/0003-long-loops-hand-over.md for a tenant with 1,000,000 documents."""

import pytest

from tests.statemachines.interpreter import MAX_HISTORY_EVENTS, Json, Run

DOCUMENTS = 1_000_000
SECONDS_PER_CALL = 230
COPIES_PER_SECOND = 100
BATCHES_PER_SECOND = 8 / 0.3
SECONDS = {
    "CountTenantData": [1_000 * 0.3 + 4_000 * 0.3 + 10_000 * 0.3 + 2 * 2_000 * 0.05],
    "CopyTenantData": [5 * DOCUMENTS / COPIES_PER_SECOND + DOCUMENTS / BATCHES_PER_SECOND],
    "ReconcileUploads": [10_000 * 0.5, 10_000 * 0.5],
    "ExportTenantData": [2 * DOCUMENTS / COPIES_PER_SECOND + 100_000 * 0.5 + 1_200 * 0.2],
    "RemoveTenantData": [5_000 * 1.5 + DOCUMENTS / 25 * 0.03],
    "ProcessDeferredEvents": [DOCUMENTS / 25],
}
"""The total seconds of work of each loop, one number for each time that a workflow enters it."""
CALL = {"ProcessDeferredEvents": 20, "CountTenantData": 540}
"""The seconds of work per call, if they differ from SECONDS_PER_CALL."""


class Tenant:
    """The functions of a tenant, each of which works for the time of a call; a document may block them at first."""

    def __init__(self, waiting_turns: int = 0, waiting_uploads: bool = False) -> None:
        self._waiting = waiting_turns
        self._remaining = {name: list(map(float, seconds)) for name, seconds in SECONDS.items()}
        if not waiting_uploads:
            self._remaining["ProcessDeferredEvents"] = [0.0]
        self.seconds = 0.0

    def __call__(self, name: str, given: Json) -> Json:
        more = False
        if name == "CountTenantData" and self._waiting:
            self._waiting -= 1
            more = True
        elif name == "CountTenantData" and not given["counting"]:
            more = False
        elif name in self._remaining:
            more = self._work(name)
        answer = {"more": more, "busy": more, "ready": not more, "closed": True, "counts": {}, "objects": 1}
        return answer | {"after": None, "recorded": True, "progress": {"more": more, "counts": {}}}

    def _work(self, name: str) -> bool:
        seconds = min(self._remaining[name][0], CALL.get(name, SECONDS_PER_CALL))
        self.seconds += seconds
        self._remaining[name][0] -= seconds
        if self._remaining[name][0] > 0:
            return True
        self._remaining[name].pop(0)
        return False


def run_of(machine: str, tenant: Tenant) -> Run:
    run = Run(machine, tenant)
    state = {"tenant_id": "acme", "run": "r1", "stage": "preparing", "settling": 30, "decisions": 60, "grace": 960}
    assert run.start("acme-r1", state | {"export": {"more": True}}) == "Done"
    return run


@pytest.mark.parametrize(
    ("machine", "tenant", "calls", "executions", "hours"),
    [
        ("relocation", Tenant(), 470, 1, 30),
        ("relocation", Tenant(waiting_turns=5760), 6230, 13, 30),
        ("offboarding", Tenant(), 355, 1, 23),
        ("resumption", Tenant(waiting_uploads=True), 2000, 4, 11),
    ],
    ids=["move", "move with a wait of eight hours", "removal with an export", "release"],
)
def test_a_million_documents_need_these_calls_and_executions(
    machine: str, tenant: Tenant, calls: int, executions: int, hours: int
) -> None:
    run = run_of(machine, tenant)
    assert len(run.tasks) == pytest.approx(calls, rel=0.03)
    assert len(run.executions) == executions
    assert max(run.events) < MAX_HISTORY_EVENTS / 3
    assert round(tenant.seconds / 3600) == hours
