"""The errors of the command: each has a code, a message of one sentence and an exit status."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """The exit statuses of the command; argparse itself exits with 2 for invalid arguments."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_STACK = 3
    NO_CREDENTIAL = 4
    TIMED_OUT = 5
    INTERRUPTED = 130  # 128 + SIGINT, as in shells


class CommandError(Exception):
    """The command failed; `message` is one sentence that says what to do."""

    exit_status = ExitStatus.FAILED

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StackError(CommandError):
    """There is no stack, or its address cannot be reached."""

    exit_status = ExitStatus.NO_STACK


class CredentialError(CommandError):
    """An API key or AWS credential is missing, or the stack does not accept it."""

    exit_status = ExitStatus.NO_CREDENTIAL


class UsageError(CommandError):
    """The arguments contradict each other or the state of the stack."""

    exit_status = ExitStatus.USAGE


class DeadlineError(CommandError):
    """An operation did not complete in time; it may still complete."""

    exit_status = ExitStatus.TIMED_OUT

    def __init__(self, message: str) -> None:
        super().__init__("timeout", message)


class ApiError(CommandError):
    """The API returned a problem."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status
        if status in {401, 403}:
            self.exit_status = ExitStatus.NO_CREDENTIAL
