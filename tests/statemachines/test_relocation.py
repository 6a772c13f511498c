"""The relocation workflow, state by state, with test doubles of its functions."""

from typing import Any

import pytest

from onggi.domain.tenant import MoveStage
from tests.statemachines.interpreter import FunctionError, Json, Run

RECONCILING = ["ReconcileUploads", "ReconcileUploads"]
RELEASING = ["ProcessDeferredEvents", "ProcessDeferredEvents"]
LEAVING = ["RemoveTenantData", "RemoveTenantData", "CloseMove", "RemoveTenantData", "CloseMove"]
AFTER_THE_SWITCH = [*RECONCILING, *RELEASING, *RECONCILING, *LEAVING]
PREPARING = ["PlaceTenant", "ProvisionTenant", "ProvisionTenant", "VerifyTenant", "PauseUploads"]
COPYING = ["CountTenantData", "CountTenantData", "CopyTenantData", "CopyTenantData", "SwitchPlacement"]
COPIED = {"more": True, "stage": "vectors", "after": "x"}


class Functions:
    """The outputs of each function, call by call."""

    def __init__(self, failing: str | None = None) -> None:
        self._failing = failing
        self._responses: dict[str, Any] = {
            "PlaceTenant": iter([{"vector_bucket": "pool"}]),
            "ProvisionTenant": iter([{"ready": False}, {"ready": True}]),
            "VerifyTenant": iter([{}]),
            "PauseUploads": iter([{}]),
            "CountTenantData": iter(
                [
                    {"counts": {}, "busy": True, "progress": {"more": True, "cursor": "c"}},
                    {"counts": {}, "busy": False, "progress": {"more": False}},
                ]
            ),
            "CopyTenantData": iter([COPIED, {"more": False, "stage": "vectors"}]),
            "SwitchPlacement": iter([{}]),
            "ReconcileUploads": iter([{"more": True, "after": "k"}, {"more": False, "after": None}] * 2),
            "ProcessDeferredEvents": iter([{"more": True}, {"more": False}]),
            "RemoveTenantData": iter([{"more": True}, {"more": False}, {"more": False}]),
            "CloseMove": iter([{"closed": False}, {"closed": True}]),
            "RecordTenantFailure": iter([{"recorded": True}]),
        }

    def __call__(self, name: str, _: Json) -> Json:
        if name == self._failing:
            raise FunctionError("Conflict")
        answer: Json = next(self._responses[name])
        return answer


def run_of(stage: MoveStage, *, failing: str | None = None, turns: int = 500) -> tuple[Run, str]:
    run = Run("relocation", Functions(failing), turns)
    state = {"tenant_id": "acme", "run": "r1", "stage": stage, "settling": 30, "decisions": 60, "grace": 960}
    return run, run.start("acme-r1", state)


STAGES: list[tuple[MoveStage, list[str], str]] = [
    ("preparing", [*PREPARING, *COPYING, *AFTER_THE_SWITCH], "LetStackStand"),
    ("copying", [*PREPARING, *COPYING, *AFTER_THE_SWITCH], "LetStackStand"),
    ("switched", AFTER_THE_SWITCH, "LetDecisionsExpire"),
    ("leaving", AFTER_THE_SWITCH, "LetFormsExpire"),
    ("abandoned", [*RELEASING, *LEAVING], "LetCopiesEnd"),
]


@pytest.mark.parametrize("turns", [500, 2, 1])
@pytest.mark.parametrize(("stage", "tasks", "first_wait"), STAGES)
def test_a_move_resumes_at_its_stage(stage: MoveStage, tasks: list[str], first_wait: str, turns: int) -> None:
    run, end = run_of(stage, turns=turns)
    assert end == "Done"
    assert run.tasks == tasks, "the same for any number of executions"
    assert run.waits[0] == first_wait
    assert (len(run.executions) > 1) == (turns < 500)


@pytest.mark.parametrize("turns", [500, 1])
def test_a_move_waits_for_concurrent_work(turns: int) -> None:
    run, _ = run_of("preparing", turns=turns)
    assert run.waits == [
        "LetStackStand",
        "LetRegistrationsEnd",
        "LetDocumentsEnd",
        "LetDecisionsExpire",
        "LetFormsExpire",
        "LetRemovalGoOn",
    ]


@pytest.mark.parametrize("turns", [500, 1])
def test_functions_continue_after_the_previous_call(turns: int) -> None:
    run, _ = run_of("preparing", turns=turns)
    calls = list(zip(run.tasks, run.inputs, strict=True))
    assert all(given | {"tenant_id": "acme", "run": "r1"} == given for _, given in calls)
    assert [given["after"] for name, given in calls if name == "ReconcileUploads"] == [None, "k", None, "k"]
    assert [given["copy"] for name, given in calls if name == "CopyTenantData"] == [{"more": True}, COPIED]
    counted = [given for name, given in calls if name == "CountTenantData"]
    assert [given["progress"] for given in counted] == [{}, {"more": True, "cursor": "c"}]
    assert {given["counting"] for given in counted} == {False}, "a move needs no counts"


@pytest.mark.parametrize("turns", [500, 1])
@pytest.mark.parametrize("failing", sorted(set(PREPARING + COPYING + AFTER_THE_SWITCH)))
def test_a_failed_step_is_recorded(failing: str, turns: int) -> None:
    run, end = run_of("preparing", failing=failing, turns=turns)
    assert end == "Failed"
    assert run.tasks[-1] == "RecordTenantFailure"
    assert run.inputs[-1]["error"]["Error"] == "Conflict"
