"""State machines, started by name so that nothing runs twice at a time."""

import json
from collections.abc import Iterator, Mapping
from itertools import count, takewhile
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated

RUNNING: Final = "RUNNING"


class StepFunctionsWorkflow:
    """One state machine, under the function's own role."""

    def __init__(self, session: AwsSession, state_machine_arn: str) -> None:
        self._session = session
        self._arn = state_machine_arn

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("stepfunctions")

    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        try:
            with translated("Step Functions"):
                self._client.start_execution(
                    stateMachineArn=self._arn, name=name, input=json.dumps(state, ensure_ascii=False)
                )
        except ClientError as error:
            if error_code(error) != "ExecutionAlreadyExists":
                raise
            return self.is_running(name)
        return True

    def is_running(self, name: str) -> bool:
        return self._status(name) == RUNNING

    def is_outdated(self, name: str) -> bool:
        with translated("Step Functions"):
            begun = self._client.describe_state_machine_for_execution(executionArn=self._arn_of(name))
            present = self._client.describe_state_machine(stateMachineArn=self._arn)
        return bool(begun["definition"] != present["definition"])

    def _arn_of(self, name: str) -> str:
        return self._arn.replace(":stateMachine:", ":execution:") + f":{name}"

    def _status(self, name: str) -> str | None:
        """The status of an execution; None where there is none of that name."""
        try:
            with translated("Step Functions"):
                status: str = self._client.describe_execution(executionArn=self._arn_of(name))["status"]
        except ClientError as error:
            if error_code(error) == "ExecutionDoesNotExist":
                return None
            raise
        return status


class ContinuedWorkflow(StepFunctionsWorkflow):
    """A state machine whose executions hand over before their history is full, each under the next number.

    The names are `<name>`, `<name>-2`, `<name>-3`, as the state `HandOver` has them.
    """

    def is_running(self, name: str) -> bool:
        """Whether an execution of a name, or one that it has handed over to, has not come to its end."""
        return any(status == RUNNING for status in takewhile(bool, map(self._status, _names(name))))


def _names(first: str) -> Iterator[str]:
    yield first
    yield from (f"{first}-{number}" for number in count(2))
