"""The workflow of a move, state by state, over functions that answer what they are told to."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from onggi.domain.tenant import MoveStage
from tests.deployment_template import state_machine

STATES: dict[str, dict[str, Any]] = state_machine("relocation")["States"]
CARRYING = ["CarryOverUploads", "CarryOverUploads"]
RELEASING = ["ReleaseUploads", "ReleaseUploads"]
LEAVING = ["RemoveTenantData", "RemoveTenantData", "CloseMove", "RemoveTenantData", "CloseMove"]
FROM_THE_SWITCH_ON = [*CARRYING, *RELEASING, *CARRYING, *LEAVING]
PREPARING = ["PlaceTenant", "ProvisionTenant", "ProvisionTenant", "VerifyTenant", "HoldUploads"]
COPYING = ["CountTenantData", "CountTenantData", "CopyTenantData", "CopyTenantData", "SwitchPlacement"]


def answers() -> dict[str, Iterator[Any]]:
    """What each function answers, call by call."""
    return {
        "PlaceTenant": iter([{"vector_bucket": "pool"}]),
        "ProvisionTenant": iter([{"ready": False}, {"ready": True}]),
        "VerifyTenant": iter([{}]),
        "HoldUploads": iter([{}]),
        "CountTenantData": iter([{"counts": {}, "busy": True}, {"counts": {}, "busy": False}]),
        "CopyTenantData": iter([{"more": True, "stage": "vectors", "after": "x"}, {"more": False, "stage": "vectors"}]),
        "SwitchPlacement": iter([{}]),
        "CarryOverUploads": iter([{"more": True, "after": "k"}, {"more": False, "after": None}] * 2),
        "ReleaseUploads": iter([{"more": True}, {"more": False}]),
        "RemoveTenantData": iter([{"more": True}, {"more": False}, {"more": False}]),
        "CloseMove": iter([{"closed": False}, {"closed": True}]),
        "RecordTenantFailure": iter([{"recorded": True}]),
    }


class Execution:
    """Follows the definition as far as it goes: paths, choices, passes and waits; no time passes."""

    def __init__(self, stage: MoveStage) -> None:
        self.data: dict[str, Any] = {"tenant_id": "acme", "run": "r1", "stage": stage, "copy": {"more": True}}
        self.data |= {"settling": 30, "decisions": 60, "grace": 960}
        self.tasks: list[str] = []
        self.inputs: list[dict[str, Any]] = []
        self.waits: list[str] = []

    def run(self, *, failing: str | None = None) -> str:
        answering, name = answers(), state_machine("relocation")["StartAt"]
        while STATES[name]["Type"] not in {"Succeed", "Fail"}:
            state = STATES[name]
            if state["Type"] == "Task":
                self.tasks.append(name)
                self.inputs.append({key.removesuffix(".$"): self.at(path) for key, path in state["Parameters"].items()})
                if name == failing:
                    self.data["error"] = {"Error": "Conflict", "Cause": "{}"}
                    name = state["Catch"][0]["Next"]
                    continue
                self.put(state["ResultPath"], next(answering[name]))
            elif state["Type"] == "Pass":
                self.put(
                    state["ResultPath"], deepcopy(state["Result"]) if "Result" in state else self.at(state["InputPath"])
                )
            elif state["Type"] == "Wait":
                self.waits.append(name)
                assert int(state.get("Seconds") or self.at(state["SecondsPath"])) > 0
            name = self.chosen(state) if state["Type"] == "Choice" else state["Next"]
        return str(name)

    def chosen(self, state: dict[str, Any]) -> str:
        for rule in state["Choices"]:
            (expected,) = [value for key, value in rule.items() if key.endswith("Equals")]
            if self.at(rule["Variable"]) == expected:
                return str(rule["Next"])
        return str(state["Default"])

    def at(self, path: str) -> Any:
        value: Any = self.data
        for name in path.split(".")[1:]:
            value = value[name]
        return value

    def put(self, path: str | None, value: Any) -> None:
        if path is not None:
            *above, last = path.split(".")
            self.at(".".join(above))[last] = value


@pytest.mark.parametrize(
    ("stage", "tasks", "first_wait"),
    [
        ("preparing", [*PREPARING, *COPYING, *FROM_THE_SWITCH_ON], "LetStackStand"),
        ("copying", [*PREPARING, *COPYING, *FROM_THE_SWITCH_ON], "LetStackStand"),
        ("switched", FROM_THE_SWITCH_ON, "LetDecisionsExpire"),
        ("leaving", FROM_THE_SWITCH_ON, "LetFormsExpire"),
        ("abandoned", [*RELEASING, *LEAVING], "LetCopiesEnd"),
    ],
)
def test_a_move_goes_on_where_it_was(stage: MoveStage, tasks: list[str], first_wait: str) -> None:
    execution = Execution(stage)
    assert execution.run() == "Done"
    assert execution.tasks == tasks
    assert execution.waits[0] == first_wait


def test_a_move_waits_before_what_others_would_disturb() -> None:
    execution = Execution("preparing")
    execution.run()
    assert execution.waits == [
        "LetStackStand",
        "LetRegistrationsEnd",
        "LetDocumentsEnd",
        "LetDecisionsExpire",
        "LetFormsExpire",
        "LetRemovalGoOn",
    ]


def test_functions_get_on_where_the_call_before_has_ended() -> None:
    execution = Execution("preparing")
    execution.run()
    calls = list(zip(execution.tasks, execution.inputs, strict=True))
    assert all(given | {"tenant_id": "acme", "run": "r1"} == given for _, given in calls)
    assert [given["after"] for name, given in calls if name == "CarryOverUploads"] == [None, "k", None, "k"]
    copies = [given["copy"] for name, given in calls if name == "CopyTenantData"]
    assert copies == [{"more": True}, {"more": True, "stage": "vectors", "after": "x"}]


@pytest.mark.parametrize("failing", sorted(set(PREPARING + COPYING + FROM_THE_SWITCH_ON)))
def test_a_step_that_fails_is_told(failing: str) -> None:
    execution = Execution("preparing")
    assert execution.run(failing=failing) == "Failed"
    assert execution.tasks[-2:] == [failing, "RecordTenantFailure"]
    assert execution.inputs[-1]["error"]["Error"] == "Conflict"
