"""A task for the sandbox that costs nothing itself, in a process that holds what the readers need."""

import readers.tasks  # noqa: F401 - to fork a process of the usual size


def nothing() -> None:
    """Answers at once."""
