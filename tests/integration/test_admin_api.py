"""The operator's routes, according to version 1 of the API contract."""

import itertools
import json
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.integration.identities import Identity, assert_denied, assumed
from tests.integration.local_cloud import ACCOUNT, REGION
from tests.integration.product import Product, Reply, Tenant
from tests.integration.test_documents_api import assert_problem

ADMIN_ROUTES = [
    ("POST", "/admin/tenants"),
    ("GET", "/admin/tenants"),
    ("GET", "/admin/tenants/isolated"),
    ("GET", "/admin/tenants/isolated/keys"),
    ("PATCH", "/admin/tenants/isolated"),
    ("DELETE", "/admin/tenants/isolated"),
    ("GET", "/admin/tenants/isolated/export"),
    ("POST", "/admin/tenants/isolated/keys"),
    ("DELETE", "/admin/tenants/isolated/keys/0123456789ab"),
    ("GET", "/admin/tenants/isolated/audit"),
]


def test_a_created_tenant_becomes_active_and_gets_a_key(product: Product) -> None:
    body = {"tenant_id": "admin-1", "name": "한빛 & Co. <1>", "tier": "basic"}
    created = product.as_operator("POST", "/admin/tenants", body)
    assert (created.status, created.body) == (202, {"tenant_id": "admin-1", "status": "provisioning"})
    product.wait_until_active("admin-1")
    shown = product.as_operator("GET", "/admin/tenants/admin-1")
    assert shown.status == 200
    assert (shown.body["status"], shown.body["name"], shown.body["tier"]) == ("active", body["name"], "basic")
    assert shown.body["placement"]["prefix"] == "tenants/admin-1/"
    assert shown.body["placement"]["documents_bucket"] == product["DocumentsBucketName"]
    issued = product.as_operator("POST", "/admin/tenants/admin-1/keys", {})
    assert issued.status == 201
    assert set(issued.body) == {"tenant_id", "key_id", "api_key", "role", "created_at"}
    key = issued.body["api_key"]
    assert key.startswith(f"onggi_admin-1_{issued.body['key_id']}")
    me = product.send("GET", product.url("/me"), {"authorization": f"Bearer {key}"})
    assert me.body["tenant_id"] == "admin-1"


def test_a_key_is_stored_as_a_hash(product: Product, tenant: Tenant) -> None:
    pages = product.root("dynamodb").get_paginator("scan").paginate(TableName=product["ControlTableName"])
    stored = str([item for page in pages for item in page["Items"]])
    assert f"KEYS#{tenant.tenant_id}" in stored
    assert tenant.api_key not in stored
    assert tenant.api_key[-43:] not in stored


def test_a_tenant_id_is_unique(product: Product) -> None:
    body = {"tenant_id": "admin-once", "name": "First"}
    assert product.as_operator("POST", "/admin/tenants", body).status == 202
    assert_problem(product.as_operator("POST", "/admin/tenants", {**body, "name": "Second"}), 409)
    product.wait_until_active("admin-once")
    assert_problem(product.as_operator("POST", "/admin/tenants", body), 409)
    assert_problem(product.as_operator("POST", "/admin/tenants", {**body, "name": "Second"}), 409)
    assert product.as_operator("GET", "/admin/tenants/admin-once").body["name"] == "First"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"tenant_id": None}, ["tenant_id"]),
        ({"tenant_id": "ab"}, ["tenant_id"]),
        ({"tenant_id": "Upper"}, ["tenant_id"]),
        ({"tenant_id": "a--b"}, ["tenant_id"]),
        ({"tenant_id": "-ab"}, ["tenant_id"]),
        ({"tenant_id": "ab-"}, ["tenant_id"]),
        ({"tenant_id": "a_b"}, ["tenant_id"]),
        ({"tenant_id": "한빛가전"}, ["tenant_id"]),
        ({"tenant_id": "a" * 64}, ["tenant_id"]),
        ({"tenant_id": 123}, ["tenant_id"]),
        ({"name": ""}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"tier": "gold"}, ["tier"]),
        ({"status": "active"}, ["status"]),
        ({"limits": {"documents": 0, "stored_bytes": "1"}}, ["limits.documents", "limits.stored_bytes"]),
        ({"limits": {"queries": 1}}, ["limits.queries"]),
    ],
)
def test_an_invalid_tenant_is_rejected_by_field(product: Product, change: dict[str, Any], fields: list[str]) -> None:
    body = {"tenant_id": "admin-bad", "name": "Bad"} | change
    assert_problem(product.as_operator("POST", "/admin/tenants", body), 400, *fields)
    assert product.as_operator("GET", "/admin/tenants/admin-bad").status == 404


