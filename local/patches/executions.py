"""Step Functions executions that outlive the process: each goes on with the state it was in.

The emulator fails every execution that was running when it ended. On AWS an execution knows nothing of machines that
end. A state that was interrupted is entered again, so that its task may run twice, as after any lost response. Of a Map
or Parallel state that is the whole state: the executions that a distributed map had started are aborted.

An execution keeps the definition that it has begun with, whatever its state machine is updated to, and
DescribeStateMachineForExecution returns that one.

Remove when ministack's executions continue after a restart and keep the definition they began with.
"""

import contextvars
import json
import threading
from typing import Any

from ministack.core.responses import now_iso, set_request_account_id, set_request_region
from ministack.services import stepfunctions

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

OK = 200

EARLIER = "earlierDefinitions"
"""The field of a state machine that holds the definitions that were replaced, in order; each is kept once."""
DEFINITION = "definitionNumber"
"""The field of an execution that holds how many there were when it began."""
VARIABLES = "variables"
"""The field of an execution that holds the variables of its JSONata states."""


def apply() -> None:
    """Run executions so that they can go on after a restart."""
    stepfunctions._run_execution = run
    _keep_definitions()
    load_state = stepfunctions.load_persisted_state

    def load(saved: Json) -> None:
        interrupted = [found for found in saved["executions"]._data.values() if found["stopDate"] is None]
        for execution in interrupted:
            execution["status"] = "PENDING"  # which the emulator does not fail
        load_state(saved)
        for execution in interrupted:
            execution["status"] = "RUNNING"

    stepfunctions.load_persisted_state = load


def _keep_definitions() -> None:
    update_machine = stepfunctions._update_state_machine
    describe_machine = stepfunctions._describe_state_machine_for_execution
    stepfunctions._SM_INTERNAL_KEYS = {*stepfunctions._SM_INTERNAL_KEYS, EARLIER}

    def update(request: Json) -> Reply:
        machine = stepfunctions._state_machines.get(request.get("stateMachineArn"))
        before = machine["definition"] if machine else None
        reply: Reply = update_machine(request)
        if machine and machine["definition"] != before:
            machine.setdefault(EARLIER, []).append(before)
        return reply

    def describe(request: Json) -> Reply:
        reply: Reply = describe_machine(request)
        if reply[0] != OK:
            return reply
        execution = stepfunctions._executions[request["executionArn"]]
        machine = stepfunctions._state_machines[execution["stateMachineArn"]]
        body = json.loads(reply[2]) | {"definition": definition_of(execution, machine)}
        kept: Reply = stepfunctions.json_response(body)
        return kept

    stepfunctions._update_state_machine = update
    stepfunctions._describe_state_machine_for_execution = describe


def definition_of(execution: Json, machine: Json) -> str:
    """The definition that an execution has begun with; the present one where it has not begun yet."""
    earlier = machine.get(EARLIER, [])
    number = execution.setdefault(DEFINITION, len(earlier))
    definition: str = earlier[number] if number < len(earlier) else machine["definition"]
    return definition


def is_any_running() -> bool:
    """Whether an execution has not come to its end."""
    return any(execution["stopDate"] is None for execution in list(stepfunctions._executions._data.values()))


def resume() -> None:
    """Let the executions go on that were running when the snapshot was taken; functions can be called by now."""
    for run_of_map in stepfunctions._map_runs._data.values():
        if run_of_map["status"] == "RUNNING":
            run_of_map.update(status="ABORTED", stopDate=now_iso())
    for (account, region, arn), execution in list(stepfunctions._executions._data.items()):
        if execution["stopDate"] is not None:
            continue
        if "mapRunArn" in execution:  # its parent starts another
            execution.update(status="ABORTED", stopDate=now_iso())
            continue
        threading.Thread(target=contextvars.Context().run, args=(_go_on, account, region, arn), daemon=True).start()


def _go_on(account: str, region: str, arn: str) -> None:
    set_request_account_id(account)
    set_request_region(region)
    run(arn)


