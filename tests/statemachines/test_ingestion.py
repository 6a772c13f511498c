"""What validators do not look for in the ingestion workflow: names, timeouts, and that no failure goes unrecorded."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from onggi.domain import errors
from tests.deployment_template import REPOSITORY, resources, state_machine, template

MACHINE = state_machine("ingestion")
MAP = MACHINE["States"]["EmbedAndIndex"]
CHILD = MAP["ItemProcessor"]
STATES: dict[str, dict[str, Any]] = MACHINE["States"] | CHILD["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
SERVICE_ERRORS = re.compile(r"(States|Lambda)\.\w+")


def targets(state: dict[str, Any]) -> Iterator[str]:
    for rule in [state, *state.get("Choices", []), *state.get("Catch", [])]:
        yield from (rule[field] for field in ("Next", "Default") if field in rule)


@pytest.mark.parametrize("machine", [MACHINE, CHILD], ids=["workflow", "batch"])
def test_every_state_is_reached_and_leads_somewhere(machine: dict[str, Any]) -> None:
    states, reached, ahead = machine["States"], set(), [machine["StartAt"]]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.add(name)
            ahead.extend(targets(states[name]))
    assert reached == set(states)
    for name, state in states.items():
        assert state["Type"] in {"Succeed", "Fail"} or state.get("End") or any(targets(state)), name


@pytest.mark.parametrize("name", STATES)
def test_a_state_says_what_it_is_for(name: str) -> None:
    assert STATES[name]["Comment"].endswith(".")


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_the_function_of_its_name(name: str) -> None:
    folder = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert TASKS[name]["Resource"] == f"${{{name}Arn}}"
    assert (REPOSITORY / "functions" / folder / "app.py").exists()
    assert resources("AWS::Serverless::Function")[name]["CodeUri"] == f"functions/{folder}"


@pytest.mark.parametrize("name", TASKS)
def test_a_task_outlives_its_function_and_no_more(name: str) -> None:
    default = template()["Globals"]["Function"]["Timeout"]
    function = resources("AWS::Serverless::Function")[name].get("Timeout", default)
    assert function < TASKS[name]["TimeoutSeconds"] <= function + 31


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_retried_for_transient_faults_only(name: str) -> None:
    (retry,) = TASKS[name]["Retry"]
    assert "TransientError" in retry["ErrorEquals"]
    assert not {"BadDocument", "States.ALL", "States.TaskFailed", "States.Timeout"} & set(retry["ErrorEquals"])
    assert retry["BackoffRate"] > 1
    assert retry["JitterStrategy"] == "FULL"
    assert retry["MaxDelaySeconds"] > retry["IntervalSeconds"]


def test_whatever_fails_is_recorded() -> None:
    for name, state in MACHINE["States"].items():
        if state["Type"] in {"Task", "Map"} and name != "RecordFailure":
            assert state["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "RecordFailure"}]
    assert "TimeoutSeconds" not in MACHINE, "an execution that times out as a whole records nothing"
    leading_to_failure = [name for name, state in MACHINE["States"].items() if "Failed" in targets(state)]
    assert leading_to_failure == ["DecideByFault"]


def test_every_error_name_exists() -> None:
    leaves = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.OnggiError) and not value.__subclasses__()
    }
    for name, state in STATES.items():
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]:
            unknown = {error for error in rule["ErrorEquals"] if not SERVICE_ERRORS.fullmatch(error)} - leaves
            assert not unknown, name


def test_every_substitution_is_given_and_used() -> None:
    text = (REPOSITORY / "statemachines/ingestion.asl.yaml").read_text(encoding="utf-8")
    given = resources("AWS::Serverless::StateMachine")["IngestionStateMachine"]["DefinitionSubstitutions"]
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(given)
    for name, value in given.items():
        assert value == ({"Ref": "AWS::Partition"} if name == "Partition" else {"Fn::GetAtt": f"{name[:-3]}.Arn"})


def test_batches_come_from_the_manifest_and_carry_no_content() -> None:
    assert MAP["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert set(MAP["ItemSelector"]) == {"tenant.$", "document.$", "batch.$"}
    assert CHILD["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
