"""Makes handlers of the HTTP API's routes."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote

from onggi.bootstrap import application
from onggi.domain.access import Role, has_rights_of
from onggi.domain.audit import Author
from onggi.domain.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    OnggiError,
    QuotaExceeded,
    TransientError,
)
from onggi.domain.tenant import TenantContext
from onggi.entry.deadlines import seconds_to_answer
from onggi.entry.events import Event, Handler
from onggi.entry.logging import logged
from onggi.entry.messages import ApiRequest, ApiResponse, as_proxy
from onggi.entry.problems import problem

NEEDED_ROLES: Final[Mapping[tuple[str, str], Role]] = {
    ("POST", "/v1/query"): "reader",
    ("POST", "/v1/retrieve"): "reader",
    ("GET", "/v1/documents"): "reader",
    ("GET", "/v1/documents/{id}"): "reader",
    ("GET", "/v1/me"): "reader",
    ("POST", "/v1/documents"): "writer",
    ("DELETE", "/v1/documents/{id}"): "writer",
    ("GET", "/v1/keys"): "owner",
    ("POST", "/v1/keys"): "owner",
    ("DELETE", "/v1/keys/{key_id}"): "owner",
}
"""What a tenant's caller has to be on each route; a route that is not here is closed to all of them."""


Route = Callable[[ApiRequest], ApiResponse]


def api(routes: Mapping[tuple[str, str], Route], *, operators_only: bool = False) -> Handler:
    """Makes a handler of routes by method and API Gateway resource, such as `("GET", "/v1/documents/{id}")`.

    With `operators_only`, a call that API Gateway has not verified as signed by an AWS principal is refused here too.
    """

    def answer(event: Event, seconds_left: Callable[[], float], about: dict[str, str]) -> dict[str, Any]:
        if operators_only and not event["requestContext"].get("identity", {}).get("userArn"):
            raise Forbidden("This route needs the signature of an operator.")
        return _answer(_request(event, about, seconds_left), event, routes)

    def handle(event: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
        seconds_left = seconds_to_answer(context)
        request_id = event["requestContext"]["requestId"]
        about = {"request_id": request_id, "route": f"{event['httpMethod']} {event['resource']}"}
        try:
            return logged(context, about, lambda: answer(event, seconds_left, about))
        except OnggiError as error:
            return problem(error, request_id)
        except Exception:  # logged already, and the caller must not read a stack trace
            return problem(None, request_id)

    return handle


def _answer(request: ApiRequest, event: Event, routes: Mapping[tuple[str, str], Route]) -> dict[str, Any]:
    name = (event["httpMethod"], event["resource"])
    route = routes.get(name)
    if route is None:
        raise NotFound("There is no such route.")
    if request.tenant is None:
        return as_proxy(route(request), request.request_id)
    request.about["tenant_id"] = request.tenant.tenant_id
    _check_role(request.role, NEEDED_ROLES.get(name))
    try:
        return as_proxy(route(request), request.request_id)
    except (QuotaExceeded, TransientError) as error:
        if error.retry_after is not None:  # a tenant without room is full, not throttled
            application.meter.record(request.tenant, ThrottledRequests=1)
        raise


def _check_role(role: Role, needed: Role | None) -> None:
    if needed is None:
        raise Forbidden("This route is not for tenants.")
    if not has_rights_of(role, needed):
        raise Forbidden(f"This needs the role {needed}, and yours is {role}; ask an owner of your tenant for it.")


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
