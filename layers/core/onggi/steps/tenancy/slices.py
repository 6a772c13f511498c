"""Work that takes longer than a function may run, in slices: each call does as much as it has time for."""

from collections.abc import Callable
from typing import Final

from onggi.domain.errors import TransientError

RESERVE_SECONDS: Final = 60.0
"""Left when the last step of a slice begins; no step takes nearly as long."""

type SecondsLeft = Callable[[], float]
"""The seconds until the function is ended."""


def work_slice[Progress](
    begun: Progress,
    step: Callable[[Progress], Progress],
    seconds_left: SecondsLeft,
    *,
    is_over: Callable[[Progress], bool],
    reserve: float = RESERVE_SECONDS,
) -> Progress:
    """Repeats a step until all is done or the time runs out; returns how far it has come.

    The first step is always tried, so that every call gets on. What was achieved before a fault is kept: a million
    calls are never all answered, and a slice that had to succeed as a whole would never end.

    Args:
        begun: how far the slices before have come.
        step: does a little more; may be repeated from the same progress.
        seconds_left: returns the seconds until the function is ended.
        is_over: whether no further step is needed, or possible now.
        reserve: seconds that a step may take at most.

    Raises:
        TransientError: when the first step fails because a dependency is not available.
    """
    progress = begun
    steps = 0
    while not is_over(progress) and (not steps or seconds_left() > reserve):
        try:
            progress = step(progress)
        except TransientError:
            if not steps:
                raise
            break
        steps += 1
    return progress
