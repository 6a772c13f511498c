"""What every handler shares: logs without content, the tenant's binding, errors for people and state machines."""

import base64
import functools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from aws_lambda_powertools import Logger

from onggi import bootstrap
from onggi.domain.access import Role, has_rights_of
from onggi.domain.audit import Author
from onggi.domain.document import DocumentVersion
from onggi.domain.errors import (
    BadDocument,
    Conflict,
    Forbidden,
    GrantExpired,
    InvalidRequest,
    ModelRefused,
    ModelTimeout,
    NotFound,
    OnggiError,
    QuotaExceeded,
    TenantMismatch,
    TransientError,
    Unauthorized,
)
from onggi.domain.tenant import TenantContext
from onggi.ports import TenantPorts

logger = Logger(service="onggi")

Event = dict[str, Any]
Handler = Callable[[Event, Any], dict[str, Any]]

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
QUOTE_NOBODY: Final = (TransientError, Unauthorized, ModelTimeout, ModelRefused)
"""Errors whose text is logged; others may quote what a caller has sent."""
GATEWAY_SECONDS: Final = 29.0
"""How long API Gateway waits for a function (API Gateway quotas, integration timeout of REST APIs)."""
SPARE_SECONDS: Final = 3.0
"""Of these, what starting the function before its handler, metering and answering may take."""
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
BAD_DOCUMENT_STATUSES: Final = {
    "too_large": (413, "Content too large"),
    "unsupported_type": (415, "Unsupported media type"),
}


@dataclass(frozen=True, slots=True)
class WorkflowTask:
    """What a state of the ingestion workflow works on, its tenant verified.

    Attributes:
        seconds_left: returns the seconds until Lambda ends the function.
    """

    tenant: TenantContext
    document: DocumentVersion
    state: Event
    ports: TenantPorts
    seconds_left: Callable[[], float]


Step = Callable[[WorkflowTask], dict[str, Any]]
PortsOf = Callable[[TenantContext, DocumentVersion, Event, float], TenantPorts]
"""Makes ports for a tenant, a document and a state, for work of so many seconds."""


def workflow_step(step: Step) -> Handler:
    """Makes a handler of a step on a registered document, under its tenant's session.

    The state's tenant is checked against the document's key and id. Errors leave as they are: the state machine
    matches their names.
    """
    return _workflow_step(step, lambda tenant, *_: bootstrap.tenant_ports(tenant))


def granted_step(step: Step) -> Handler:
    """Makes a handler of a step that reads a registered document under a grant, with the same checks.

    The handler raises GrantExpired where the state has no grant, or one that ends before the function may.
    """
    return _workflow_step(step, _granted_ports)


def _granted_ports(tenant: TenantContext, document: DocumentVersion, state: Event, seconds: float) -> TenantPorts:
    if "grant" not in state:
        raise GrantExpired("The execution began under a definition without grants; it has to begin again.")
    return bootstrap.granted_ports(tenant, document, state["grant"]["parts"], seconds)


def _workflow_step(step: Step, ports_of: PortsOf) -> Handler:
    @functools.wraps(step)
    def handle(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
        tenant = TenantContext.for_document(state["tenant"], state["document"]["key"])
        document = DocumentVersion.from_dict(tenant, state["document"])
        about = {"tenant_id": tenant.tenant_id, "document_id": document.document_id, "version": document.version}

        def work() -> dict[str, Any]:
            seconds_left = seconds_left_of(context)
            ports = ports_of(tenant, document, state, seconds_left())
            return step(WorkflowTask(tenant, document, state, ports, seconds_left))

        return logged(context, about, work)

    return handle


def seconds_left_of(context: Any) -> Callable[[], float]:  # noqa: ANN401 - Lambda's context has no public type
    """A function that returns the seconds until Lambda ends this one."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000


def seconds_to_answer(context: Any, clock: Callable[[], float] = time.monotonic) -> Callable[[], float]:  # noqa: ANN401 - Lambda's context has no public type
    """A function that returns the seconds that are left for work until the caller can still get an answer of ours.

    After them API Gateway answers in the function's place, or Lambda ends it, and what was spent is metered by nobody.
    """
    began, left = clock(), seconds_left_of(context)
    return lambda: min(left(), GATEWAY_SECONDS - (clock() - began)) - SPARE_SECONDS


def logged(
    context: Any,  # noqa: ANN401 - Lambda's context has no public type
    about: Mapping[str, str],
    work: Callable[[], dict[str, Any]],
) -> dict[str, Any]:
    """Runs work and logs how it ended and how long it took, with ids and numbers, and what was down or refused."""
    began = time.perf_counter()
    outcome = "done"
    reason: dict[str, str] = {}
    try:
        return work()
    except OnggiError as error:
        outcome = type(error).__name__
        if isinstance(
            error, TransientError | Unauthorized | ModelTimeout | ModelRefused
        ):  # other errors may quote what a caller has sent
            reason = {"reason": str(error)}
        raise
    except Exception:
        outcome = "fault"
        logger.exception("fault", extra=dict(about))
        raise
    finally:
        milliseconds = round((time.perf_counter() - began) * 1000)
        request_id = getattr(context, "aws_request_id", None)
        logger.info(outcome, extra={**about, **reason, "function_request_id": request_id, "duration_ms": milliseconds})


def spared(what: str, work: Callable[[], None]) -> None:
    """Runs work that a call must not fail of, such as a note; a failure is logged."""
    try:
        work()
    except Exception:  # whatever it is: the call goes on, and the log has it
        logger.warning(what, exc_info=True)


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
            return _problem(error, request_id)
        except Exception:  # logged already, and the caller must not read a stack trace
            return _problem(None, request_id)

    return handle


def _answer(request: ApiRequest, event: Event, routes: Mapping[tuple[str, str], Route]) -> dict[str, Any]:
    name = (event["httpMethod"], event["resource"])
    route = routes.get(name)
    if route is None:
        raise NotFound("There is no such route.")
    if request.tenant is None:
        return _as_proxy(route(request), request.request_id)
    request.about["tenant_id"] = request.tenant.tenant_id
    _check_role(request.role, NEEDED_ROLES.get(name))
    try:
        return _as_proxy(route(request), request.request_id)
    except (QuotaExceeded, TransientError) as error:
        if error.retry_after is not None:  # a tenant without room is full, not throttled
            bootstrap.meter().record(request.tenant, ThrottledRequests=1)
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


def _as_proxy(
    response: ApiResponse,
    request_id: str,
    content_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
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


def _problem(error: OnggiError | None, request_id: str) -> dict[str, Any]:
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
    return _as_proxy(ApiResponse(status, problem), request_id, "application/problem+json", headers)


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
