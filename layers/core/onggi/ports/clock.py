"""The port for the time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Returns the time."""

    def __call__(self) -> datetime:
        """The present time in UTC."""
        ...
