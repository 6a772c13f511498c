"""What validators do not look for in the workflows: names, timeouts, and that no failure goes unrecorded."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from onggi.domain import errors
from tests.deployment_template import REPOSITORY, resources, state_machine, template

MACHINES = {
    path.name.split(".")[0]: state_machine(path.name.split(".")[0]) for path in REPOSITORY.glob("statemachines/*")
}
CHILDREN = {
    f"{machine}-{name}": state["ItemProcessor"]
    for machine, definition in MACHINES.items()
    for name, state in definition["States"].items()
    if state["Type"] == "Map"
}
STATES: list[tuple[str, str, dict[str, Any]]] = [
    (machine, name, state)
    for machine, definition in (MACHINES | CHILDREN).items()
    for name, state in definition["States"].items()
]
TASKS = [found for found in STATES if found[2]["Type"] == "Task"]
SERVICE_ERRORS = re.compile(r"(States|Lambda)\.\w+")

every_task = pytest.mark.parametrize(("machine", "name", "state"), TASKS, ids=lambda value: str(value)[:20])


def targets(state: dict[str, Any]) -> Iterator[str]:
    for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        yield from (rule[field] for field in ("Next", "Default") if field in rule)


@pytest.mark.parametrize("name", MACHINES | CHILDREN)
def test_every_state_is_reached_and_leads_somewhere(name: str) -> None:
    machine = (MACHINES | CHILDREN)[name]
    states, reached, ahead = machine["States"], set(), [machine["StartAt"]]
    while ahead:
        here = ahead.pop()
        if here not in reached:
            reached.add(here)
            ahead.extend(targets(states[here]))
    assert reached == set(states)
    for here, state in states.items():
        assert state["Type"] in {"Succeed", "Fail"} or state.get("End") or any(targets(state)), here


def test_everything_says_what_it_is_for() -> None:
    assert all(definition["Comment"].endswith(".") for definition in MACHINES.values())
    assert not [name for _, name, state in STATES if not state["Comment"].endswith(".")]


@every_task
def test_a_task_is_the_function_of_its_name(machine: str, name: str, state: dict[str, Any]) -> None:
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert state["Resource"] == f"${{{name}Arn}}", machine
    assert (REPOSITORY / "functions" / folder / "app.py").exists()
    assert resources("AWS::Serverless::Function")[name]["CodeUri"] == f"functions/{folder}"


@every_task
def test_a_task_outlives_its_function_and_no_more(machine: str, name: str, state: dict[str, Any]) -> None:
    default = template()["Globals"]["Function"]["Timeout"]
    function = resources("AWS::Serverless::Function")[name].get("Timeout", default)
    assert function < state["TimeoutSeconds"] <= function + 31, machine


@every_task
def test_a_task_is_retried_for_transient_faults_only(machine: str, name: str, state: dict[str, Any]) -> None:
    (retry,) = state["Retry"]
    assert "TransientError" in retry["ErrorEquals"], (machine, name)
    assert not {"BadDocument", "States.ALL", "States.TaskFailed", "States.Timeout"} & set(retry["ErrorEquals"])
    assert retry["BackoffRate"] > 1
    assert retry["JitterStrategy"] == "FULL"
    assert retry["MaxDelaySeconds"] > retry["IntervalSeconds"]


@pytest.mark.parametrize("machine", MACHINES)
def test_whatever_fails_is_recorded(machine: str) -> None:
    states = MACHINES[machine]["States"]
    assert "TimeoutSeconds" not in MACHINES[machine], "an execution that times out as a whole records nothing"
    working = {name: state for name, state in states.items() if state["Type"] in {"Task", "Map"}}
    (recorder,) = {rule["Next"] for state in working.values() for rule in state.get("Catch", [])}
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": recorder}]
    assert {name for name, state in working.items() if state.get("Catch") != catch} == {recorder}
    assert recorder.startswith("Record")
    (decision,) = [name for name, state in states.items() if "Failed" in targets(state)]
    assert states[recorder]["Next"] == decision


def test_every_error_name_exists() -> None:
    leaves = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.OnggiError) and not value.__subclasses__()
    }
    for machine, name, state in STATES:
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
            unknown = {error for error in rule["ErrorEquals"] if not SERVICE_ERRORS.fullmatch(error)} - leaves
            assert not unknown, (machine, name)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_substitution_is_given_and_used(machine: str) -> None:
    text = (REPOSITORY / f"statemachines/{machine}.asl.yaml").read_text(encoding="utf-8")
    properties = resources("AWS::Serverless::StateMachine")[f"{machine.title()}StateMachine"]
    given = properties["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(given)
    for name, value in given.items():
        assert value == ({"Ref": "AWS::Partition"} if name == "Partition" else {"Fn::GetAtt": f"{name[:-3]}.Arn"})


@pytest.mark.parametrize("machine", MACHINES)
def test_a_workflow_calls_its_own_functions_and_no_others(machine: str) -> None:
    properties = resources("AWS::Serverless::StateMachine")[f"{machine.title()}StateMachine"]
    statements = [statement for policy in properties["Policies"] for statement in policy["Statement"]]
    (steps,) = [statement for statement in statements if statement["Action"] == "lambda:InvokeFunction"]
    called = {f"{name}.Arn" for within, name, _ in TASKS if within.split("-")[0] == machine}
    assert {resource["Fn::GetAtt"] for resource in steps["Resource"]} == called
    wild = [statement["Action"] for statement in statements if statement["Resource"] == "*"]
    assert all(action.startswith(("logs:", "xray:")) for actions in wild for action in actions)
