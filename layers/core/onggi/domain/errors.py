"""Every error that Onggi raises on purpose.

Step Functions matches the leaf name of an exception, and the HTTP API maps each leaf to one status: keep them few.
"""

from collections.abc import Collection
from typing import Final, Literal

BadDocumentCode = Literal[
    "unsupported_type",
    "empty",
    "encrypted",
    "corrupt",
    "too_large",
    "no_text",
    "timeout",
    "unknown_tenant",
    "invalid_key",
    "invalid_metadata",
    "quota_exceeded",
    "unavailable",
    "internal",
]

BAD_DOCUMENT_MESSAGES: Final[dict[BadDocumentCode, str]] = {
    "unsupported_type": (
        "This type of file cannot be read; save it as PDF, DOCX, PPTX, XLSX, HWPX, EPUB, HTML or text and upload that."
    ),
    "empty": "The file is empty; upload it again with its content.",
    "encrypted": "The file is protected by a password; remove the protection and upload it again.",
    "corrupt": "The file is damaged; open it, save it again and upload the new file.",
    "too_large": "The file is larger than what can be processed; split it and upload the parts.",
    "no_text": "The file holds no text that can be read, it may be a scan; upload a version with a text layer.",
    "timeout": "The file took too long to read; split it or save it in a simpler form and upload it again.",
    "unknown_tenant": "The upload lies under no known tenant; put it under tenants/<tenant id>/.",
    "invalid_key": "The name of the upload cannot be used; put it under tenants/<tenant id>/ with a file name.",
    "invalid_metadata": "The metadata of the upload cannot be used; give few, short ones, none named like ours.",
    "quota_exceeded": "There is no room for the document; delete some, or ask for a higher limit, and upload it again.",
    "unavailable": (
        "A part of the service was not available for hours; the file is not at fault, upload it again later."
    ),
    "internal": "The document could not be processed because of a fault on our side; upload it again later.",
}
"""The published codes of `error.code` and the sentence an uploader reads for each."""


class OnggiError(Exception):
    """The root of all errors raised on purpose; its text is a sentence that says what to do.

    Attributes:
        code: one of `onggi.domain.error_codes`.
    """

    code: str = "internal"


class TransientError(OnggiError):
    """A dependency is down, slow or throttling: the same call may succeed later.

    Attributes:
        retry_after: seconds to wait before the next try.
    """

    code = "unavailable"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ModelTimeout(OnggiError):  # noqa: N818 - named like its siblings
    """A model did not finish within the time of a request; what it did may be billed.

    Attributes:
        input_tokens: the most that it has read, estimated: only an answer tells.
        output_tokens: the most that it can have written.
    """

    code = "model_timeout"

    def __init__(self, message: str, input_tokens: int, output_tokens: int = 0) -> None:
        super().__init__(message)
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


class ModelRefused(OnggiError):  # noqa: N818 - state machines match this published name
    """A model of this installation cannot be used as it is configured; its text says what an operator has to do."""

    code = "model_refused"


class ReadingTimeout(OnggiError):  # noqa: N818 - state machines match this published name
    """A reader ran out of time without having used the processor for long: the machine may be at fault, or the file."""


class GrantExpired(OnggiError):  # noqa: N818 - state machines match this published name
    """The grant to read a document is too old, or the execution began before there were grants: it needs a new one."""


class BadDocument(OnggiError):  # noqa: N818 - state machines match this published name
    """The document itself is at fault; trying again cannot help.

    Attributes:
        code: one of the published codes.
        message: the sentence its uploader reads.
    """

    def __init__(self, code: BadDocumentCode, message: str | None = None) -> None:
        self.code: BadDocumentCode = code
        self.message = message or BAD_DOCUMENT_MESSAGES[code]
        super().__init__(f"{code}: {self.message}")


class TenantMismatch(OnggiError):  # noqa: N818 - state machines match this published name
    """Something that belongs to one tenant was named in the context of another."""

    code = "not_found"


class NotFound(OnggiError):  # noqa: N818 - state machines match this published name
    """What was asked for does not exist for this tenant."""

    code = "not_found"


class Conflict(OnggiError):  # noqa: N818 - state machines match this published name
    """What exists already, or has moved on, forbids the change."""

    code = "conflict"


class QuotaExceeded(OnggiError):  # noqa: N818 - state machines match this published name
    """A limit of the tenant is reached.

    Attributes:
        retry_after: seconds until the limit allows more; None where waiting does not help.
    """

    code = "quota_exceeded"

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Forbidden(OnggiError):  # noqa: N818 - named like its siblings
    """The caller is known and may not do this."""

    code = "forbidden"


class Unauthorized(OnggiError):  # noqa: N818 - named like its siblings
    """The credential is missing, malformed, unknown, expired or revoked."""

    code = "unauthorized"


class MethodNotAllowed(OnggiError):  # noqa: N818 - named like its siblings
    """The route exists and does not take this method.

    Attributes:
        allowed: the methods that it takes.
    """

    code = "method_not_allowed"

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__(f"This route takes {', '.join(sorted(allowed))}.")
        self.allowed = allowed


class InvalidRequest(OnggiError):  # noqa: N818 - state machines match this published name
    """The request breaks the contract.

    Attributes:
        errors: pairs of field and message, at least one.
    """

    code = "invalid_request"

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__("The request is invalid: " + "; ".join(f"{field}: {message}" for field, message in errors))
        self.errors = errors
