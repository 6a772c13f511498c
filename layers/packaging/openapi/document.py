"""The contract as an OpenAPI 3.1 document, from the routes that functions declare."""

import re
from collections.abc import Iterable
from typing import Final

from layers.packaging.openapi.operations import OPERATIONS, Operation
from layers.packaging.openapi.schemas import SCHEMAS, Json, ref
from onggi.domain.error_codes import STATUSES
from onggi.entry.http import Route

SHARED_ERRORS: Final[dict[str, tuple[int, ...]]] = {
    "anyone": (405, 429, 500, 503),
    "operator": (400, 403, 404, 405, 413, 429, 500, 503),
    "tenant": (400, 401, 403, 404, 405, 413, 429, 500, 503),
}
"""The statuses that every route may return; 404 because the id of a path may be a form that no route has."""
HEADERS: Final[Json] = {"x-request-id": {"schema": {"type": "string"}}}
RETRY_AFTER: Final[Json] = {"retry-after": {"schema": {"type": "integer"}, "description": "Seconds; not always there."}}
ALLOW: Final[Json] = {"allow": {"schema": {"type": "string"}}}


def document(routes: Iterable[Route], version: str) -> Json:
    """Returns the OpenAPI document.

    Args:
        routes: all routes.
        version: of the product.

    Raises:
        KeyError: when a route has no operation.
    """
    paths: dict[str, Json] = {}
    for route in sorted(routes, key=lambda each: (each.path, each.method)):
        operation = OPERATIONS[route.method, route.path]
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Onggi",
            "version": version,
            "summary": "Answers each tenant's questions from its own documents.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The stack output ApiUrl"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": _security_schemes()},
    }


def _security_schemes() -> Json:
    return {
        "tenant": {
            "type": "http",
            "scheme": "bearer",
            "description": "A tenant's API key, or the id token of a user of the stack's user pool.",
        },
        "operator": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "An AWS signature (SigV4) for the service execute-api.",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
    }


def _operation(route: Route, operation: Operation) -> Json:
    scheme = route.role if route.role in {"operator", "anyone"} else "tenant"
    described: Json = {
        "operationId": _identifier(route),
        "summary": operation.summary,
        "description": _role_sentence(route),
        "security": [] if scheme == "anyone" else [{scheme: []}],
        "parameters": [*_path_parameters(route.path), *operation.query],
        "responses": _responses(operation, scheme),
    }
    if operation.request:
        content = {"application/json": {"schema": ref(operation.request)}}
        described["requestBody"] = {"required": not operation.is_body_optional, "content": content}
    return described


def _role_sentence(route: Route) -> str:
    if route.role == "anyone":
        return "Takes no credential."
    if route.role == "operator":
        return "Takes the AWS signature of an operator."
    return f"Takes a tenant's credential with the role {route.role} or a stronger one."


def _identifier(route: Route) -> str:
    words = re.findall(r"\w+", route.path.removeprefix("/v1/").replace("{", "by-"))
    return "-".join([route.method.lower(), *words]).replace("_", "-")


def _path_parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _responses(operation: Operation, scheme: str) -> Json:
    schema = {"application/json": {"schema": ref(operation.response)}}
    responses = {str(operation.status): {"description": "Success", "headers": HEADERS, "content": schema}}
    problem = {"application/problem+json": {"schema": ref("Problem")}}
    for status in sorted({*SHARED_ERRORS[scheme], *operation.errors}):
        titles = dict.fromkeys(title for each, title in STATUSES.values() if each == status)
        headers = HEADERS | (RETRY_AFTER if status in {429, 503} else {}) | (ALLOW if status == 405 else {})  # noqa: PLR2004 - a status
        responses[str(status)] = {"description": ", ".join(titles), "headers": headers, "content": problem}
    return responses
