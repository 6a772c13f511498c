"""The published codes of errors: one list for the HTTP API, for documents and for tenants."""

from collections.abc import Mapping
from typing import Final

STATUSES: Final[Mapping[str, tuple[int, str]]] = {
    "invalid_request": (400, "Invalid request"),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "Forbidden"),
    "not_found": (404, "Not found"),
    "method_not_allowed": (405, "Method not allowed"),
    "conflict": (409, "Conflict"),
    "too_large": (413, "Content too large"),
    "unsupported_type": (415, "Unsupported media type"),
    "quota_exceeded": (429, "Limit reached"),
    "too_many_requests": (429, "Too many requests"),
    "internal": (500, "Internal error"),
    "unavailable": (503, "Service unavailable"),
    "model_refused": (503, "Model not usable"),
    "model_timeout": (504, "Model timeout"),
}
"""Status and title of each code that the HTTP API returns; a document or a tenant has the same code in its error."""
INVALID: Final = "invalid_request"
"""Over HTTP, the code of every other fault of a document that is seen before its upload."""


def problem_type(code: str) -> str:
    """Returns the `type` of a problem document (RFC 9457) for a code: the code with hyphens, in a URN."""
    return "urn:onggi:problem:" + code.replace("_", "-")
