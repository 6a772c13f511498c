"""Removal of tenants: access is denied at once, all data is deleted, other tenants are unchanged, a receipt is kept."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local_cloud import wait_for
from tests.integration.product import READY_SECONDS, Product, Tenant, refused_code
from tests.integration.test_suspension import AUTHORISER_SECONDS
from tests.integration.users import users_of

type Call = Callable[[], Any]

TEXT = "The ferry leaves the %s pier at seven in the morning."
PARTITIONED = ("TenantTableName", "ControlTableName")


def removed(product: Product, tenant_id: str) -> dict[str, Any]:
    """Waits until a tenant is removed; returns its record."""

    def poll() -> dict[str, Any] | None:
        shown: dict[str, Any] = product.as_operator("GET", f"/admin/tenants/{tenant_id}").body
        assert "reason" not in shown, shown
        return shown if shown["status"] == "removed" else None

    return wait_for(poll, 2 * READY_SECONDS)


def traces(product: Product, tenant_id: str) -> list[str]:
    """Returns all data of a tenant except receipts and the audit trail."""
    found = []
    for output in ("DocumentsBucketName", "ArtifactsBucketName"):
        for prefix in (f"tenants/{tenant_id}/", f"manifests/{tenant_id}/"):
            listed = product.root("s3").list_object_versions(Bucket=product[output], Prefix=prefix)
            found += [entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in listed.get(kind, [])]
    for output in PARTITIONED:
        pages = product.root("dynamodb").get_paginator("scan").paginate(TableName=product[output])
        items = [item for page in pages for item in page["Items"]]
        receipt = f"RECEIPT#{tenant_id}"
        found += [str(item) for item in items if tenant_id in str(item) and item["pk"]["S"] != receipt]
    pages = product.root("cognito-idp").get_paginator("list_users").paginate(UserPoolId=product["UserPoolId"])
    named = {"Name": "custom:tenant_id", "Value": tenant_id}
    found += [user["Username"] for page in pages for user in page["Users"] if named in user["Attributes"]]
    indexes = product.root("s3vectors").list_indexes(vectorBucketName=product["VectorBucketName"])["indexes"]
    return found + [index["indexName"] for index in indexes if index["indexName"] == tenant_id]


def test_a_removed_tenant_leaves_no_data_and_can_be_created_again(product: Product) -> None:
    leaving, staying = product.new_tenant("offboard-leaving"), product.new_tenant("offboard-staying")
    for tenant in (leaving, staying):
        tenant.ready("ferry.txt", TEXT % "northern")
        tenant.ready("ferry.txt", TEXT % "southern")
        tenant.ready("old.txt", TEXT % "eastern")
        tenant.remove("old.txt")
        tenant.wait_for_status(tenant.prefix + "old.txt", "deleted")
    users = users_of(product)
    user = replace(leaving, api_key=users.sign_up(leaving.tenant_id, "owner")["IdToken"])
    users.sign_up(staying.tenant_id, "owner")
    before = len(traces(product, staying.tenant_id))

    deleted = product.as_operator("DELETE", f"/admin/tenants/{leaving.tenant_id}")
    assert (deleted.status, deleted.body) == (202, {"tenant_id": leaving.tenant_id, "status": "removing"})
    late = leaving.drop("late.txt", TEXT % "western")
    assert late
    shown = removed(product, leaving.tenant_id)
    counts = shown["receipt"]["before"]
    assert counts["uploads"] >= 5
    assert counts["vectors"] >= 1
    assert (counts["indexes"], counts["keys"], counts["users"]) == (1, 1, 1)
    assert counts["ledger_items"] >= 2
    assert set(shown["receipt"]["after"].values()) == {0}
    assert traces(product, leaving.tenant_id) == []
    trail = product.as_operator("GET", f"/admin/tenants/{leaving.tenant_id}/audit").body["entries"]
    assert [each["action"] for each in trail] == ["tenant.removed", "key.issued", "tenant.created"]
    wait_for(lambda: leaving.call("GET", "/me").status == 401, AUTHORISER_SECONDS)

    assert len(traces(product, staying.tenant_id)) == before
    found = staying.call("POST", "/retrieve", {"question": "When does the ferry leave the southern pier?"})
    assert [passage["document_name"] for passage in found.body["passages"]] == ["ferry.txt"]

    again = product.new_tenant(leaving.tenant_id)
    assert again.call("GET", "/documents").body["documents"] == []
    assert user.call("GET", "/documents").status == 401
    again.ready("ferry.txt", TEXT % "outer")
    found = again.call("POST", "/retrieve", {"question": "When does the ferry leave the southern pier?"})
    assert [passage["text"].strip() for passage in found.body["passages"]] == [TEXT % "outer"]
    assert again.call("GET", "/me").status == 200


def test_an_unknown_tenant_cannot_be_removed(product: Product) -> None:
    assert product.as_operator("DELETE", "/admin/tenants/unknown").status == 404


@pytest.fixture(scope="module")
def pair(product: Product) -> tuple[Tenant, Tenant]:
    own, foreign = product.new_tenant("off-isolated"), product.new_tenant("off-isolated-b")
    foreign.ready("vault.txt", TEXT % "inner")
    return own, foreign


def test_an_offboarding_session_reaches_no_other_tenant(product: Product, pair: tuple[Tenant, Tenant]) -> None:
    own, foreign = pair
    sts = product.root("sts")
    function = product.root("iam").get_role(RoleName=product.resources["RemoveTenantDataRole"])["Role"]["Arn"]
    by_function = product.cloud.session(sts.assume_role(RoleArn=function, RoleSessionName="test")["Credentials"])
    role = product["TenantDataRoleArn"].replace("-tenant-data", "-offboarding")
    tags = [{"Key": "TenantId", "Value": own.tenant_id}]
    assumed = product.cloud.client("sts", by_function).assume_role(RoleArn=role, RoleSessionName="test", Tags=tags)
    session = product.cloud.session(assumed["Credentials"])
    s3, dynamodb, vectors = (product.cloud.client(name, session) for name in ("s3", "dynamodb", "s3vectors"))
    uploads, prefix = product["DocumentsBucketName"], foreign.prefix
    (version,) = product.root("s3").list_object_versions(Bucket=uploads, Prefix=prefix)["Versions"]
    index = {"vectorBucketName": product["VectorBucketName"], "indexName": foreign.tenant_id}
    control, ledger = product["ControlTableName"], product["TenantTableName"]

    def deleting(table: str, partition: str) -> dict[str, Any]:
        return {table: [{"DeleteRequest": {"Key": {"pk": {"S": partition}, "sk": {"S": "any"}}}}]}

    attempts: dict[str, Call] = {
        "list": lambda: s3.list_object_versions(Bucket=uploads, Prefix=prefix),
        "list all": lambda: s3.list_object_versions(Bucket=uploads),
        "read own": lambda: s3.get_object(Bucket=uploads, Key=own.prefix + "any"),
        "delete": lambda: s3.delete_object(Bucket=uploads, Key=version["Key"]),
        "delete version": lambda: s3.delete_object(Bucket=uploads, Key=version["Key"], VersionId=version["VersionId"]),
        "index": lambda: vectors.delete_index(**index),
        "vectors": lambda: vectors.list_vectors(**index),
        "ledger": lambda: dynamodb.batch_write_item(RequestItems=deleting(ledger, foreign.tenant_id)),
        "keys": lambda: dynamodb.batch_write_item(RequestItems=deleting(control, f"KEYS#{foreign.tenant_id}")),
        "tenants": lambda: dynamodb.batch_write_item(RequestItems=deleting(control, "TENANTS")),
        "scan": lambda: dynamodb.scan(TableName=ledger),
    }
    allowed = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except ClientError as error:
            if "denied" in refused_code(error).lower():
                continue
        allowed.append(name)
    assert allowed == []
    s3.list_object_versions(Bucket=uploads, Prefix=own.prefix)
    dynamodb.batch_write_item(RequestItems=deleting(control, f"KEYS#{own.tenant_id}"))


def test_the_export_of_a_removed_tenant_is_downloaded_by_links(product: Product) -> None:
    tenant = product.new_tenant("off-export")
    document = tenant.ready("ferry.txt", TEXT % "outbound")
    assert product.as_operator("GET", "/admin/tenants/off-export/export").status == 404
    assert product.as_operator("DELETE", "/admin/tenants/off-export", export="perhaps").status == 400
    assert product.as_operator("DELETE", "/admin/tenants/off-export", export="true").status == 202
    receipt = removed(product, "off-export")["receipt"]
    objects: dict[str, Any] = {}
    cursor: dict[str, Any] = {}
    while True:
        listed = product.as_operator("GET", "/admin/tenants/off-export/export", limit=2, **cursor)
        assert listed.status == 200
        objects |= {each["name"]: each for each in listed.body["objects"]}
        if "next_cursor" not in listed.body:
            break
        cursor = {"cursor": listed.body["next_cursor"]}
    texts = f"texts/{document['document_id']}/{document['version']}.txt"
    assert set(objects) == {"uploads/ferry.txt", texts, "vectors/00000.jsonl", "ledger/00000.jsonl"}
    assert receipt["export"]["objects"] == 4
    fetched = {name: product.send("GET", each["url"]) for name, each in objects.items()}
    assert {reply.status for reply in fetched.values()} == {200}
    assert fetched["uploads/ferry.txt"].body.decode() == TEXT % "outbound"
    assert (TEXT % "outbound") in fetched[texts].body.decode()
    lines = [json.loads(line) for line in _bytes(fetched["vectors/00000.jsonl"]).splitlines()]
    assert len(lines) == document["chunks"]
    assert all(line["data"]["float32"] and line["metadata"]["document_id"] for line in lines)
    rows = [json.loads(line) for line in _bytes(fetched["ledger/00000.jsonl"]).splitlines()]
    assert document["key"] in {row.get("key") for row in rows}
    assert traces(product, "off-export") == []


def _bytes(reply: Any) -> bytes:
    return reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