def test_limits_are_set_shown_enforced_and_raised(product: Product) -> None:
    route = "/admin/tenants/limits-1"
    body = {"tenant_id": "limits-1", "name": "Limits", "limits": {"documents": 1, "document_bytes": 100}}
    assert product.as_operator("POST", "/admin/tenants", body).status == 202
    product.wait_until_active("limits-1")
    tenant = Tenant(product, "limits-1", product.issue_key("limits-1"))
    limits = product.as_operator("GET", route).body["limits"]
    assert (limits["documents"], limits["document_bytes"]) == (1, 100)
    assert tenant.call("GET", "/me").body["limits"].items() >= limits.items()

    upload = {"content_type": "text/plain", "size": 60}
    first = tenant.ready("first.txt", "The orchard keeps three rows of quince.")
    assert tenant.call("POST", "/documents", upload | {"name": "first.txt"}).status == 201
    refused = tenant.call("POST", "/documents", upload | {"name": "second.txt"})
    assert_problem(refused, 429)
    assert "retry-after" not in refused.headers
    assert_problem(tenant.call("POST", "/documents", upload | {"name": "first.txt", "size": 101}), 413)
    assert tenant.ingest("first.txt", "x" * 101)["error"]["code"] == "too_large"
    second = tenant.ingest("second.txt", "The orchard keeps nine rows of medlar.")
    assert (second["status"], second["error"]["code"]) == ("failed", "quota_exceeded")
    assert second["error"]["message"] == refused.body["detail"]
    assert tenant.derived_data(second["document_id"]) == []
    assert tenant.document(first["document_id"])["current_version"] == first["version"]

    raised = product.as_operator("PATCH", route, {"limits": {"documents": 2, "document_bytes": None}})
    assert (raised.status, raised.body["chosen_limits"]) == (200, {"documents": 2})
    newest = product.as_operator("GET", f"{route}/audit").body["entries"][0]
    assert (newest["action"], newest["before"]["limits"], newest["after"]["limits"]) == (
        "tenant.changed",
        limits,
        raised.body["limits"],
    )
    tenant.ready("second.txt", "The orchard keeps nine rows of medlar.")
    tenant.ready("first.txt", "The orchard keeps four rows of quince.")
    assert tenant.ingest("third.txt", "A third one.")["error"]["code"] == "quota_exceeded"
    tenant.remove("second.txt")
    tenant.wait_for_status(tenant.prefix + "second.txt", "deleted")
    tenant.ready("third.txt", "The orchard keeps one row of mulberry.")


def test_invalid_limits_are_rejected_by_field(product: Product, tenant: Tenant) -> None:
    route = f"/admin/tenants/{tenant.tenant_id}"
    before = product.as_operator("GET", route).body
    change = {"limits": {"documents": 1.5, "document_bytes": 0}}
    assert_problem(product.as_operator("PATCH", route, change), 400, "limits.documents", "limits.document_bytes")
    assert_problem(product.as_operator("PATCH", route, {"limits": []}), 400, "limits")
    assert product.as_operator("GET", route).body == before


