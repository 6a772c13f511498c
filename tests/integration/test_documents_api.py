"""The routes of /documents, according to version 1 of the API contract."""

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.local_cloud import wait_for
from tests.integration.product import Product, Reply, Tenant

TEXT = "The cellar of the inn holds ninety barrels."
UPLOAD = {"name": "a.txt", "content_type": "text/plain", "size": 4}
SHOWN = {
    "document_id",
    "name",
    "key",
    "version",
    "current_version",
    "status",
    "size",
    "content_type",
    "needs_ocr",
    "properties",
    "pages",
    "chunks",
    "tokens",
    "metadata",
    "uploaded_at",
    "language",
}


def assert_problem(reply: Reply, status: int, *fields: str) -> None:
    """Asserts that a reply is a problem document (RFC 9457) with these fields."""
    assert reply.status == status, reply
    assert reply.headers["content-type"].startswith("application/problem+json")
    assert reply.body["request_id"] == reply.headers["x-request-id"]
    assert {"type", "title", "status", "detail", "request_id"} <= set(reply.body)
    assert reply.body["status"] == status
    assert fields or reply.body["detail"].endswith(".")
    assert [error["field"] for error in reply.body.get("errors", [])] == list(fields)
    assert all(error["message"] for error in reply.body.get("errors", []))


def test_an_upload_with_a_form_becomes_ready(tenant: Tenant) -> None:
    body: dict[str, Any] = {
        "name": "계약/본 계약.txt",
        "content_type": "text/plain",
        "size": len(TEXT),
        "metadata": {"부서": "법무"},
    }
    permitted = tenant.call("POST", "/documents", body)
    assert permitted.status == 201
    assert permitted.headers["content-type"].startswith("application/json")
    assert set(permitted.body) == {"document_id", "upload", "expires_at"}
    assert set(permitted.body["upload"]) == {"url", "fields"}
    policy = json.loads(base64.b64decode(permitted.body["upload"]["fields"]["policy"]))
    until = datetime.fromisoformat(permitted.body["expires_at"])
    assert abs(datetime.fromisoformat(policy["expiration"]) - until) < timedelta(seconds=5)
    assert timedelta(seconds=870) < until - datetime.now(UTC) <= timedelta(seconds=900)
    document_id = permitted.body["document_id"]
    pending = tenant.document(document_id)
    assert set(pending) == SHOWN
    assert (pending["status"], pending["name"], pending["size"]) == ("pending", body["name"], len(TEXT))
    assert pending["metadata"] == body["metadata"]
    stored = tenant.send_form(permitted.body["upload"], TEXT.encode())
    ready = tenant.wait_until_processed(tenant.prefix + body["name"], stored.headers["x-amz-version-id"])
    assert set(ready) == SHOWN | {"indexed_at"}
    assert ready["uploaded_at"] <= ready["indexed_at"]
    assert (ready["status"], ready["document_id"], ready["size"]) == ("ready", document_id, len(TEXT))
    assert ready["metadata"] == body["metadata"]
    assert ready["version"] == ready["current_version"] == stored.headers["x-amz-version-id"]


@pytest.mark.parametrize(
    ("changed", "content"),
    [
        ({"key": "tenants/{tenant}/other.txt"}, b"four"),
        ({"key": "tenants/no-such-tenant/a.txt"}, b"four"),
        ({"Content-Type": "text/html"}, b"four"),
        ({"x-amz-meta-role": "admin"}, b"four"),
        ({}, b"five."),
        ({}, b""),
    ],
)
def test_a_form_permits_only_the_requested_upload(tenant: Tenant, changed: dict[str, str], content: bytes) -> None:
    form = tenant.call("POST", "/documents", UPLOAD).body["upload"]
    changed = {name: value.format(tenant=tenant.tenant_id) for name, value in changed.items()}
    refused = tenant.send_form(form, content, **changed)
    assert refused.status in {400, 403}, refused
    assert tenant.product.keys_below(tenant.product["DocumentsBucketName"], tenant.prefix) == []


def test_a_missing_upload_stays_pending_and_can_be_deleted(tenant: Tenant) -> None:
    document_id = tenant.call("POST", "/documents", UPLOAD).body["document_id"]
    row = tenant.row(tenant.prefix + "a.txt")
    assert row is not None
    assert 0 < int(row["expires_at"]["N"]) - time.time() <= 86400
    assert tenant.call("GET", "/documents", status="pending").body["documents"][0]["document_id"] == document_id
    assert tenant.call("DELETE", f"/documents/{document_id}").body["status"] == "deleting"


