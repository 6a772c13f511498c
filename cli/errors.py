"""What can go wrong at a terminal: a code for programs, a sentence for people, an exit status for scripts."""

from enum import IntEnum


class ExitStatus(IntEnum):
    """What the command's exit status says. Argument mistakes end with argparse's own status, 2."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_STACK = 3
    NO_CREDENTIAL = 4
    TIMED_OUT = 5
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class CommandError(Exception):
    """The command cannot do what it was asked; `message` is one sentence that says what to do about it."""

    exit_status = ExitStatus.FAILED

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StackError(CommandError):
    """No stack to talk to: neither a local cloud nor a deployed one, or nobody answers at its address."""

    exit_status = ExitStatus.NO_STACK


class CredentialError(CommandError):
    """There is no API key or AWS credential, or the stack does not accept it."""

    exit_status = ExitStatus.NO_CREDENTIAL


class UsageError(CommandError):
    """The arguments contradict each other or what is known about the stack."""

    exit_status = ExitStatus.USAGE


class DeadlineError(CommandError):
    """What was waited for did not happen in time; it may still happen."""

    exit_status = ExitStatus.TIMED_OUT

    def __init__(self, message: str) -> None:
        super().__init__("timeout", message)


class ApiError(CommandError):
    """The API answered with a problem."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code, message)
        self.status = status
        if status in {401, 403}:
            self.exit_status = ExitStatus.NO_CREDENTIAL
