"""A task for the sandbox that does nothing, in a process with the modules of the readers."""

import readers.tasks  # noqa: F401 - so that the forked process has the usual size


def noop() -> None:
    """Does nothing."""
