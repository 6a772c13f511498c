"""Requests and responses of the HTTP API, as routes see them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onggi.domain.access import Role
from onggi.domain.audit import Author
from onggi.domain.errors import (
    Forbidden,
)
from onggi.domain.tenant import TenantContext


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request behind the authoriser.

    Attributes:
        tenant: the caller's; None on operators' routes only.
        author: who is calling, as the audit trail names it.
        role: what the tenant's caller may do.
        status: of the tenant, when the credential was verified.
        about: what the line that is logged of this call tells; a route may add to it.
        seconds_left: returns the seconds that are left for work.
    """

    tenant: TenantContext | None
    body: str | None
    query: dict[str, str]
    path: dict[str, str]
    request_id: str
    status: str
    author: Author
    role: Role
    about: dict[str, str]
    seconds_left: Callable[[], float]

    @property
    def verified_tenant(self) -> TenantContext:
        """The tenant that the authoriser has verified.

        Raises:
            Forbidden: when no authoriser has verified one.
        """
        if self.tenant is None:
            raise Forbidden("This route needs the credential of a tenant.")
        return self.tenant


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """What a route answers."""

    status: int
    body: dict[str, Any]


def as_proxy(
    response: ApiResponse,
    request_id: str,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Returns a response as API Gateway's proxy integration takes it."""
    return {
        "statusCode": response.status,
        "headers": {
            "content-type": f"{content_type}; charset=utf-8",
            "x-request-id": request_id,
            "cache-control": "no-store",
            **(headers or {}),
        },
        "body": json.dumps(response.body, ensure_ascii=False),
    }
