"""Errors as RFC 9457 has them."""

from typing import Any, Final

from onggi.domain.error_codes import INVALID, STATUSES, problem_type
from onggi.domain.errors import (
    BadDocument,
    InvalidRequest,
    MethodNotAllowed,
    ModelRefused,
    OnggiError,
    QuotaExceeded,
    TransientError,
)
from onggi.entry.messages import ApiResponse, as_proxy

FAULT: Final = "Something went wrong on our side; try again, and send us the request id if it happens again."
UNAVAILABLE: Final = "A part of the service is not available at the moment; try again soon."
REFUSED_SECONDS: Final = 60
"""After which a client may ask again where a model cannot be used; an operator has to act first."""


def problem(error: OnggiError | None, request_id: str) -> dict[str, Any]:
    """Returns an error as RFC 9457 has it: `code` and `type` are for programs, `detail` is the sentence for people."""
    code = _code(error)
    status, title = STATUSES[code]
    body: dict[str, Any] = {
        "type": problem_type(code),
        "title": title,
        "status": status,
        "code": code,
        "detail": _detail(error),
        "request_id": request_id,
    }
    if isinstance(error, InvalidRequest):
        body["errors"] = [{"field": field, "message": message} for field, message in error.errors]
    return as_proxy(ApiResponse(status, body), request_id, "application/problem+json", _headers(error))


def _code(error: OnggiError | None) -> str:
    code = error.code if error is not None else "internal"
    return code if code in STATUSES else INVALID


def _headers(error: OnggiError | None) -> dict[str, str]:
    if isinstance(error, MethodNotAllowed):
        return {"allow": ", ".join(sorted(error.allowed))}
    if isinstance(error, ModelRefused):
        return {"retry-after": str(REFUSED_SECONDS)}
    if isinstance(error, QuotaExceeded | TransientError) and error.retry_after:
        return {"retry-after": str(error.retry_after)}
    return {}


def _detail(error: OnggiError | None) -> str:
    if error is None:
        return FAULT
    if isinstance(error, TransientError | ModelRefused):  # whose text names the dependency, for logs and operators
        return UNAVAILABLE
    return error.message if isinstance(error, BadDocument) else str(error)