def test_a_new_form_does_not_change_the_document(tenant: Tenant) -> None:
    document = tenant.ready("a.txt", TEXT)
    assert tenant.call("POST", "/documents", UPLOAD).body["document_id"] == document["document_id"]
    assert tenant.document(document["document_id"]) == document


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"name": None}, ["name"]),
        ({"name": 7}, ["name"]),
        ({"name": "a" * 901 + ".txt"}, ["name"]),
        ({"name": "가" * 301 + ".txt"}, ["name"]),
        ({"name": "../isolated-b/a.txt"}, ["name"]),
        ({"name": "/a.txt"}, ["name"]),
        ({"name": "a//b.txt"}, ["name"]),
        ({"name": "a\nb.txt"}, ["name"]),
        ({"content_type": "text"}, ["content_type"]),
        ({"content_type": ["text/plain"]}, ["content_type"]),
        ({"size": 0}, ["size"]),
        ({"size": -1}, ["size"]),
        ({"size": "4"}, ["size"]),
        ({"size": True}, ["size"]),
        ({"size": 4.5}, ["size"]),
        ({"metadata": []}, ["metadata"]),
        ({"metadata": {"document_id": "x"}}, ["metadata"]),
        ({"metadata": {"a": {"b": "c"}}}, ["metadata"]),
        ({"metadata": {"a": None}}, ["metadata"]),
        ({"metadata": {"a": "x" * 1300}}, ["metadata"]),
        ({"metadata": {"$a": "x"}}, ["metadata"]),
        ({"tenant_id": "isolated"}, ["tenant_id"]),
        ({"name": "", "size": 0, "more": 1}, ["name", "size", "more"]),
    ],
)
def test_an_invalid_upload_is_rejected_by_field(shared: Tenant, change: dict[str, Any], fields: list[str]) -> None:
    assert_problem(shared.call("POST", "/documents", UPLOAD | change), 400, *fields)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b"{'name': 1}"])
def test_a_body_that_is_not_a_json_object_is_rejected(product: Product, shared: Tenant, body: bytes) -> None:
    headers = {"authorization": f"Bearer {shared.api_key}", "content-type": "application/json"}
    for route in ("/documents", "/query", "/retrieve"):
        assert_problem(product.send("POST", product.url(route), headers, body), 400, "body")


def test_unsupported_types_and_sizes_are_rejected(shared: Tenant) -> None:
    zipped = {"name": "a.zip", "content_type": "application/zip", "size": 4}
    assert_problem(shared.call("POST", "/documents", zipped), 415)
    assert_problem(shared.call("POST", "/documents", UPLOAD | {"size": 5 * 1024**3}), 413)
    assert_problem(shared.call("POST", "/documents", UPLOAD | {"size": 5 * 1024**3 + 1}), 400, "size")


def test_documents_are_listed_from_newest_to_oldest(tenant: Tenant) -> None:
    names = [f"note-{number}.txt" for number in range(5)]
    documents = []
    for name in names:
        documents.append(tenant.ready(name, f"Note {name} is about the harvest of barley."))
        started = int(time.time())
        wait_for(lambda: int(time.time()) > started)  # noqa: B023 - the upload time has a resolution of a second
    observed, cursor = [], None
    pages = 0
    while True:
        query: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        reply = tenant.call("GET", "/documents", **query)
        assert reply.status == 200
        assert len(reply.body["documents"]) <= 2
        observed += reply.body["documents"]
        pages += 1
        cursor = reply.body.get("next_cursor")
        if not cursor:
            break
    assert pages == 3
    assert observed == documents[::-1]
    assert tenant.call("GET", "/documents").body == {"documents": documents[::-1]}
    tenant.remove(names[2])
    tenant.wait_for_status(documents[2]["key"], "deleted")
    first = tenant.call("GET", "/documents", limit=3).body
    assert [each["name"] for each in first["documents"]] == [names[4], names[3], names[1]]
    deleted = tenant.call("GET", "/documents", status="deleted").body["documents"]
    assert [each["name"] for each in deleted] == [names[2]]
    assert tenant.call("GET", "/documents", status="failed").body == {"documents": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"status": "finished"}, "status"),
        ({"cursor": "garbage"}, "cursor"),
        ({"cursor": "W10="}, "cursor"),
        ({"cursor": "WyJhIl0="}, "cursor"),
        ({"cursor": "ZZZZ" * 400}, "cursor"),
        ({"tenant": "isolated"}, "tenant"),
    ],
)
def test_an_invalid_listing_is_rejected(shared: Tenant, query: dict[str, Any], field: str) -> None:
    assert_problem(shared.call("GET", "/documents", **query), 400, field)


def test_a_cursor_of_another_tenant_returns_none_of_its_documents(new_tenant: Callable[[], Tenant]) -> None:
    own, foreign = new_tenant(), new_tenant()
    for name in ("a.txt", "b.txt"):
        foreign.ready(name, TEXT)
    mine = own.ready("mine.txt", TEXT)
    cursor = foreign.call("GET", "/documents", limit=1).body["next_cursor"]
    reply = own.call("GET", "/documents", cursor=cursor)
    assert reply.status == 200
    assert {each["document_id"] for each in reply.body["documents"]} <= {mine["document_id"]}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_and_other_tenants_documents_are_not_found(new_tenant: Callable[[], Tenant], method: str) -> None:
    own, foreign = new_tenant(), new_tenant()
    document = foreign.ready("theirs.txt", TEXT)
    unknown = "0" * 32
    replies = [own.call(method, f"/documents/{each}") for each in (document["document_id"], unknown)]
    for reply in replies:
        assert_problem(reply, 404)
    assert replies[0].body["detail"] == replies[1].body["detail"]
    for strange in ("..", "%2e%2e", "a%2Fb", "%00", "가", "x" * 3000):
        reply = own.call(method, f"/documents/{strange}")
        assert reply.status in {400, 404, 414}, (strange, reply)
    assert foreign.document(document["document_id"]) == document