def test_tenants_are_listed_in_pages(product: Product) -> None:
    for number in range(3):
        product.as_operator("POST", "/admin/tenants", {"tenant_id": f"admin-page-{number}", "name": "Page"})
    query: dict[str, Any] = {"limit": 2}
    observed: list[str] = []
    for _ in itertools.count():
        reply = product.as_operator("GET", "/admin/tenants", **query)
        assert reply.status == 200
        assert len(reply.body["tenants"]) <= 2
        observed += [tenant["tenant_id"] for tenant in reply.body["tenants"]]
        if "next_cursor" not in reply.body:
            break
        query["cursor"] = reply.body["next_cursor"]
    assert observed == sorted(set(observed))
    assert {f"admin-page-{number}" for number in range(3)} <= set(observed)


@pytest.mark.parametrize(("query", "field"), [({"limit": 0}, "limit"), ({"cursor": "x"}, "cursor"), ({"a": 1}, "a")])
def test_an_invalid_listing_is_rejected(product: Product, query: dict[str, Any], field: str) -> None:
    assert_problem(product.as_operator("GET", "/admin/tenants", **query), 400, field)


def test_an_unknown_tenant_is_not_found(product: Product) -> None:
    for unknown in ("nobody", "x" * 3000, "%00", "TENANTS"):
        assert_problem(product.as_operator("GET", f"/admin/tenants/{unknown}"), 404)
    assert_problem(product.as_operator("POST", "/admin/tenants/nobody/keys", {}), 404)
    for route in ("nobody/keys", "nobody/audit", "%00/audit"):
        assert_problem(product.as_operator("GET", f"/admin/tenants/{route}"), 404)


@pytest.mark.parametrize(("method", "route"), ADMIN_ROUTES)
def test_operators_routes_need_a_signature(product: Product, tenant: Tenant, method: str, route: str) -> None:
    for headers in ({}, {"authorization": f"Bearer {tenant.api_key}"}):
        reply = product.send(method, product.url(route), headers, b"{}")
        assert reply.status in {403, 404}, reply
        assert_problem(reply, reply.status)


def test_a_signature_with_another_secret_is_rejected(product: Product) -> None:
    signed = AWSRequest("GET", product.url("/admin/tenants"))
    SigV4Auth(Credentials("AKIANOBODY0000000000", "wrong"), "execute-api", "ap-northeast-2").add_auth(signed)
    reply = product.send("GET", product.url("/admin/tenants"), dict(signed.headers.items()))
    assert_problem(reply, 403)


def test_a_signature_is_rejected_on_tenants_routes(product: Product) -> None:
    assert product.as_operator("GET", "/me").status == 401


def test_an_operator_may_only_call_operators_routes(product: Product, tenant: Tenant) -> None:
    iam, name = product.root("iam"), "an-operator"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)
    operator = assumed(product, name)
    url = product.url(f"/admin/tenants/{tenant.tenant_id}")
    assert signed(product, operator, "GET", url).status == 403, "without the policy"
    iam.attach_role_policy(RoleName=name, PolicyArn=product["OperatorPolicyArn"])
    assert signed(product, operator, "GET", url).body["tenant_id"] == tenant.tenant_id
    assert signed(product, operator, "GET", product.url("/me")).status in {401, 403}
    assert_denied(
        {
            "tenants": lambda: operator["dynamodb"].scan(TableName=product["ControlTableName"]),
            "the trail": lambda: operator["s3"].list_objects_v2(Bucket=product["AuditBucketName"]),
            "documents": lambda: operator["s3"].list_objects_v2(Bucket=product["DocumentsBucketName"]),
            "the policy": lambda: operator["iam"].detach_role_policy(
                RoleName=name, PolicyArn=product["OperatorPolicyArn"]
            ),
        }
    )


def signed(product: Product, who: Identity, method: str, url: str) -> Reply:
    keys = who.credentials
    request = AWSRequest(method, url)
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return product.send(method, url, dict(request.headers.items()))
