"""A suspended tenant is denied access, and its uploads wait until it is resumed."""

from tests.integration.local_cloud import wait_for
from tests.integration.product import READY_SECONDS, Json, Product, Tenant

TEXT = "The lighthouse keeper counts %d gulls at the break of day."
AUTHORISER_SECONDS = 75.0
"""The cache time of the authoriser's decisions, with a margin."""


def change(product: Product, tenant: Tenant, status: str) -> None:
    changed = product.as_operator("PATCH", f"/admin/tenants/{tenant.tenant_id}", {"status": status})
    assert (changed.status, changed.body["status"]) == (200, status)


def waiting(product: Product, tenant: Tenant) -> int:
    found = product.root("dynamodb").query(
        TableName=product["ControlTableName"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"WAITING#{tenant.tenant_id}"}},
        ConsistentRead=True,
    )
    return int(found["Count"])


def test_uploads_of_a_suspended_tenant_wait_and_are_not_lost(product: Product, tenant: Tenant) -> None:
    before = tenant.ready("before.txt", TEXT % 1)
    tenant.ready("deleted.txt", TEXT % 2)
    change(product, tenant, "suspended")
    wait_for(lambda: tenant.call("GET", "/me").status == 403, AUTHORISER_SECONDS)
    versions = {name: tenant.drop(name, TEXT % number) for number, name in enumerate(("a.txt", "b.txt", "c.txt"), 3)}
    versions["a.txt"] = tenant.drop("a.txt", TEXT % 9)
    tenant.remove("deleted.txt")
    wait_for(lambda: waiting(product, tenant) == 4, READY_SECONDS)
    for arn in [each["executionArn"] for each in product.executions()]:
        product.wait_for_execution(arn)
    assert tenant.row(tenant.prefix + "a.txt") is None
    assert tenant.vector_keys(before["document_id"]) != []

    change(product, tenant, "active")
    for name, version in versions.items():
        tenant.wait_for_status(tenant.prefix + name, "ready", version=version)
    tenant.wait_for_status(tenant.prefix + "deleted.txt", "deleted")
    wait_for(lambda: waiting(product, tenant) == 0, READY_SECONDS)
    wait_for(lambda: tenant.call("GET", "/me").status == 200, AUTHORISER_SECONDS)
    found = tenant.call("POST", "/retrieve", {"question": "How many gulls does the lighthouse keeper count?"})
    names = {passage["document_name"] for passage in found.body["passages"]}
    assert names == {"before.txt", "a.txt", "b.txt", "c.txt"}


def test_a_change_of_name_and_settings_is_shown(product: Product, tenant: Tenant) -> None:
    body: Json = {"name": "새 이름", "settings": {"chunk_size": 400}}
    changed = product.as_operator("PATCH", f"/admin/tenants/{tenant.tenant_id}", body)
    assert (changed.status, changed.body["name"], changed.body["settings"]["chunk_size"]) == (200, "새 이름", 400)
    assert product.as_operator("GET", f"/admin/tenants/{tenant.tenant_id}").body == changed.body
    assert product.as_operator("PATCH", "/admin/tenants/unknown", body).status == 404
    assert product.as_operator("PATCH", f"/admin/tenants/{tenant.tenant_id}", {"tier": "gold"}).status == 400
