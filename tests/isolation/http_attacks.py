"""Attacks over HTTP: every route and every parameter that could name another tenant."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

from tests.integration.product import Json
from tests.isolation.attacks import Scene
from tests.isolation.http_calls import Act, call_api, fill, http_attack, question, send
from tests.isolation.key_attacks import KEY_ATTACKS
from tests.isolation.upload_attacks import FORM_ATTACKS, UPLOAD_ATTACKS


def cursor_of(scene: Scene, *more: str) -> list[str]:
    document = scene.target.documents[0]
    return [*more, f"DOCUMENT#{document['document_id']}", document["uploaded_at"]]


def at_forged_cursor(forge: Callable[[Scene], Any]) -> Act:
    def act(scene: Scene) -> Any:
        cursor = base64.urlsafe_b64encode(json.dumps(forge(scene)).encode()).decode()
        return call_api("GET", f"/v1/documents?cursor={quote(cursor)}")(scene)

    return act


FORGED_CURSORS: Final[dict[str, Callable[[Scene], Any]]] = {
    "forged cursor of a document": cursor_of,
    "forged cursor with a partition": lambda scene: cursor_of(scene, scene.target.tenant_id),
    "forged cursor as a key": lambda scene: {"pk": scene.target.tenant_id, "sk": cursor_of(scene)[0]},
    "forged cursor as a typed key": lambda scene: {
        "pk": {"S": scene.target.tenant_id},
        "sk": {"S": cursor_of(scene)[0]},
        "uploaded_at": {"S": cursor_of(scene)[1]},
    },
    "forged cursor of nested keys": lambda scene: [{"pk": scene.target.tenant_id}, cursor_of(scene)],
    "forged cursor after all documents": lambda _: ["DOCUMENT#g", "9999-12-31T23:59:59Z"],
}


def filtered(clause: Callable[[Scene], Json]) -> Callable[[Scene], Json]:
    return lambda scene: question(scene, filter=clause(scene))


def by_document(scene: Scene) -> Json:
    return {"document_id": {"$eq": scene.target.document["document_id"]}}


FILTERS: Final[dict[str, Callable[[Scene], Json]]] = {
    "document id": by_document,
    "several document ids": lambda scene: {
        "document_id": {"$in": [document["document_id"] for document in scene.target.documents]}
    },
    "anything or a document id": lambda scene: {"$or": [{"page": {"$gte": 0}}, by_document(scene)]},
    "marker": lambda scene: {"marker": {"$eq": scene.target.marker}},
}
TENANT_FILTERS: Final[dict[str, Callable[[Scene], Json]]] = {
    "tenant id": lambda scene: {"tenant_id": {"$eq": scene.target.tenant_id}},
    "partition": lambda scene: {"pk": {"$eq": scene.target.tenant_id}},
    "index": lambda scene: {"indexName": {"$eq": scene.target.tenant_id}},
}
FIELDS: Final[dict[str, Callable[[Scene], Any]]] = {
    "tenant_id": lambda scene: scene.target.tenant_id,
    "tenant": lambda scene: scene.target.context,
    "index": lambda scene: scene.target.tenant_id,
    "indexName": lambda scene: scene.target.tenant_id,
    "placement": lambda scene: scene.target.placement,
    "document_id": lambda scene: scene.target.document["document_id"],
    "key": lambda scene: scene.target.document["key"],
    "prefix": lambda scene: scene.target.tenant.prefix,
    "bucket": lambda scene: scene.target.placement["documents_bucket"],
}
"""Fields that are not part of the API contract."""


def with_field(name: str) -> Callable[[Scene], Json]:
    return lambda scene: question(scene, **{name: FIELDS[name](scene)})


HEADERS: Final = (
    ("x-tenant-id", "{tenant}"),
    ("x-amz-tenant-id", "{tenant}"),
    ("tenant", "{tenant}"),
    ("x-onggi-tenant", "{tenant}"),
    ("x-api-key", "onggi_{tenant}_x"),
    ("x-forwarded-user", "{tenant}"),
    ("x-forwarded-prefix", "/tenants/{tenant}"),
    ("x-original-url", "/v1/documents/{id}"),
    ("x-rewrite-url", "/v1/documents/{id}"),
    ("x-amzn-authorizer-tenant", '{"tenant_id": "{tenant}"}'),
    ("x-amz-security-token", "{tenant}"),
    ("cookie", "tenant_id={tenant}; tenant={tenant}"),
    ("forwarded", "for=127.0.0.1;host={tenant}"),
)
PATHS: Final = (
    "/v1/documents/../documents/{id}",
    "/v1/documents/{own_id}/../{id}",
    "/v1/documents/%2e%2e/documents/{id}",
    "/v1/documents/{own_id}%2F..%2F{id}",
    "/v1/documents/{own_id}%2f%2e%2e%2f{id}",
    "/v1//documents//{id}",
    "//v1/documents/{id}",
    "/v1/documents/{id}/",
    "/v1/documents/{id}%00",
    "/v1/documents/{id};tenant={tenant}",
    "/v1/documents/{id}?tenant_id={tenant}",
    "/v1/documents/{id}#",
    "/v1/documents/%20{id}",
    "/v1/documents/{wide_id}",
    "/v1/documents/DOCUMENT%23{id}",
    "/v1/documents/{tenant}%2FDOCUMENT%23{id}",
    "/v1/documents/{key}",
    "/v1/documents/%7B%22S%22%3A%22{id}%22%7D",
    "/v1/./documents/{id}",
    "/../live/v1/documents/{id}",
    "/v1/me/../documents/{id}",
    "/v1/tenants/{tenant}/documents/{id}",
    "/v1/{tenant}/documents/{id}",
)
METHODS: Final = ("PUT", "PATCH", "POST", "HEAD", "OPTIONS")
WRONG_METHODS: Final = (
    ("GET", "/v1/query?tenant_id={tenant}"),
    ("PUT", "/v1/retrieve?document_id={id}"),
    ("DELETE", "/v1/me?tenant_id={tenant}"),
    ("PATCH", "/v1/documents?tenant_id={tenant}"),
    ("DELETE", "/v1/documents?id={id}"),
    ("PUT", "/v1/keys?tenant_id={tenant}"),
    ("GET", "/v1/keys/{tenant}"),
    ("POST", "/v1/openapi.json?tenant_id={tenant}"),
    ("PUT", "/v1/admin/tenants/{tenant}"),
)
"""Methods that a path does not take: the function answers 405 before it touches anything."""


def as_operator(method: str, route: str) -> Act:
    """Returns a call of an operator's route with the operator's signature."""
    return lambda scene: scene.own.product.as_operator(method, fill(route, scene), {} if method == "POST" else None)


def without_credential(method: str, path: str) -> Act:
    return lambda scene: send(scene, method, fill(path, scene), [])


OPERATORS: Final = (
    ("GET", "/admin/tenants"),
    ("GET", "/admin/tenants/{tenant}"),
    ("POST", "/admin/tenants/{tenant}/keys"),
)


show = call_api("GET", "/v1/documents/{id}")
listing = call_api("GET", "/v1/documents")
retrieving = call_api("POST", "/v1/retrieve", question)


BY_A_TENANT: Final = [
    http_attack("show a document", show),
    http_attack("delete a document", call_api("DELETE", "/v1/documents/{id}"), reads=False),
    http_attack("list at a cursor of the target", call_api("GET", "/v1/documents?cursor={cursor}")),
    *(http_attack(f"list at a {name}", at_forged_cursor(forge), listing) for name, forge in FORGED_CURSORS.items()),
    *(
        http_attack(f"list with the parameter {name}", call_api("GET", f"/v1/documents?{name}={{tenant}}"), listing)
        for name in ("tenant_id", "tenant", "pk", "prefix", "status")
    ),
    http_attack("show the caller, with the target as a parameter", call_api("GET", "/v1/me?tenant_id={tenant}")),
    *(
        http_attack(f"{route} with a filter by {name}", call_api("POST", f"/v1/{route}", filtered(clause)))
        for route in ("query", "retrieve")
        for name, clause in FILTERS.items()
    ),
    *(
        http_attack(
            f"{route} with a filter by {name}",
            call_api("POST", f"/v1/{route}", filtered(clause)),
            retrieving,
        )
        for route in ("query", "retrieve")
        for name, clause in TENANT_FILTERS.items()
    ),
    http_attack(
        "retrieve by a word of the target",
        call_api("POST", "/v1/retrieve", lambda scene: {"question": f"Who says {scene.target.marker}?"}),
    ),
    http_attack(
        "query in a session of the target",
        call_api("POST", "/v1/query", lambda scene: question(scene, session_id=scene.target.session_id)),
    ),
    *(
        http_attack(f"{route} with the field {name}", call_api("POST", f"/v1/{route}", with_field(name)), retrieving)
        for route in ("query", "retrieve")
        for name in FIELDS
    ),
    *(
        http_attack(f"header {name}", call_api("GET", "/v1/documents", headers=[(name, value)]))
        for name, value in HEADERS
    ),
    http_attack(
        "header x-http-method-override",
        call_api("GET", "/v1/documents/{id}", headers=[("x-http-method-override", "DELETE")]),
        reads=False,
    ),
    *(http_attack(f"path {path}", call_api("GET", path), show) for path in PATHS),
    *(
        http_attack(f"{method} on a document", call_api(method, "/v1/documents/{id}"), show, reads=False)
        for method in METHODS
    ),
    *(
        http_attack(f"{method} {path}, which takes other methods", call_api(method, path), show, reads=False)
        for method, path in WRONG_METHODS
    ),
    *UPLOAD_ATTACKS,
    *(
        http_attack(f"operator: {method} {route} by a key", call_api(method, f"/v1{route}"), as_operator(method, route))
        for method, route in OPERATORS
    ),
]
"""The attacks with a valid credential of the attacker."""

HTTP_ATTACKS: Final = [
    *BY_A_TENANT,
    *FORM_ATTACKS,
    *KEY_ATTACKS,
    http_attack("no credential", without_credential("GET", "/v1/documents/{id}"), show),
    *(
        http_attack(
            f"operator: {method} {route} without a credential",
            without_credential(method, f"/v1{route}"),
            as_operator(method, route),
        )
        for method, route in OPERATORS
    ),
    *(
        http_attack(
            f"operator: {method} {route} by a claim",
            call_api(method, f"/v1{route}", headers=[("x-amzn-iam-user-arn", "arn:aws:iam::000000000000:root")]),
            as_operator(method, route),
        )
        for method, route in OPERATORS
    ),
]
