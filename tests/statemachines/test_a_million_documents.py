"""The arithmetic of docs/decisions/0003-long-loops-hand-over.md: what a tenant of 1,000,000 documents takes."""

import pytest

from tests.statemachines.interpreter import HISTORY_LIMIT, Json, Run

DOCUMENTS = 1_000_000
SECONDS_A_CALL = 230
COPIES_A_SECOND = 100
BATCHES_A_SECOND = 8 / 0.3
SECONDS = {
    "CountTenantData": [1_000 * 0.3 + 4_000 * 0.3 + 10_000 * 0.3 + 2 * 2_000 * 0.05],
    "CopyTenantData": [5 * DOCUMENTS / COPIES_A_SECOND + DOCUMENTS / BATCHES_A_SECOND],
    "ReconcileUploads": [10_000 * 0.5, 10_000 * 0.5],
    "ExportTenantData": [2 * DOCUMENTS / COPIES_A_SECOND + 100_000 * 0.5 + 1_200 * 0.2],
    "RemoveTenantData": [5_000 * 1.5 + DOCUMENTS / 25 * 0.03],
    "ProcessDeferredEvents": [DOCUMENTS / 25],
}
"""What each loop works in all, one number for each time that a workflow comes to it."""
CALL = {"ProcessDeferredEvents": 20, "CountTenantData": 540}
"""Seconds that a call works, where they are not those of most."""


class Tenant:
    """Functions that work as long as their time allows, and a document that keeps everybody waiting at first."""

    def __init__(self, waiting_turns: int = 0, waiting_uploads: bool = False) -> None:
        self._waiting = waiting_turns
        self._left = {name: list(map(float, seconds)) for name, seconds in SECONDS.items()}
        if not waiting_uploads:
            self._left["ProcessDeferredEvents"] = [0.0]
        self.seconds = 0.0

    def __call__(self, name: str, given: Json) -> Json:
        more = False
        if name == "CountTenantData" and self._waiting:
            self._waiting -= 1
            more = True
        elif name == "CountTenantData" and not given["counting"]:
            more = False
        elif name in self._left:
            more = self._work(name)
        answer = {"more": more, "busy": more, "ready": not more, "closed": True, "counts": {}, "objects": 1}
        return answer | {"after": None, "recorded": True, "progress": {"more": more, "counts": {}}}

    def _work(self, name: str) -> bool:
        seconds = min(self._left[name][0], CALL.get(name, SECONDS_A_CALL))
        self.seconds += seconds
        self._left[name][0] -= seconds
        if self._left[name][0] > 0:
            return True
        self._left[name].pop(0)
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
    ids=["move", "move that waits for eight hours", "removal with an export", "release"],
)
def test_what_a_million_documents_take(machine: str, tenant: Tenant, calls: int, executions: int, hours: int) -> None:
    run = run_of(machine, tenant)
    assert len(run.tasks) == pytest.approx(calls, rel=0.03)
    assert len(run.executions) == executions
    assert max(run.events) < HISTORY_LIMIT / 3
    assert round(tenant.seconds / 3600) == hours
