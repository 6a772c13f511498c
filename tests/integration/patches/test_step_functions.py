"""The state machine features that the stories use."""

import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.integration.local_cloud import wait_for
from tests.integration.patches.conftest import Stack

type Json = dict[str, Any]


@pytest.fixture
def machine(stack: Stack, request: pytest.FixtureRequest) -> Callable[[Json], str]:
    """Makes a state machine of a definition whose tasks run the function `Step`, and returns its ARN."""

    def make(definition: Json) -> str:
        text = json.dumps(definition).replace("STEP", stack["StepArn"])
        name = f"contract-{abs(hash(request.node.name))}"
        arn = stack.cloud.client("stepfunctions").create_state_machine(
            name=name, definition=text, roleArn=stack["MachineRole"]
        )["stateMachineArn"]
        return str(arn)

    return make


def finished(stack: Stack, execution: str, seconds: float = 15.0) -> Json:
    states = stack.cloud.client("stepfunctions")

    def done() -> Json | None:
        described: Json = states.describe_execution(executionArn=execution)
        return None if described["status"] == "RUNNING" else described

    return wait_for(done, seconds)


def run(stack: Stack, machine: str, value: Json) -> Json:
    states = stack.cloud.client("stepfunctions")
    return finished(stack, states.start_execution(stateMachineArn=machine, input=json.dumps(value))["executionArn"])


def task(**fields: Any) -> Json:
    return {"Type": "Task", "Resource": "STEP", "End": True, **fields}


CAUGHT = {"Type": "Pass", "End": True}


def test_an_error_is_caught_by_its_name(stack: Stack, machine: Callable[[Json], str]) -> None:
    catch = [{"ErrorEquals": ["BadDocumentError"], "ResultPath": "$.failure", "Next": "Caught"}]
    selected = {"Type": "Pass", "End": True, "Parameters": {"cause.$": "States.StringToJson($.failure.Cause)"}}
    arn = machine({"StartAt": "Try", "States": {"Try": task(Catch=catch), "Caught": selected}})
    ended = run(stack, arn, {"do": "refuse", "because": "no text"})
    assert ended["status"] == "SUCCEEDED"
    cause = json.loads(ended["output"])["cause"]
    assert (cause["errorType"], cause["errorMessage"]) == ("BadDocumentError", "no text")


def test_another_error_is_not_caught(stack: Stack, machine: Callable[[Json], str]) -> None:
    catch = [{"ErrorEquals": ["BadDocumentError"], "Next": "Caught"}]
    arn = machine({"StartAt": "Try", "States": {"Try": task(Catch=catch), "Caught": CAUGHT}})
    ended = run(stack, arn, {"do": "flicker"})
    assert (ended["status"], ended["error"]) == ("FAILED", "TransientError")


def test_a_retry_waits_no_longer_than_its_maximum(stack: Stack, machine: Callable[[Json], str]) -> None:
    retry = [
        {
            "ErrorEquals": ["TransientError"],
            "IntervalSeconds": 1,
            "BackoffRate": 10,
            "MaxDelaySeconds": 1,
            "MaxAttempts": 2,
        }
    ]
    arn = machine({"StartAt": "Try", "States": {"Try": task(Retry=retry)}})
    begin = time.monotonic()
    ended = run(stack, arn, {"do": "flicker"})
    assert ended["status"] == "FAILED"
    assert 2.0 <= time.monotonic() - begin < 4.0  # 11 s without the maximum
    history = stack.cloud.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    assert [event["type"] for event in history].count("TaskFailed") == 3


def test_timeouts(stack: Stack, machine: Callable[[Json], str]) -> None:
    arn = machine(
        {"StartAt": "Wait", "TimeoutSeconds": 1, "States": {"Wait": {**CAUGHT, "Type": "Wait", "Seconds": 3}}}
    )
    ended = run(stack, arn, {})
    assert ended["status"] == "TIMED_OUT"


def test_a_function_that_runs_too_long(stack: Stack, machine: Callable[[Json], str]) -> None:
    catch = [{"ErrorEquals": ["Sandbox.Timedout"], "Next": "Caught"}]
    arn = machine({"StartAt": "Try", "States": {"Try": task(Catch=catch), "Caught": CAUGHT}})
    assert run(stack, arn, {"do": "sleep", "seconds": 30})["status"] == "SUCCEEDED"


