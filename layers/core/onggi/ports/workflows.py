"""Ports for state machines."""

from collections.abc import Mapping
from typing import Any, Protocol


class RunningWorkflow(Protocol):
    """A state machine whose executions can be looked at."""

    def is_running(self, name: str) -> bool:
        """Whether an execution of a name is there and has not come to its end."""
        ...


class Workflow(Protocol):
    """A state machine."""

    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        """Starts an execution of a name; False where one of that name has come to its end already.

        One that runs already under that name is left to run.
        """
        ...

    def is_outdated(self, name: str) -> bool:
        """Whether the definition of the state machine has changed since an execution began."""
        ...
