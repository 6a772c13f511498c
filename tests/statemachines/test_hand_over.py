"""An execution starts its successor before its history is full, in every loop of every tenant workflow."""

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.deployment_template import REPOSITORY, template
from tests.statemachines.interpreter import (
    EVENTS,
    EVENTS_PER_RETRY,
    MAX_HISTORY_EVENTS,
    FunctionError,
    Json,
    Responses,
    Run,
    definition,
)

MACHINES = ("onboarding", "offboarding", "relocation", "resumption")
LOOPS = [
    (machine, name)
    for machine in MACHINES
    for name, state in definition(machine)["States"].items()
    if state["Type"] == "Task" and "ResultSelector" in state
]
LONGEST_ID = "a" * 61
RUN = "19ae3f2b1c0"
START = {"stage": "preparing", "settling": 30, "decisions": 60, "grace": 960, "export": {"more": True, "objects": 0}}


class LoopingFunctions:
    """Functions of which one needs many calls; each returns the number of its call."""

    def __init__(self, loop: str, calls: int) -> None:
        self._loop = loop
        self._remaining = calls
        self.calls = 0

    def __call__(self, name: str, given: Json) -> Json:
        assert (given["tenant_id"][:1], given["run"]) == ("a", RUN), "all executions belong to the same run"
        more = name == self._loop and self._remaining > 1
        if name == self._loop:
            self._remaining -= 1
            self.calls += 1
        progress = {"more": more, "after": str(self.calls)}
        return {
            "more": more,
            "busy": more,
            "ready": not more,
            "closed": True,
            "recorded": True,
            "counts": {"uploads": self.calls},
            "objects": 7,
            "after": str(self.calls),
            "progress": progress | {"counts": {"uploads": self.calls}},
        }


def run_machine(
    machine: str, responses: Responses, tenant_id: str = "acme", turns: int = 500, retries: int = 0
) -> tuple[Run, str]:
    run = Run(machine, responses, turns, retries)
    return run, run.start(f"{tenant_id}-{RUN}", START | {"tenant_id": tenant_id, "run": RUN})


