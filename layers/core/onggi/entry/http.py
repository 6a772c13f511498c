"""Makes handlers of the HTTP API's routes."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from onggi.bootstrap import application
from onggi.domain.access import Role, has_rights_of
from onggi.domain.audit import Author
from onggi.domain.errors import (
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    OnggiError,
    QuotaExceeded,
    TransientError,
)
from onggi.domain.tenant import TenantContext
from onggi.entry.deadlines import seconds_to_answer
from onggi.entry.events import Event
from onggi.entry.logging import logged
from onggi.entry.messages import ApiRequest, ApiResponse, as_proxy
from onggi.entry.problems import problem

RouteRole = Role | Literal["operator", "anyone"]
"""Who may call a route: a tenant's caller with this role or a stronger one, an operator, or anyone."""
Answer = Callable[[ApiRequest], ApiResponse]


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the HTTP API.

    Attributes:
        path: as API Gateway's resource has it, such as `/v1/documents/{id}`.
        answer: handles a request.
    """

    method: str
    path: str
    role: RouteRole
    answer: Answer


class Api:
    """The routes of one function, and its handler.

    Example:
        ```python
        api = Api()


        @api.route("GET", "/v1/me", role="reader")
        def me(request: ApiRequest) -> ApiResponse: ...


        handler = api.handler
        ```
    """

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], Route] = {}

    @property
    def routes(self) -> list[Route]:
        """All routes, in the order of their declaration."""
        return list(self._routes.values())

    def route(self, method: str, path: str, role: RouteRole) -> Callable[[Answer], Answer]:
        """Declares the function that handles a route, and who may call it."""

        def declare(answer: Answer) -> Answer:
            self._routes[method, path] = Route(method, path, role, answer)
            return answer

        return declare

    def handler(self, event: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
        """Handles an event of API Gateway; every error becomes a problem document."""
        response = self._handled(event, context)
        response["headers"] |= _cors_headers(application.settings.allowed_origin)
        return response

    def _handled(self, event: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
        seconds_left = seconds_to_answer(context)
        request_id = event["requestContext"]["requestId"]
        about = {"request_id": request_id, "route": f"{event['httpMethod']} {event['resource']}"}
        try:
            return logged(context, about, lambda: self._answer(event, seconds_left, about))
        except OnggiError as error:
            return problem(error, request_id)
        except Exception:  # logged already, and the caller must not read a stack trace
            return problem(None, request_id)

    def _answer(self, event: Event, seconds_left: Callable[[], float], about: dict[str, str]) -> dict[str, Any]:
        route = self._route_of(event)
        request = _request(event, about, seconds_left)
        if request.tenant is not None:
            about["tenant_id"] = request.tenant.tenant_id
        _check_caller(route.role, request, event)
        try:
            return as_proxy(route.answer(request), request.request_id)
        except (QuotaExceeded, TransientError) as error:
            if request.tenant is not None and error.retry_after is not None:  # a full tenant is not throttled
                application.meter.record(request.tenant, ThrottledRequests=1)
            raise

    def _route_of(self, event: Event) -> Route:
        method, path = event["httpMethod"], event["resource"]
        route = self._routes.get((method, path))
        if route is not None:
            return route
        allowed = [each.method for each in self._routes.values() if each.path == path]
        raise MethodNotAllowed(allowed) if allowed else NotFound("There is no such route.")


def _cors_headers(origin: str) -> dict[str, str]:
    """Lets browsers read a response from pages of an origin; none where no origin is allowed."""
    if origin == "none":
        return {}
    return {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "x-request-id, retry-after, allow",
        "vary": "origin",
    }


def _check_caller(needed: RouteRole, request: ApiRequest, event: Event) -> None:
    """Refuses callers who may not call a route, whatever API Gateway has let through.

    Raises:
        Forbidden: when API Gateway has verified no operator's signature, no tenant, or too weak a role.
    """
    if needed == "anyone":
        return
    if needed == "operator":
        if not event["requestContext"].get("identity", {}).get("userArn"):
            raise Forbidden("This route needs the signature of an operator.")
    elif request.tenant is None:
        raise Forbidden("This route needs the credential of a tenant.")
    elif not has_rights_of(request.role, needed):
        raise Forbidden(
            f"This needs the role {needed}, and yours is {request.role}; ask an owner of your tenant for it."
        )


def _request(event: Event, about: dict[str, str], seconds_left: Callable[[], float]) -> ApiRequest:
    context = event["requestContext"]
    request_id = context["requestId"]
    claims = context.get("authorizer") or {}
    tenant = TenantContext.from_dict(json.loads(claims["tenant"])) if "tenant" in claims else None
    body = event.get("body")
    if body and event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body).decode()
        except ValueError as error:
            raise InvalidRequest(("body", "must be JSON in UTF-8")) from error
    path = {name: unquote(value) for name, value in (event.get("pathParameters") or {}).items()}
    return ApiRequest(
        tenant=tenant,
        body=body,
        query=dict(event.get("queryStringParameters") or {}),
        path=path,
        request_id=request_id,
        status=claims.get("status", ""),
        author=Author(claims.get("principalId") or context.get("identity", {}).get("userArn") or "", request_id),
        role=claims.get("role", "reader"),
        about=about,
        seconds_left=seconds_left,
    )
