"""API keys: what each role may do, how keys are managed and revoked, and what the audit trail records."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.credentials import (
    ROLES,
    ROUTES,
    UPLOAD,
    audit_entries,
    expected_of,
    key_id_of,
    matrix_of,
    with_new_key,
)
from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Tenant
from tests.integration.test_documents_api import assert_problem

CACHED_SECONDS = 60
"""How long API Gateway caches a decision of the authoriser."""
PUBLIC_ROUTE = ("GET", "/v1/openapi.json")


@pytest.mark.parametrize("role", ROLES)
def test_a_key_has_the_permissions_of_its_role_on_every_route(tenant: Tenant, role: str) -> None:
    assert matrix_of(with_new_key(tenant, role=role)) == expected_of(role)


def test_a_key_without_a_role_is_a_writer(tenant: Tenant) -> None:
    assert matrix_of(with_new_key(tenant)) == expected_of("writer")


def test_the_matrix_covers_every_tenant_route(product: Product) -> None:
    api = product.root("apigateway")
    resources = api.get_resources(restApiId=product.resources["Api"], limit=500)["items"]
    served = {(method, each["path"]) for each in resources for method in each.get("resourceMethods", {})}
    of_tenants = {
        (method, path) for method, path in served if "/admin/" not in path and method not in {"ANY", "OPTIONS"}
    }
    known = {(method, "/v1" + route) for method, route, *_ in ROUTES}
    patterns = {(method, route.replace("/0123456789ab", "/{key_id}").replace("/0", "/{id}")) for method, route in known}
    assert of_tenants == patterns | {PUBLIC_ROUTE}


def test_a_denied_request_names_the_required_role(tenant: Tenant) -> None:
    refused = with_new_key(tenant, role="reader").call("POST", "/documents", UPLOAD)
    assert_problem(refused, 403)
    assert "role writer" in refused.body["detail"]


def test_an_owner_manages_the_keys_of_its_tenant(product: Product, tenant: Tenant) -> None:
    owner = with_new_key(tenant, role="owner", name="Board")
    issued = owner.call("POST", "/keys", {"role": "reader", "name": "키오스크", "expires_at": "2999-01-01T00:00:00Z"})
    assert issued.status == 201
    kiosk = replace(tenant, api_key=issued.body["api_key"])
    product.confidential |= {kiosk.api_key, kiosk.api_key[-43:]}
    assert kiosk.call("GET", "/me").body["tenant_id"] == tenant.tenant_id
    listed = {key["key_id"]: key for key in owner.call("GET", "/keys").body["keys"]}
    assert set(listed) == {key_id_of(each) for each in (tenant, owner, kiosk)}
    assert (listed[key_id_of(kiosk)]["role"], listed[key_id_of(kiosk)]["name"]) == ("reader", "키오스크")
    assert listed[key_id_of(kiosk)]["expires_at"] == "2999-01-01T00:00:00.000Z"
    by_operator = product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/keys").body["keys"]
    assert {key["key_id"] for key in by_operator} == set(listed)
    revoked = owner.call("DELETE", f"/keys/{key_id_of(kiosk)}")
    assert revoked.status == 200
    assert revoked.body["revoked_at"]
    author = f"{tenant.tenant_id}/{key_id_of(owner)}"
    about_kiosk = [each for each in audit_entries(tenant) if each["author"] == author]
    assert [each["action"] for each in about_kiosk] == ["key.revoked", "key.issued"]
    assert about_kiosk[0]["after"] == revoked.body
    assert about_kiosk[0]["request_id"] == revoked.headers["x-request-id"]


def test_an_owner_cannot_reach_keys_of_other_tenants(tenant: Tenant, new_tenant: Callable[[], Tenant]) -> None:
    owner, foreign = with_new_key(tenant, role="owner"), new_tenant()
    unknown = owner.call("DELETE", "/keys/0123456789ab")
    others = owner.call("DELETE", f"/keys/{key_id_of(foreign)}")
    for reply in (unknown, others):
        assert_problem(reply, 404)
    assert unknown.body["detail"] == others.body["detail"]
    for field in ("tenant_id", "id", "pk"):
        assert_problem(owner.call("POST", "/keys", {field: foreign.tenant_id}), 400, field)
        assert_problem(owner.call("GET", "/keys", **{field: foreign.tenant_id}), 400, field)
    for strange in ("..", "%2e%2e", "x" * 3000, "%00", "가"):
        assert owner.call("DELETE", f"/keys/{strange}").status in {400, 404, 414}
    page = owner.call("GET", "/keys", limit=1).body
    assert owner.call("GET", "/keys", limit=1, cursor=page["next_cursor"]).status == 200
    stolen = base64.urlsafe_b64encode(json.dumps(["0"]).encode()).decode()
    observed = owner.call("GET", "/keys", cursor=stolen).body["keys"]
    assert {key["key_id"] for key in observed} == {key_id_of(tenant), key_id_of(owner)}
    assert foreign.call("GET", "/me").status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "operator"}, "role"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2999-01-01T00:00:00"}, "expires_at"),
        ({"name": ""}, None),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_an_invalid_key_request_is_rejected(tenant: Tenant, body: Json, field: str | None) -> None:
    reply = tenant.product.as_operator("POST", f"/admin/tenants/{tenant.tenant_id}/keys", body)
    if field is None:
        assert reply.status == 201
    else:
        assert_problem(reply, 400, field)


def test_an_unused_key_is_rejected_at_once_after_its_end(product: Product, tenant: Tenant) -> None:
    revoked = with_new_key(tenant)
    reply = product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}/keys/{key_id_of(revoked)}")
    assert reply.status == 200
    assert_problem(revoked.call("GET", "/me"), 401)
    end = datetime.now(UTC) + timedelta(seconds=1)
    expired = with_new_key(tenant, expires_at=end.isoformat())
    wait_for(lambda: datetime.now(UTC) > end)
    assert_problem(expired.call("GET", "/me"), 401)
    route = f"/admin/tenants/{tenant.tenant_id}/keys/0123456789ab"
    assert_problem(product.as_operator("DELETE", route), 404)


def test_a_used_key_is_rejected_within_the_gateways_cache_time(product: Product, tenant: Tenant) -> None:
    operators, owners = with_new_key(tenant), with_new_key(tenant)
    expiring = with_new_key(tenant, expires_at=(datetime.now(UTC) + timedelta(seconds=5)).isoformat())
    owner = with_new_key(tenant, role="owner")
    for caller in (operators, owners, expiring):
        assert caller.call("GET", "/me").status == 200
    began = time.monotonic()
    product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}/keys/{key_id_of(operators)}")
    owner.call("DELETE", f"/keys/{key_id_of(owners)}")

    def refused() -> bool:
        time.sleep(0.5)  # more frequent requests would show no more
        return {caller.call("GET", "/me").status for caller in (operators, owners, expiring)} == {401}

    wait_for(refused, CACHED_SECONDS + 5)
    assert time.monotonic() - began <= CACHED_SECONDS + 5
    assert tenant.call("GET", "/me").status == 200


def test_the_last_use_of_a_key_is_recorded_and_nothing_else_changes(product: Product, tenant: Tenant) -> None:
    def stored() -> Json:
        key = {"pk": {"S": f"KEYS#{tenant.tenant_id}"}, "sk": {"S": key_id_of(tenant)}}
        item: Json = product.root("dynamodb").get_item(TableName=product["ControlTableName"], Key=key)["Item"]
        return item

    before = stored()
    assert tenant.call("GET", "/me").status == 200
    after = stored()
    assert set(after) - set(before) == {"last_used_at"}
    assert {name: after[name] for name in before} == before
    (shown,) = product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/keys").body["keys"]
    assert shown["last_used_at"] == after["last_used_at"]["S"]
    for hidden in ("salt", "secret_hash"):
        assert before[hidden]["S"] not in json.dumps(shown)


def test_every_change_is_recorded_and_logged_without_credentials(product: Product, tenant: Tenant) -> None:
    entries = audit_entries(tenant)
    assert [each["action"] for each in entries] == ["key.issued", "tenant.created"]
    assert entries[1]["after"]["tenant_id"] == tenant.tenant_id
    assert entries[0]["after"]["key_id"] == key_id_of(tenant)
    assert all(each["author"].startswith("arn:aws:") and each["request_id"] for each in entries)
    assert tenant.api_key[-43:] not in json.dumps(entries)
    page = product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/audit", limit=1).body
    assert page["entries"] == entries[:1]
    route, cursor = f"/admin/tenants/{tenant.tenant_id}/audit", page["next_cursor"]
    assert product.as_operator("GET", route, limit=1, cursor=cursor).body["entries"] == entries[1:]

    def logged() -> set[str]:
        lines = [json.loads(line) for line in product.log_messages() if '"audit"' in line and tenant.tenant_id in line]
        return {line["audit"]["action"] for line in lines if line.get("tenant_id") == tenant.tenant_id}

    wait_for(lambda: logged() == {"key.issued", "tenant.created"})