def test_the_same_name_starts_once(stack: Stack, machine: Callable[[Json], str]) -> None:
    states = stack.cloud.client("stepfunctions")
    arn = machine({"StartAt": "Wait", "States": {"Wait": {**CAUGHT, "Type": "Wait", "Seconds": 2}}})
    start = {"stateMachineArn": arn, "name": "one", "input": '{"version": 1}'}
    first, second = states.start_execution(**start), states.start_execution(**start)
    assert first["executionArn"] == second["executionArn"]
    assert first["startDate"] == second["startDate"]
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(**{**start, "input": '{"version": 2}'})
    states.stop_execution(executionArn=first["executionArn"])
    assert finished(stack, first["executionArn"])["status"] == "ABORTED"
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(**start)


def batches(**fields: Any) -> Json:
    """A distributed map over the lines of an object."""
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSONL"},
        "Parameters": {"Bucket.$": "$.bucket", "Key.$": "$.key"},
    }
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Each",
        "States": {"Each": task()},
    }
    each = {"do.$": "$$.Map.Item.Value.do", "text.$": "$$.Map.Item.Value.text", "index.$": "$$.Map.Item.Index"}
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Caught"}]
    state = {
        "Type": "Map",
        "MaxConcurrency": 4,
        "ItemReader": reader,
        "ItemSelector": each,
        "ItemProcessor": processor,
        "ResultPath": "$.results",
        "Catch": catch,
        "End": True,
        **fields,
    }
    return {"StartAt": "Batches", "States": {"Batches": state, "Caught": CAUGHT}}


def put_lines(stack: Stack, key: str, deeds: list[str]) -> Json:
    lines = "\n".join(json.dumps({"do": deed, "text": "옹기"}, ensure_ascii=False) for deed in deeds)
    stack.cloud.client("s3").put_object(Bucket=stack["Documents"], Key=key, Body=lines.encode())
    return {"bucket": stack["Documents"], "key": key}


def test_a_distributed_map_runs_every_line(stack: Stack, machine: Callable[[Json], str]) -> None:
    ended = run(stack, machine(batches()), put_lines(stack, "lines", ["nothing"] * 12))
    assert ended["status"] == "SUCCEEDED"
    results = json.loads(ended["output"])["results"]
    assert [result["index"] for result in results] == list(range(12))
    assert {result["text"] for result in results} == {"옹기"}


def test_a_distributed_map_fails_when_a_line_fails(stack: Stack, machine: Callable[[Json], str]) -> None:
    ended = run(stack, machine(batches()), put_lines(stack, "bad-lines", ["nothing", "refuse", "nothing"]))
    assert json.loads(ended["output"])["failure"]["Error"] == "States.ExceedToleratedFailureThreshold"


def test_a_distributed_map_without_its_object(stack: Stack, machine: Callable[[Json], str]) -> None:
    ended = run(stack, machine(batches()), {"bucket": stack["Documents"], "key": "missing"})
    assert json.loads(ended["output"])["failure"]["Error"] == "States.ItemReaderFailed"


def test_an_inline_map_keeps_the_name_of_the_error(stack: Stack, machine: Callable[[Json], str]) -> None:
    state = {
        "Type": "Map",
        "ItemsPath": "$.deeds",
        "ItemSelector": {"do.$": "$$.Map.Item.Value"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "Each", "States": {"Each": task()}},
        "Catch": [{"ErrorEquals": ["BadDocumentError"], "ResultPath": "$.failure", "Next": "Caught"}],
        "End": True,
    }
    ended = run(
        stack,
        machine({"StartAt": "Each", "States": {"Each": state, "Caught": CAUGHT}}),
        {"deeds": ["nothing", "refuse"]},
    )
    assert json.loads(ended["output"])["failure"]["Error"] == "BadDocumentError"


def test_workflows_that_hold_all_their_slots_leave_some_to_the_api(
    stack: Stack, machine: Callable[[Json], str]
) -> None:
    """Twelve of sixteen slots are for workflows; who waits ten seconds for one is throttled, as AWS does at once."""
    states = stack.cloud.client("stepfunctions")
    retry = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "MaxAttempts": 20}]
    arn = machine({"StartAt": "Work", "States": {"Work": task(Resource=stack["SleeperArn"], Retry=retry)}})

    def started(seconds: float) -> str:
        value = json.dumps({"do": "sleep", "seconds": seconds})
        return str(states.start_execution(stateMachineArn=arn, input=value)["executionArn"])

    holding = [started(16) for _ in range(12)]
    wait_for(lambda: all(was_scheduled(stack, execution) for execution in holding), 10)
    waiting = [started(0), started(0)]
    reply = urllib3.request("POST", f"{stack.api}/v1/query", headers={"Authorization": "Bearer known"}, body=b"{}")
    assert reply.status == 200
    assert {states.describe_execution(executionArn=execution)["status"] for execution in [*holding, *waiting]} == {
        "RUNNING"
    }, "the API was answered although nothing of the workflows has ended"
    for execution in [*holding, *waiting]:
        assert finished(stack, execution, 60)["status"] == "SUCCEEDED"
    assert {name for execution in waiting for name in errors_of(stack, execution)} == {
        "Lambda.TooManyRequestsException"
    }


