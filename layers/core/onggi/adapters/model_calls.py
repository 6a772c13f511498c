"""How long and how often Bedrock's models are asked: with all patience, or within the time that a request has left."""

import random
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from botocore.exceptions import ClientError, ReadTimeoutError

from onggi.adapters.aws import AwsSession, Patience, error_code, translated
from onggi.domain.errors import ModelRefused, TransientError

CONNECT_SECONDS: Final = 1
SHORTEST_SECONDS: Final = 1
"""No attempt begins that could wait for an answer for less."""
ATTEMPTS: Final = 5
FIRST_PAUSE_SECONDS: Final = 0.2

REFUSALS: Final = {
    "AccessDeniedException": (
        "may not be used: enable access to it in Amazon Bedrock for this account, for an inference profile in every "
        "region that it names, then try again; if that is done, look at the policy of the tenant data role"
    ),
    "ResourceNotFoundException": (
        "does not exist in this region or has reached the end of its life: choose another one by the stack's parameters"
    ),
}
UNKNOWN_MODEL: Final = ("model identifier is invalid", "on-demand throughput")
"""How Bedrock's messages begin to tell that an id is none, or is that of a model which only a profile reaches."""

Operation = Callable[[Any], dict[str, Any]]


class OutOfTimeError(Exception):
    """The time was over before a model had answered.

    Attributes:
        unanswered: how many attempts had reached the model; it may bill each.
    """

    def __init__(self, unanswered: int) -> None:
        super().__init__()
        self.unanswered = unanswered


class ModelCalls(Protocol):
    """Asks Bedrock's models."""

    def call(self, what: str, model_id: str, operation: Operation, longest_seconds: float | None = None) -> Any:  # noqa: ANN401 - as the operation returns it
        """What an operation on a client of Bedrock Runtime returns.

        Args:
            what: names the model in messages.
            model_id: the model's id.
            operation: one call.
            longest_seconds: how long one attempt may take, where attempts are limited at all.

        Raises:
            TransientError: when the model is throttling, down or out of reach.
            ModelRefused: when the model is not there or may not be used.
            OutOfTimeError: when the time is over.
        """
        ...


class PatientCalls:
    """Waits as long as the slowest model takes; the SDK retries."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def call(self, what: str, model_id: str, operation: Operation, longest_seconds: float | None = None) -> Any:  # noqa: ANN401, ARG002 - as the operation returns it; each attempt may be long
        """What an operation on a client of Bedrock Runtime returns.

        Raises:
            TransientError: when the model is throttling, down or out of reach.
            ModelRefused: when the model is not there or may not be used.
        """
        return _asked(what, model_id, operation, self._session.client("bedrock-runtime"))


class TimedCalls:
    """Waits no longer than there is time, and retries only while there is some.

    Each attempt waits for the whole seconds that are left, so that a model which answers late is not asked twice.

    Args:
        session: whose clients are used.
        seconds_left: returns the seconds until the call must have ended.
        sleep: pauses between attempts.
    """

    def __init__(
        self, session: AwsSession, seconds_left: Callable[[], float], sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._session = session
        self._seconds_left = seconds_left
        self._sleep = sleep

    def call(self, what: str, model_id: str, operation: Operation, longest_seconds: float | None = None) -> Any:  # noqa: ANN401 - as the operation returns it
        """What an operation on a client of Bedrock Runtime returns.

        Raises:
            TransientError: when the model is throttling, down or out of reach, or no time was left to ask it.
            ModelRefused: when the model is not there or may not be used.
            OutOfTimeError: when the time is over and an attempt may be billed.
        """
        unanswered = 0
        fault = TransientError(f"{what} was not asked, since no time was left; try again.")
        for attempt in range(ATTEMPTS):
            seconds = self._seconds_to_read(longest_seconds)
            if seconds < SHORTEST_SECONDS:
                break
            client = self._session.client("bedrock-runtime", Patience(CONNECT_SECONDS, seconds, attempts=1))
            try:
                return _asked(what, model_id, operation, client)
            except TransientError as error:
                fault = error
                unanswered += isinstance(error.__cause__, ReadTimeoutError)
            self._sleep(max(0.0, min(_pause(attempt), self._seconds_left())))
        if unanswered:
            raise OutOfTimeError(unanswered) from fault
        raise fault

    def _seconds_to_read(self, longest: float | None) -> int:
        left = self._seconds_left() - CONNECT_SECONDS
        return int(left if longest is None else min(left, longest))


def _pause(attempt: int) -> float:
    """Exponential backoff with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter")."""
    return random.uniform(0, FIRST_PAUSE_SECONDS * 2**attempt)  # noqa: S311 - no secret


def _asked(what: str, model_id: str, operation: Operation, client: Any) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
    try:
        with translated(what):
            return operation(client)
    except ClientError as error:
        refusal = REFUSALS.get(error_code(error))
        if refusal is None and any(words in str(error) for words in UNKNOWN_MODEL):
            refusal = REFUSALS["ResourceNotFoundException"]
        if refusal is None:
            raise
        raise ModelRefused(f"The model {model_id} {refusal}.") from error
