"""The errors of the S3 Vectors API, named as its service model names them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """One reason why a request is invalid.

    Attributes:
        path: Where, as a JSON pointer into the request (`/vectors/0/key`).
        message: What is wrong there.
    """

    path: str
    message: str


class ServiceError(Exception):
    """An answer other than success; `code` is the exception's shape name in the service model."""

    code = "InternalServerException"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationError(ServiceError):
    """The request itself is wrong; `violations` say where."""

    code = "ValidationException"

    def __init__(self, message: str, violations: tuple[Violation, ...] = ()) -> None:
        super().__init__(message)
        self.violations = violations


class NotFoundError(ServiceError):
    """The bucket, index or policy named does not exist."""

    code = "NotFoundException"


class ConflictError(ServiceError):
    """The name is taken, or the thing is still in use."""

    code = "ConflictException"


class QuotaExceededError(ServiceError):
    """The account or the bucket holds as many as it may."""

    code = "ServiceQuotaExceededException"


def invalid(path: str, message: str) -> ValidationError:
    """A validation error at one place of the request."""
    return ValidationError(message, (Violation(path, message),))
