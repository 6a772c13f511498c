"""What the audit trail remembers of every administrative change."""

from dataclasses import dataclass
from typing import Any, Literal

AuditedAction = Literal[
    "tenant.created",
    "tenant.changed",
    "tenant.suspended",
    "tenant.resumed",
    "tenant.removed",
    "key.issued",
    "key.revoked",
]


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes a change.

    Attributes:
        name: the ARN of an operator, or `<tenant>/<key id>` or `<tenant>/user/<subject>` of a tenant's owner.
        request_id: the request by which the change came.
    """

    name: str
    request_id: str


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change of one tenant; holds no credential and no hash.

    Attributes:
        at: when, as `timestamp` writes it.
        author: who, and by which request.
        action: what was done.
        before: what was there before; None where nothing was.
        after: what is there since; None where nothing is.
    """

    at: str
    author: Author
    action: AuditedAction
    before: dict[str, Any] | None
    after: dict[str, Any] | None
