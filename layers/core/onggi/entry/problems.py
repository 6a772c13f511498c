"""Errors as RFC 9457 has them."""

from typing import Any, Final

from onggi.domain.errors import (
    BadDocument,
    Conflict,
    Forbidden,
    InvalidRequest,
    ModelRefused,
    ModelTimeout,
    NotFound,
    OnggiError,
    QuotaExceeded,
    TenantMismatch,
    TransientError,
)
from onggi.entry.messages import ApiResponse, as_proxy

STATUSES: Final[tuple[tuple[type[OnggiError], int, str], ...]] = (
    (InvalidRequest, 400, "Invalid request"),
    (Forbidden, 403, "Forbidden"),
    (NotFound, 404, "Not found"),
    (TenantMismatch, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (QuotaExceeded, 429, "Too many requests"),
    (TransientError, 503, "Service unavailable"),
    (ModelTimeout, 504, "Model timeout"),
)
BAD_DOCUMENT_STATUSES: Final = {
    "too_large": (413, "Content too large"),
    "unsupported_type": (415, "Unsupported media type"),
}


def problem(error: OnggiError | None, request_id: str) -> dict[str, Any]:
    """An error as RFC 9457 has it; `type` is the code for programs, `detail` the sentence for people."""
    status, title = _status(error)
    problem: dict[str, Any] = {
        "type": "urn:onggi:problem:" + title.lower().replace(" ", "-"),
        "title": title,
        "status": status,
        "detail": _detail(error),
        "request_id": request_id,
    }
    if isinstance(error, InvalidRequest):
        problem["errors"] = [{"field": field, "message": message} for field, message in error.errors]
    retry_after = getattr(error, "retry_after", None)
    headers = {"retry-after": str(retry_after)} if retry_after else {}
    return as_proxy(ApiResponse(status, problem), request_id, "application/problem+json", headers)


def _status(error: OnggiError | None) -> tuple[int, str]:
    if isinstance(error, BadDocument):
        return BAD_DOCUMENT_STATUSES.get(error.code, (400, "Invalid request"))
    for kind, status, title in STATUSES:
        if isinstance(error, kind):
            return status, title
    return 500, "Internal error"


def _detail(error: OnggiError | None) -> str:
    if error is None or isinstance(error, ModelRefused):  # whose text is for operators
        return "Something went wrong on our side; try again, and tell us the request id if it stays."
    if isinstance(error, TransientError):  # its text names the dependency, which is for logs
        return "A part of the service is not available at the moment; try again soon."
    return error.message if isinstance(error, BadDocument) else str(error)