def test_the_tenant_comes_only_from_the_credential(product: Product, new_tenant: Callable[[], Tenant]) -> None:
    own, foreign = new_tenant(), new_tenant()
    foreign.ready("theirs.txt", TEXT)
    headers = {
        "authorization": f"Bearer {own.api_key}",
        "x-tenant-id": foreign.tenant_id,
        "tenantid": foreign.tenant_id,
        "x-amzn-tenant": foreign.tenant_id,
    }
    assert product.send("GET", product.url("/documents"), headers).body == {"documents": []}
    assert product.send("GET", product.url("/me"), headers).body["tenant_id"] == own.tenant_id
    assert_problem(own.call("GET", "/documents", tenant_id=foreign.tenant_id), 400, "tenant_id")
    question = {"question": "How many barrels are there?", "tenant_id": foreign.tenant_id}
    assert_problem(own.call("POST", "/query", question), 400, "tenant_id")


ROUTES = [
    ("POST", "/query"),
    ("POST", "/retrieve"),
    ("POST", "/documents"),
    ("GET", "/documents"),
    ("GET", "/documents/0"),
    ("DELETE", "/documents/0"),
    ("GET", "/me"),
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("DELETE", "/keys/0"),
]


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_every_route_needs_a_credential(product: Product, method: str, route: str) -> None:
    assert_problem(product.send(method, product.url(route)), 401)


def test_invalid_and_forged_credentials_get_401(product: Product, new_tenant: Callable[[], Tenant]) -> None:
    own, foreign = new_tenant(), new_tenant()
    secret = own.api_key.rsplit(f"{own.tenant_id}_", 1)[1]
    forged = [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        own.api_key,
        f"Basic {own.api_key}",
        f"Bearer {own.api_key[:-1]}",
        f"Bearer {own.api_key[:-1]}{'A' if own.api_key[-1] != 'A' else 'B'}",
        f"Bearer {own.api_key}x",
        f"Bearer onggi_{foreign.tenant_id}_{secret}",
        f"Bearer onggi_no-such-tenant_{secret}",
        f"Bearer {own.api_key.upper()}",
        "Bearer eyJhbGciOiJub25lIn0.eyJjdXN0b206dGVuYW50X2lkIjoid2FsbCJ9.",
    ]
    for credential in forged:
        assert_problem(product.send("GET", product.url("/me"), {"authorization": credential}), 401)
    assert product.send("GET", product.url("/me"), {"authorization": f"bearer {own.api_key}"}).status == 200


def test_unknown_routes_are_not_found(shared: Tenant) -> None:
    assert_problem(shared.call("GET", "/nothing"), 404)


@pytest.mark.parametrize(
    ("method", "route", "allowed"),
    [
        ("PUT", "/documents", "GET, POST"),
        ("GET", "/query", "POST"),
        ("PATCH", "/me", "GET"),
        ("POST", "/keys/abc", "DELETE"),
    ],
)
def test_a_wrong_method_is_405_with_the_allowed_ones(
    product: Product, shared: Tenant, method: str, route: str, allowed: str
) -> None:
    reply = shared.call(method, route)
    assert_problem(reply, 405)
    assert (reply.body["code"], reply.headers["allow"]) == ("method_not_allowed", allowed)
    assert_problem(product.send(method, product.url(route), {}), 401)


@pytest.mark.parametrize("route", ["/query", "/documents/abc", "/openapi.json"])
def test_a_preflight_takes_no_credential_and_names_no_origin_by_default(product: Product, route: str) -> None:
    asked = {"origin": "https://app.example.com", "access-control-request-method": "POST"}
    reply = product.send("OPTIONS", product.url(route), asked)
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "none"
    assert "Authorization" in reply.headers["access-control-allow-headers"]


def test_the_contract_is_served_to_anyone(product: Product) -> None:
    reply = product.send("GET", product.url("/openapi.json"), {})
    assert reply.status == 200, reply.body
    assert reply.body["openapi"] == "3.1.0"
    assert "/v1/query" in reply.body["paths"]


def test_me_returns_the_tenant_and_its_limits(product: Product, tenant: Tenant) -> None:
    reply = tenant.call("GET", "/me")
    assert reply.status == 200
    assert set(reply.body) == {"tenant_id", "name", "tier", "status", "limits", "models"}
    assert (reply.body["tenant_id"], reply.body["name"]) == (tenant.tenant_id, "옹기 상회")
    assert (reply.body["tier"], reply.body["status"]) == ("basic", "active")
    assert reply.body["limits"]["max_top_k"] == 50
    assert len(reply.body["models"]) == 1
    second = product.issue_key(tenant.tenant_id)
    again = product.send("GET", product.url("/me"), {"authorization": f"Bearer {second}"})
    assert again.body == reply.body
    assert again.headers["x-request-id"] != reply.headers["x-request-id"]