def run(arn: str) -> None:
    """Take an execution from where it is to its end, in the account and region of this context."""
    execution = stepfunctions._executions.get(arn)
    if not execution:
        return
    machine = stepfunctions._state_machines.get(execution["stateMachineArn"])
    if not machine:
        stepfunctions._fail_execution(execution, "StateMachineDeleted", "The state machine no longer exists")
        return
    try:
        definition = json.loads(definition_of(execution, machine))
        output = _walk(execution, definition, _context(execution, machine, definition))
    except stepfunctions._ExecutionError as error:
        stepfunctions._fail_execution(execution, error.error, error.cause)
    except Exception as error:
        stepfunctions.logger.exception("The execution %s failed", arn)
        stepfunctions._fail_execution(execution, "States.Runtime", str(error))
    else:
        if execution["status"] == "RUNNING":
            _succeed(execution, output)


def _context(execution: Json, machine: Json, definition: Json) -> Json:
    """The context object of an execution, as its states see it."""
    return {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": {
            "Id": execution["executionArn"],
            "Input": json.loads(execution["input"]),
            "Name": execution["name"],
            "StartTime": execution["startDate"],
        },
        "StateMachine": {"Id": execution["stateMachineArn"], "Name": machine["name"]},
        "variables": execution.setdefault(VARIABLES, {}),
    }


def _walk(execution: Json, definition: Json, context: Json) -> Any:
    """Go through the states until the last, or until the execution is stopped, and return the output."""
    name: str | None
    name, value = _position(execution, definition)
    while name and execution["status"] == "RUNNING":
        state = definition["States"].get(name)
        if state is None:
            raise stepfunctions._ExecutionError("States.Runtime", f"There is no state {name}")
        context["State"] = {"Name": name, "EnteredTime": now_iso(), "RetryCount": 0}
        kind = state.get("Type")
        entered = {"stateEnteredEventDetails": {"name": name, "input": json.dumps(value)}}
        stepfunctions._add_event(execution, f"{kind}StateEntered", entered)
        value, following = _perform(kind, state, value, execution, context)
        exited = {"stateExitedEventDetails": {"name": name, "output": json.dumps(value)}}
        stepfunctions._add_event(execution, f"{kind}StateExited", exited)
        name = following
    return value


def _position(execution: Json, definition: Json) -> tuple[str, Any]:
    """The state that an execution is in, and its input."""
    for event in reversed(execution["events"]):
        if "stateEnteredEventDetails" in event:
            details = event["stateEnteredEventDetails"]
            return details["name"], json.loads(details["input"])
    return definition["StartAt"], json.loads(execution["input"])


def _perform(kind: str, state: Json, value: Any, execution: Json, context: Json) -> tuple[Any, str | None]:
    """Perform one state; returns its output and the name of the state that follows, None after the last."""
    match kind:
        case "Succeed":
            selected = stepfunctions._apply_input_path(state, value, context)
            return stepfunctions._apply_output_path(state, selected, context), None
        case "Fail":
            raise stepfunctions._ExecutionError(*stepfunctions._fail_state_error(state, value, context))
        case "Pass" | "Choice" | "Wait":
            perform = getattr(stepfunctions, f"_execute_{kind.lower()}")
            done: tuple[Any, str | None] = perform(state, value, context)
            return done
        case "Task" | "Parallel" | "Map":
            perform = getattr(stepfunctions, f"_execute_{kind.lower()}")
            followed: tuple[Any, str | None] = perform(state, value, execution, context)
            return followed
    raise stepfunctions._ExecutionError("States.Runtime", f"There is no type of state {kind}")


def _succeed(execution: Json, output: Any) -> None:
    text = json.dumps(output)
    execution.update(output=text, status="SUCCEEDED", stopDate=now_iso())
    stepfunctions._add_event(execution, "ExecutionSucceeded", {"executionSucceededEventDetails": {"output": text}})
    stepfunctions._emit_execution_status_event(execution)