def history(stack: Stack, execution: str) -> list[Json]:
    events: list[Json] = stack.cloud.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    return events


def was_scheduled(stack: Stack, execution: str) -> bool:
    return "TaskScheduled" in {event["type"] for event in history(stack, execution)}


def errors_of(stack: Stack, execution: str) -> set[str]:
    events = history(stack, execution)
    return {event["taskFailedEventDetails"]["error"] for event in events if event["type"] == "TaskFailed"}


def test_a_result_selector_reads_the_context_object(stack: Stack, machine: Callable[[Json], str]) -> None:
    selector = {"state.$": "$$.State.Name", "retries.$": "$$.State.RetryCount", "answer.$": "$"}
    arn = machine({"StartAt": "Try", "States": {"Try": task(ResultSelector=selector, ResultPath="$.selected")}})
    ended = run(stack, arn, {"do": "answer"})
    selected = json.loads(ended["output"])["selected"]
    assert (selected["state"], selected["retries"]) == ("Try", 0)


def test_an_execution_starts_another_of_its_own_machine_by_name(stack: Stack, machine: Callable[[Json], str]) -> None:
    """The same name again is an error that a Catch knows by the name that AWS gives it."""
    start = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {
            "StateMachineArn.$": "$$.StateMachine.Id",
            "Name.$": "States.Format('next-{}', States.MathAdd($.number, 1))",
            "Input": {"number.$": "States.MathAdd($.number, 1)", "most.$": "$.most"},
        },
        "ResultPath": None,
        "Catch": [{"ErrorEquals": ["StepFunctions.ExecutionAlreadyExistsException"], "Next": "Known"}],
        "Next": "Done",
    }
    rules = [{"Variable": "$.number", "NumericGreaterThanEqualsPath": "$.most", "Next": "Done"}]
    states = {
        "Look": {"Type": "Choice", "Choices": rules, "Default": "Start"},
        "Start": start,
        "Known": {"Type": "Fail", "Error": "Known"},
        "Done": {"Type": "Succeed"},
    }
    arn = machine({"StartAt": "Look", "States": states})
    assert run(stack, arn, {"number": 0, "most": 3})["status"] == "SUCCEEDED"
    for number in (1, 2, 3):
        execution = f"{arn.replace(':stateMachine:', ':execution:')}:next-{number}"
        wait_for(partial(known, stack, execution), 15)
        assert finished(stack, execution)["status"] == "SUCCEEDED"
    again = run(stack, arn, {"number": 0, "most": 3})
    assert (again["status"], again["error"]) == ("FAILED", "Known")


def known(stack: Stack, execution: str) -> bool:
    try:
        return bool(stack.cloud.client("stepfunctions").describe_execution(executionArn=execution))
    except ClientError:
        return False


def test_an_execution_keeps_the_definition_that_it_has_begun_with(stack: Stack, machine: Callable[[Json], str]) -> None:
    def ending(result: str) -> Json:
        return {
            "StartAt": "Wait",
            "States": {
                "Wait": {"Type": "Wait", "SecondsPath": "$.seconds", "Next": "End"},
                "End": {"Type": "Pass", "Result": result, "End": True},
            },
        }

    states, arn = stack.cloud.client("stepfunctions"), machine(ending("first"))
    begun = states.start_execution(stateMachineArn=arn, input='{"seconds": 2}')["executionArn"]
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(ending("second")))
    assert json.loads(finished(stack, begun)["output"]) == "first"
    assert json.loads(run(stack, arn, {"seconds": 0})["output"]) == "second"
    described = states.describe_state_machine_for_execution(executionArn=begun)
    assert json.loads(described["definition"]) == ending("first")
    present = states.describe_state_machine(stateMachineArn=arn)
    assert json.loads(present["definition"]) == ending("second")
