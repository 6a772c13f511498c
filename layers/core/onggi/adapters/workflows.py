"""State machines, started by name so that nothing runs twice at a time."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated


class StepFunctionsWorkflow:
    """One state machine, under the function's own role."""

    def __init__(self, session: AwsSession, state_machine_arn: str) -> None:
        self._session = session
        self._arn = state_machine_arn

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("stepfunctions")

    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        """Starts an execution of a name; False where one of that name has come to its end already.

        One that runs already under that name is left to run.
        """
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
        """Whether an execution of a name is there and has not come to its end."""
        arn = self._arn.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            with translated("Step Functions"):
                status: str = self._client.describe_execution(executionArn=arn)["status"]
        except ClientError as error:
            if error_code(error) == "ExecutionDoesNotExist":
                return False
            raise
        return status == "RUNNING"
