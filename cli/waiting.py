"""Polling with growing pauses, up to a deadline."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cli.errors import DeadlineError

FIRST_PAUSE_SECONDS = 0.2
MAX_PAUSE_SECONDS = 2.0
PAUSE_GROWTH = 1.5


@dataclass(frozen=True)
class Clock:
    """The time and sleep functions; tests replace them."""

    monotonic: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


def wait_for[Found](
    poll: Callable[[], Found | None],
    *,
    seconds: float,
    timeout_message: str,
    clock: Clock,
    activity: Callable[[], object] = lambda: None,
) -> Found:
    """Polls until a result is available; returns it.

    Args:
        poll: Returns the result, or None while it is not available.
        seconds: The timeout, which starts again whenever `activity` returns another value.
        timeout_message: The message of the error.
        clock: Measures time and sleeps.
        activity: Returns a value that changes while the operation makes progress.

    Raises:
        DeadlineError: The timeout has passed.
    """
    deadline = clock.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    last_activity = activity()
    while (found := poll()) is None:
        if (new_activity := activity()) != last_activity:
            last_activity, deadline = new_activity, clock.monotonic() + seconds
        remaining = deadline - clock.monotonic()
        if remaining <= 0:
            raise DeadlineError(timeout_message)
        clock.sleep(min(pause, remaining))
        pause = min(pause * PAUSE_GROWTH, MAX_PAUSE_SECONDS)
    return found