def edges(machine: str) -> Iterator[tuple[str, str]]:
    for name, state in definition(machine)["States"].items():
        for rule in [state, *state.get("Choices", [])]:
            yield from ((name, rule[field]) for field in ("Next", "Default") if field in rule)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_cycle_of_a_workflow_is_counted(machine: str) -> None:
    """Without CountTurn and GoOn no state is entered again, except the second reconciliation."""
    following: dict[str, set[str]] = {}
    for here, there in edges(machine):
        if here not in {"GoOn", "LastReconciliation"}:
            following.setdefault(here, set()).add(there)

    def reaches(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = set(following.get(start, ()))
        while ahead:
            here = ahead.pop()
            seen.add(here)
            ahead |= following.get(here, set()) - seen
        return seen

    assert not [name for name in definition(machine)["States"] if name in reaches(name)]
    assert {here for here, there in edges(machine) if there == "GoOn"} == {"CountTurn"}


@pytest.mark.parametrize("machine", MACHINES)
def test_every_loop_is_resumed_by_its_name(machine: str) -> None:
    choices = definition(machine)["States"]["GoOn"]["Choices"]
    known = {choice["StringEquals"]: choice["Next"] for choice in choices if "StringEquals" in choice}
    loops = {name: definition(machine)["States"][name] for within, name in LOOPS if within == machine}
    assert known == {name: name for name in loops}
    assert {name: state["ResultSelector"]["at"] for name, state in loops.items()} == known
    assert {state["ResultSelector"]["retries.$"] for state in loops.values()} == {"$$.State.RetryCount"}


@pytest.mark.parametrize(("machine", "loop"), LOOPS)
@pytest.mark.parametrize("turns", [1, 3])
def test_a_loop_continues_in_the_next_execution(machine: str, loop: str, turns: int) -> None:
    functions = LoopingFunctions(loop, calls=20)
    run, end = run_machine(machine, functions, turns=turns)
    assert end == "Done"
    assert functions.calls >= 20
    names = [f"acme-{RUN}", *(f"acme-{RUN}-{number}" for number in range(2, len(run.executions) + 1))]
    assert run.executions == names
    assert len(names) > 19 // turns
    single, _ = run_machine(machine, LoopingFunctions(loop, calls=20))
    assert (run.tasks, run.inputs, run.waits) == (single.tasks, single.inputs, single.waits)


@pytest.mark.parametrize(("machine", "loop"), LOOPS)
def test_a_call_continues_after_the_previous_one(machine: str, loop: str) -> None:
    run, _ = run_machine(machine, LoopingFunctions(loop, calls=5), turns=2)
    given = [inputs for name, inputs in zip(run.tasks, run.inputs, strict=True) if name == loop]
    progress = [each.get("progress") or each.get("copy") or each.get("export") or each for each in given]
    reached = [each["after"] for each in progress if each.get("after")]
    with_progress = loop in {"CountTenantData", "CopyTenantData", "ExportTenantData", "ReconcileUploads"}
    assert reached[:4] == (["1", "2", "3", "4"] if with_progress else [])


@pytest.mark.parametrize(("machine", "loop"), LOOPS)
@pytest.mark.parametrize("retries", [0, 10, 400])
def test_no_history_exceeds_its_limit(machine: str, loop: str, retries: int) -> None:
    """Even if the calls of a loop are retried, since a retry counts as a loop."""
    run, end = run_machine(machine, LoopingFunctions(loop, calls=1200), retries=retries)
    assert end == "Done"
    assert max(run.events) < MAX_HISTORY_EVENTS
    assert len(run.executions) > 1200 * (1 + retries) // 1000


def test_the_counter_leaves_room_for_uncounted_events() -> None:
    """Up to a thousand retries of each of five states, as in every workflow."""
    most = template()["Parameters"]["TurnsPerExecution"]
    assert most["MaxValue"] == most["Default"]
    turn = 2 * EVENTS["Task"] + 3 * EVENTS["Choice"] + EVENTS["Pass"]  # the longest loop: removed, but not closed
    last_call = 1000 * EVENTS_PER_RETRY
    assert most["MaxValue"] * turn + last_call + 4 * 1000 * EVENTS_PER_RETRY < MAX_HISTORY_EVENTS


@pytest.mark.parametrize("machine", MACHINES)
def test_the_longest_tenant_id_fits_into_execution_names(machine: str) -> None:
    run, _ = run_machine(machine, LoopingFunctions("ProcessDeferredEvents", calls=1200), tenant_id=LONGEST_ID, turns=1)
    assert len(set(run.executions)) == len(run.executions)


def test_an_existing_successor_is_not_a_failure() -> None:
    run = Run("resumption", LoopingFunctions("ProcessDeferredEvents", calls=20), turns=2)
    run.used_names.add(f"acme-{RUN}-2")
    assert run.start(f"acme-{RUN}", START | {"tenant_id": "acme", "run": RUN}) == "HandedOver"
    assert "RecordTenantFailure" not in run.tasks


@pytest.mark.parametrize("machine", MACHINES)
def test_a_failed_hand_over_is_recorded(machine: str) -> None:
    state = definition(machine)["States"]["HandOver"]
    made, other = state["Catch"]
    assert (made["ErrorEquals"], made["Next"]) == (["StepFunctions.ExecutionAlreadyExistsException"], "HandedOver")
    assert other == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "RecordTenantFailure"}
    first, second = state["Retry"]
    assert first == {"ErrorEquals": made["ErrorEquals"], "MaxAttempts": 0}
    assert set(second["ErrorEquals"]) == {"States.TaskFailed", "States.Timeout"}
    assert second["MaxAttempts"] == 1000


def test_a_failure_in_a_later_execution_is_recorded() -> None:
    class Failing(LoopingFunctions):
        def __call__(self, name: str, given: Json) -> Json:
            if name == "RemoveTenantData" and self.calls == 7:
                raise FunctionError("Conflict")
            return super().__call__(name, given)

    run, end = run_machine("offboarding", Failing("RemoveTenantData", calls=20), turns=2)
    assert end == "Failed"
    assert run.tasks[-1] == "RecordTenantFailure"
    assert (run.inputs[-1]["tenant_id"], run.inputs[-1]["run"]) == ("acme", RUN)
    assert len(run.executions) == 4


def test_the_receipt_contains_counts_and_exports_of_earlier_executions() -> None:
    run, _ = run_machine("offboarding", LoopingFunctions("RemoveTenantData", calls=9), turns=1)
    closing = run.inputs[run.tasks.index("CloseTenant")]
    assert closing["before"] == {"uploads": 0}
    assert closing["export"]["objects"] == 7


def test_a_state_without_a_counter_starts_one() -> None:
    """An execution that an earlier version started has no counter."""
    for machine in MACHINES:
        text = (REPOSITORY / f"statemachines/{machine}.asl.yaml").read_text(encoding="utf-8")
        assert re.search(r"StartAt: GoOn\n", text)
        first = definition(machine)["States"]["GoOn"]["Choices"][0]
        assert first == {"Variable": "$.leg", "IsPresent": False, "Next": "FirstLeg"}


def test_executions_are_numbered_without_gaps() -> None:
    run, _ = run_machine("resumption", LoopingFunctions("ProcessDeferredEvents", calls=3000), turns=100)
    numbers = [int(name.rsplit("-", 1)[1]) for name in run.executions[1:]]
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers))
    assert len(run.executions) == 30
