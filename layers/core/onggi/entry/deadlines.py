"""How long a call may take."""

import time
from collections.abc import Callable
from typing import Any, Final

GATEWAY_SECONDS: Final = 29.0
"""How long API Gateway waits for a function (API Gateway quotas, integration timeout of REST APIs)."""
SPARE_SECONDS: Final = 3.0
"""Of these, what starting the function before its handler, metering and answering may take."""


def seconds_left_of(context: Any) -> Callable[[], float]:  # noqa: ANN401 - Lambda's context has no public type
    """A function that returns the seconds until Lambda ends this one."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000


def seconds_to_answer(context: Any, clock: Callable[[], float] = time.monotonic) -> Callable[[], float]:  # noqa: ANN401 - Lambda's context has no public type
    """A function that returns the seconds that are left for work until the caller can still get an answer of ours.

    After them API Gateway answers in the function's place, or Lambda ends it, and what was spent is metered by nobody.
    """
    began, left = clock(), seconds_left_of(context)
    return lambda: min(left(), GATEWAY_SECONDS - (clock() - began)) - SPARE_SECONDS
