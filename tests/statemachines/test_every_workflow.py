"""Rules of the workflows that validators do not check: names, timeouts, and records of all failures."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from onggi.domain import errors
from tests.deployment_template import EARLIER_NAMES, REPOSITORY, resources, state_machine, template

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
HAND_OVER = "HandOver"
"""The only state that calls no function; its tests are in test_hand_over.py."""
TASKS = [found for found in STATES if found[2]["Type"] == "Task" and found[1] != HAND_OVER]
SERVICE_ERRORS = re.compile(r"(States|Lambda|Sandbox|Runtime|StepFunctions)\.\w+")

every_task = pytest.mark.parametrize(("machine", "name", "state"), TASKS, ids=lambda value: str(value)[:20])


def targets(state: dict[str, Any]) -> Iterator[str]:
    for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        yield from (rule[field] for field in ("Next", "Default") if field in rule)


@pytest.mark.parametrize("name", MACHINES | CHILDREN)
def test_every_state_is_reachable_and_has_a_next_state(name: str) -> None:
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


@pytest.mark.parametrize("path", sorted(REPOSITORY.glob("statemachines/*")), ids=lambda path: path.name)
def test_definitions_have_no_aliases_and_one_line_per_rule(path: Path) -> None:
    """AWS parses these files directly, and its parser is not documented to resolve aliases."""
    events = list(yaml.parse(path.read_text(encoding="utf-8")))
    assert [event for event in events if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None)] == []
    rules = [
        events[place - 1]
        for place, event in enumerate(events)
        if isinstance(event, yaml.ScalarEvent) and event.value == "ErrorEquals"
    ]
    assert all(isinstance(rule, yaml.MappingStartEvent) and rule.flow_style for rule in rules)


def test_every_machine_and_state_has_a_comment() -> None:
    assert all(definition["Comment"].endswith(".") for definition in MACHINES.values())
    assert not [name for _, name, state in STATES if not state["Comment"].endswith(".")]


@every_task
def test_a_task_calls_the_function_of_its_name(machine: str, name: str, state: dict[str, Any]) -> None:
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert state["Resource"] == f"${{{name}Arn}}", machine
    assert (REPOSITORY / "functions" / folder / "app.py").exists()
    assert resources("AWS::Serverless::Function")[name]["CodeUri"] == f"functions/{folder}"


@every_task
def test_a_task_times_out_shortly_after_its_function(machine: str, name: str, state: dict[str, Any]) -> None:
    default = template()["Globals"]["Function"]["Timeout"]
    function = resources("AWS::Serverless::Function")[name].get("Timeout", default)
    assert function < state["TimeoutSeconds"] <= function + 31, machine


THROTTLING_AND_OUTAGES = {
    "TransientError",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
}
TIMEOUTS = {"States.Timeout", "Sandbox.Timedout"}
FILE_READERS = {"ExtractText", "ChunkText"}
RECORDERS = {"RecordFailure", "RecordInterruption", "RecordTenantFailure"}


def retrier_of(state: dict[str, Any], error: str) -> dict[str, Any]:
    """Returns the first retrier that names an error, which applies (ASL specification, "Retriers")."""
    return next(retrier for retrier in state["Retry"] if {error, "States.ALL"} & set(retrier["ErrorEquals"]))


def mean_hours(retrier: dict[str, Any]) -> float:
    """Returns the mean duration of all retries in hours: full jitter waits half of each delay."""
    delays = (
        min(retrier["MaxDelaySeconds"], retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempt)
        for attempt in range(retrier["MaxAttempts"])
    )
    return float(sum(delays)) / 2 / 3600


@every_task
def test_throttling_and_outages_are_retried_for_hours(machine: str, name: str, state: dict[str, Any]) -> None:
    for error in THROTTLING_AND_OUTAGES:
        assert mean_hours(retrier_of(state, error)) > 4, (machine, name, error)


@every_task
def test_a_timeout_blames_the_file_only_in_states_that_read_it(machine: str, name: str, state: dict[str, Any]) -> None:
    for error in TIMEOUTS:
        retrier = retrier_of(state, error)
        if name in FILE_READERS:
            assert retrier["MaxAttempts"] == 3
        else:
            assert mean_hours(retrier) > 4, (machine, name, error)


@every_task
def test_retries_spread_and_back_off(machine: str, name: str, state: dict[str, Any]) -> None:
    for retrier in state["Retry"]:
        assert (retrier["BackoffRate"], retrier["JitterStrategy"]) == (2, "FULL"), (machine, name)
        assert retrier["IntervalSeconds"] < retrier["MaxDelaySeconds"] <= 60


@every_task
def test_a_final_error_is_not_retried(machine: str, name: str, state: dict[str, Any]) -> None:
    """Only states that record a failure are retried for every error."""
    named = {error for retrier in state["Retry"] for error in retrier["ErrorEquals"]}
    assert not {"BadDocument", "NotFound", "States.TaskFailed"} & named, (machine, name)
    assert ("States.ALL" in named) == (name in RECORDERS), (machine, name)


@every_task
def test_retries_fit_into_the_history_of_an_execution(machine: str, name: str, state: dict[str, Any]) -> None:
    """An execution has 25,000 events at most (Step Functions quotas), a retry has three, five states may use all."""
    assert 3 * max(retrier["MaxAttempts"] for retrier in state["Retry"]) < 25_000 / 5, (machine, name)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_failure_is_recorded(machine: str) -> None:
    states = MACHINES[machine]["States"]
    assert "TimeoutSeconds" not in MACHINES[machine], "an execution that times out as a whole records nothing"
    working = {name: state for name, state in states.items() if state["Type"] in {"Task", "Map"}}
    (recorder,) = set(working) & RECORDERS
    for name in working.keys() - {recorder}:
        catch = working[name]["Catch"][-1]
        following = states[catch["Next"]]
        recorded_by = following["Next"] if following["Type"] == "Pass" else catch["Next"]
        assert (catch["ErrorEquals"], catch["ResultPath"], recorded_by) == (["States.ALL"], "$.error", recorder), name
    assert "Catch" not in working[recorder]
    (decision,) = [name for name, state in states.items() if "Failed" in targets(state)]
    assert states[recorder]["Next"] == decision


def test_only_hand_over_calls_no_function() -> None:
    others = {state["Resource"] for _, _, state in STATES if state["Type"] == "Task"} - {
        f"${{{name}Arn}}" for _, name, _ in TASKS
    }
    assert others == {"arn:${Partition}:states:::states:startExecution"}


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
def test_every_substitution_is_defined_and_used(machine: str) -> None:
    text = (REPOSITORY / f"statemachines/{machine}.asl.yaml").read_text(encoding="utf-8")
    properties = resources("AWS::Serverless::StateMachine")[f"{machine.title()}StateMachine"]
    given = properties["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(given)
    for name, value in given.items():
        references = {"Partition": "AWS::Partition", "TurnsPerExecution": "TurnsPerExecution"}
        assert value == ({"Ref": references[name]} if name in references else {"Fn::GetAtt": f"{name[:-3]}.Arn"})


@pytest.mark.parametrize("machine", MACHINES)
def test_a_workflow_calls_its_own_functions_and_no_others(machine: str) -> None:
    properties = resources("AWS::Serverless::StateMachine")[f"{machine.title()}StateMachine"]
    statements = [statement for policy in properties["Policies"] for statement in policy["Statement"]]
    (steps,) = [statement for statement in statements if statement["Action"] == "lambda:InvokeFunction"]
    called = {f"{name}.Arn" for within, name, _ in TASKS if within.split("-")[0] == machine}
    called |= {f"{earlier}.Arn" for earlier, name in EARLIER_NAMES.items() if f"{name}.Arn" in called}
    assert {resource["Fn::GetAtt"] for resource in steps["Resource"]} == called
    starting = [each["Resource"]["Fn::Sub"] for each in statements if each["Action"] == "states:StartExecution"]
    assert [resource.partition(":stateMachine:")[2] for resource in starting] == (
        [f"${{AWS::StackName}}-{machine}"] if machine != "interruption" else []
    )
    wild = [statement["Action"] for statement in statements if statement["Resource"] == "*"]
    assert all(action.startswith(("logs:", "xray:")) for actions in wild for action in actions)
