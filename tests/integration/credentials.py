"""Keys and roles of a tenant, the routes that each role may call, and the sessions of the Keys function."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.integration.identities import Identity, assumed
from tests.integration.product import Json, Product, Tenant
from tests.integration.test_documents_api import assert_problem

ROLES = ("reader", "writer", "owner")
QUESTION = {"question": "Who keeps the keys?"}
UPLOAD = {"name": "a.txt", "content_type": "text/plain", "size": 5}
ROUTES: list[tuple[str, str, Any, str, int]] = [
    ("GET", "/me", None, "reader", 200),
    ("POST", "/query", QUESTION, "reader", 200),
    ("POST", "/retrieve", QUESTION, "reader", 200),
    ("GET", "/documents", None, "reader", 200),
    ("GET", "/documents/0", None, "reader", 404),
    ("POST", "/documents", UPLOAD, "writer", 201),
    ("DELETE", "/documents/0", None, "writer", 404),
    ("GET", "/keys", None, "owner", 200),
    ("POST", "/keys", {}, "owner", 201),
    ("DELETE", "/keys/0123456789ab", None, "owner", 404),
]
"""Method, route, body, the lowest role that may call it, and the status of the response."""


def with_new_key(tenant: Tenant, **wanted: str) -> Tenant:
    """Returns the tenant with a new key that the operator issues."""
    return replace(tenant, api_key=tenant.product.issue_key(tenant.tenant_id, **wanted))


def key_id_of(tenant: Tenant) -> str:
    return tenant.api_key.removeprefix(f"onggi_{tenant.tenant_id}_")[:12]


def audit_entries(tenant: Tenant) -> list[Json]:
    reply = tenant.product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}/audit", limit=100)
    assert reply.status == 200, reply
    entries: list[Json] = reply.body["entries"]
    return entries


def matrix_of(caller: Tenant) -> dict[str, int]:
    replies = {f"{method} {route}": caller.call(method, route, body) for method, route, body, _, _ in ROUTES}
    for reply in replies.values():
        if reply.status == 403:
            assert_problem(reply, 403)
        elif isinstance(reply.body, dict) and "api_key" in reply.body:
            caller.product.confidential.add(reply.body["api_key"])
    return {route: reply.status for route, reply in replies.items()}


def expected_of(role: str) -> dict[str, int]:
    return {
        f"{method} {route}": status if ROLES.index(role) >= ROLES.index(needed) else 403
        for method, route, _, needed, status in ROUTES
    }


def key_session(product: Product, function: str, tenant_id: str) -> Identity:
    role = product.root("iam").get_role(RoleName=product.resources["TenantKeysRole"])["Role"]["Arn"]
    tags = [{"Key": "TenantId", "Value": tenant_id}]
    identity = assumed(product, product.resources[f"{function}Role"])
    answer = identity["sts"].assume_role(RoleArn=role, RoleSessionName="test", Tags=tags)
    return Identity(product, answer["Credentials"])


def control_calls(product: Product, dynamodb: Any, partition: str) -> dict[str, Callable[[], Any]]:
    table, key = product["ControlTableName"], {"pk": {"S": partition}, "sk": {"S": "isolated"}}
    return {
        f"get {partition}": lambda: dynamodb.get_item(TableName=table, Key=key),
        f"query {partition}": lambda: dynamodb.query(
            TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": key["pk"]}
        ),
        f"update {partition}": lambda: dynamodb.update_item(
            TableName=table, Key=key, UpdateExpression="SET observed = :s", ExpressionAttributeValues={":s": {"S": "x"}}
        ),
        f"put {partition}": lambda: dynamodb.put_item(TableName=table, Item=key),
        f"delete {partition}": lambda: dynamodb.delete_item(TableName=table, Key=key),
    }
