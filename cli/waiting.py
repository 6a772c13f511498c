"""Waiting for something to happen elsewhere: asked again after growing pauses, up to a deadline."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cli.errors import DeadlineError

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
PAUSE_GROWTH = 1.5


@dataclass(frozen=True)
class Clock:
    """Time as the command feels it; tests bring their own."""

    monotonic: Callable[[], float] = field(default=time.monotonic)
    sleep: Callable[[float], None] = field(default=time.sleep)
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


def wait_for[Found](
    look: Callable[[], Found | None],
    *,
    seconds: float,
    late: str,
    clock: Clock,
    sign: Callable[[], object] = lambda: None,
) -> Found:
    """Looks until there is something to see.

    Args:
        look: Returns what is waited for, or None while it has not happened.
        seconds: How long to wait at most, and to wait again after each sign.
        late: The sentence for the user when it takes longer.
        clock: Measures and sleeps.
        sign: Returns something that changes as long as there is reason to wait.

    Raises:
        DeadlineError: Nothing was seen in time.
    """
    deadline = clock.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    last_sign = sign()
    while (found := look()) is None:
        if (new_sign := sign()) != last_sign:
            last_sign, deadline = new_sign, clock.monotonic() + seconds
        left = deadline - clock.monotonic()
        if left <= 0:
            raise DeadlineError(late)
        clock.sleep(min(pause, left))
        pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS)
    return found
