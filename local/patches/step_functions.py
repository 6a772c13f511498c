"""Step Functions: idempotent starts, capped and jittered retries, execution timeouts, errors by their AWS names.

And the context object in a ResultSelector (Step Functions developer guide, "Accessing execution data from the Context
object").

Remove when ministack's Step Functions does all of this.
"""

import json
import random
import threading
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.services import lambda_svc, stepfunctions

from local.patches import executions

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

_context: ContextVar[Json | None] = ContextVar("context object of the task that is being executed", default=None)

DEFAULT_INTERVAL_SECONDS = 1
DEFAULT_BACKOFF_RATE = 2.0


def apply() -> None:
    """Replace the parts of the engine that differ from AWS."""
    _make_starts_idempotent()
    _respect_retry_delays()
    _keep_final_status()
    _name_throttling()
    _name_refused_starts()
    _select_results_with_context()


def _make_starts_idempotent() -> None:
    """The same name and input of a running execution is that execution, as its `StartExecution` says."""
    start_execution = stepfunctions._start_execution

    def start(request: Json) -> Reply:
        running = _running_twin(request)
        if running:
            body = {"executionArn": running["executionArn"], "startDate": running["startDate"]}
            reply: Reply = stepfunctions.json_response(body)
            return reply
        reply = start_execution(request)
        if reply[0] == 200:  # noqa: PLR2004  # OK
            _schedule_timeout(json.loads(reply[2])["executionArn"])
        return reply

    stepfunctions._start_execution = start


def _running_twin(request: Json) -> Json | None:
    """The running execution with the name and input of a start request."""
    machine = stepfunctions._state_machines.get(
        stepfunctions._resolve_state_machine_arn(request.get("stateMachineArn", ""))
    )
    if not machine or "name" not in request:
        return None
    arn = f"{machine['stateMachineArn'].replace(':stateMachine:', ':execution:')}:{request['name']}"
    execution: Json | None = stepfunctions._executions.get(arn)
    if execution and execution["status"] == "RUNNING" and execution["input"] == request.get("input", "{}"):
        return execution
    return None


def _schedule_timeout(execution_arn: str) -> None:
    """End the execution as TIMED_OUT when the machine's own TimeoutSeconds have passed."""
    execution = stepfunctions._executions[execution_arn]
    machine = stepfunctions._state_machines[execution["stateMachineArn"]]
    definition = json.loads(executions.definition_of(execution, machine))
    seconds = definition.get("TimeoutSeconds")
    if seconds is None:
        return
    timer = threading.Timer(seconds, copy_context().run, (_time_out, execution))
    timer.daemon = True
    timer.start()


def _time_out(execution: Json) -> None:
    if execution["status"] != "RUNNING":
        return
    execution["status"] = "TIMED_OUT"
    execution["stopDate"] = stepfunctions.now_iso()
    stepfunctions._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
    stepfunctions._emit_execution_status_event(execution)


def _keep_final_status() -> None:
    """A state that fails later does not turn an aborted or timed-out execution into a failed one."""
    fail_execution = stepfunctions._fail_execution

    def fail(execution: Json, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail_execution(execution, error, cause)

    stepfunctions._fail_execution = fail


def _respect_retry_delays() -> None:
    """MaxDelaySeconds and JitterStrategy of a retrier."""
    find_retrier = stepfunctions._find_matching_retrier

    def find(retriers: list[Json], error: str, counts: dict[int, int]) -> tuple[Json | None, int]:
        retrier, index = find_retrier(retriers, error, counts)
        if retrier is None:
            return None, index
        delay = retry_delay(retrier, counts.get(index, 0))
        # The engine computes interval * rate ** count: give it the delay itself.
        return {**retrier, "IntervalSeconds": delay, "BackoffRate": 1}, index

    stepfunctions._find_matching_retrier = find


def retry_delay(retrier: Json, attempts: int) -> float:
    """Seconds before the next attempt, after `attempts` retries (ASL specification, "Retriers")."""
    interval = retrier.get("IntervalSeconds", DEFAULT_INTERVAL_SECONDS)
    delay = interval * retrier.get("BackoffRate", DEFAULT_BACKOFF_RATE) ** attempts
    delay = min(delay, retrier.get("MaxDelaySeconds", delay))
    if retrier.get("JitterStrategy", "NONE") == "FULL":
        return random.uniform(0, delay)  # noqa: S311  # spreads load, keeps no secret
    return float(delay)


def _name_throttling() -> None:
    """A throttled function fails the task as Lambda.TooManyRequestsException, the name that Retry blocks list."""
    throttle_response = lambda_svc._throttle_response

    def throttled(*args: Any, **kwargs: Any) -> Json:
        response: Json = throttle_response(*args, **kwargs)
        response["body"]["errorType"] = "Lambda.TooManyRequestsException"
        return response

    lambda_svc._throttle_response = throttled


def _name_refused_starts() -> None:
    """An execution that a state cannot start fails it as StepFunctions.<error>Exception, the name that Catch lists."""
    start_nested = stepfunctions._invoke_nested_start_execution

    def start(resource: str, request: Json) -> Json:
        try:
            reply: Json = start_nested(resource, request)
        except stepfunctions._ExecutionError as error:
            name = f"StepFunctions.{error.error.removesuffix('Exception')}Exception"
            raise stepfunctions._ExecutionError(name, error.cause) from error
        return reply

    stepfunctions._invoke_nested_start_execution = start


def _select_results_with_context() -> None:
    """A ResultSelector reads the context object as Parameters do, such as `$$.State.RetryCount`."""
    execute_task = stepfunctions._execute_task
    select = stepfunctions._apply_result_selector

    def execute(state: Json, given: Any, execution: Json, context: Json) -> Any:
        token = _context.set(context)
        try:
            return execute_task(state, given, execution, context)
        finally:
            _context.reset(token)

    def select_with_context(state: Json, result: Any) -> Any:
        selector, context = state.get("ResultSelector"), _context.get()
        if not selector or context is None:
            return select(state, result)
        return stepfunctions._resolve_params_obj(selector, result, context)

    stepfunctions._execute_task = execute
    stepfunctions._apply_result_selector = select_with_context
