"""The audit trail: no function can change an entry."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.deployment_template import resources
from tests.integration.credentials import control_calls, key_session
from tests.integration.identities import Identity, assert_denied, assumed
from tests.integration.product import Json, Product, Tenant

FUNCTIONS = sorted(resources("AWS::Serverless::Function"))


def entries(product: Product, tenant_id: str, **query: int | str) -> Json:
    reply = product.as_operator("GET", f"/admin/tenants/{tenant_id}/audit", **query)
    assert reply.status == 200, reply
    found: Json = reply.body
    return found


def entry_locations(product: Product, tenant_id: str) -> list[Json]:
    """Returns bucket and key of a tenant's entries, newest first."""
    bucket = product["AuditBucketName"]
    listed = product.root("s3").list_objects_v2(Bucket=bucket, Prefix=f"{tenant_id}/").get("Contents", [])
    return [{"Bucket": bucket, "Key": each["Key"]} for each in listed]


def changing_calls(s3: Any, place: Json) -> dict[str, Callable[[], Any]]:
    """Returns every call that could change an existing entry or its bucket."""
    bucket = place["Bucket"]
    version = {"VersionId": "null"}
    return {
        "replace": lambda: s3.put_object(**place, Body=b"{}"),
        "replace if it is there": lambda: s3.put_object(**place, Body=b"{}", IfMatch="*"),
        "copy over it": lambda: s3.copy_object(**place, CopySource=place, MetadataDirective="REPLACE"),
        "upload in parts": lambda: s3.create_multipart_upload(**place),
        "delete": lambda: s3.delete_object(**place),
        "delete a version": lambda: s3.delete_object(**place, **version),
        "tag": lambda: s3.put_object_tagging(**place, Tagging={"TagSet": []}),
        "empty the policy": lambda: s3.delete_bucket_policy(Bucket=bucket),
        "change the policy": lambda: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Statement": []})),
        "suspend versions": lambda: s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration={"Status": "Suspended"}
        ),
        "let entries expire": lambda: s3.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration={
                "Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]
            },
        ),
        "delete the bucket": lambda: s3.delete_bucket(Bucket=bucket),
    }


def test_every_change_is_stored_as_an_object_with_the_fields_of_the_route(product: Product, tenant: Tenant) -> None:
    shown = entries(product, tenant.tenant_id)["entries"]
    s3 = product.root("s3")
    kept = [json.loads(s3.get_object(**place)["Body"].read()) for place in entry_locations(product, tenant.tenant_id)]
    assert [each["action"] for each in kept] == ["key.issued", "tenant.created"]
    assert [(each["at"], each["action"], each["before"], each["after"]) for each in kept] == [
        (each["at"], each["action"], each["before"], each["after"]) for each in shown
    ]
    rows = product.root("dynamodb").query(
        TableName=product["ControlTableName"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"AUDIT#{tenant.tenant_id}"}},
    )["Items"]
    assert rows == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_can_change_an_entry(product: Product, shared: Tenant, function: str) -> None:
    before = entries(product, shared.tenant_id)
    place = entry_locations(product, shared.tenant_id)[-1]
    identity = assumed(product, product.resources[f"{function}Role"])
    rows = control_calls(product, identity["dynamodb"], f"AUDIT#{shared.tenant_id}")
    writes = {name: call for name, call in rows.items() if not name.startswith(("get", "query"))}
    assert_denied(changing_calls(identity["s3"], place) | writes)
    assert entries(product, shared.tenant_id) == before


def writers(product: Product, tenant_id: str) -> dict[str, Identity]:
    """Returns the identities that may add entries of a tenant."""
    return {
        "operators": assumed(product, product.resources["TenantsRole"]),
        "owners": key_session(product, "Keys", tenant_id),
    }


@pytest.mark.parametrize("writer", ["operators", "owners"])
def test_an_identity_that_adds_entries_cannot_change_them(product: Product, tenant: Tenant, writer: str) -> None:
    place = entry_locations(product, tenant.tenant_id)[-1]
    s3 = writers(product, tenant.tenant_id)[writer]["s3"]
    assert_denied(changing_calls(s3, place))
    with pytest.raises(ClientError) as refused:
        s3.put_object(**place, Body=b"{}", IfNoneMatch="*")
    assert refused.value.response["Error"]["Code"] == "PreconditionFailed"
    s3.put_object(**place | {"Key": f"{place['Key']}.more"}, Body=b"{}", IfNoneMatch="*")
    versions = product.root("s3").list_object_versions(Bucket=place["Bucket"], Prefix=place["Key"])
    assert [each["Key"] for each in versions["Versions"]] == [place["Key"], f"{place['Key']}.more"]
    product.root("s3").delete_object(**place | {"Key": f"{place['Key']}.more"})


def test_an_owner_can_only_add_to_the_audit_trail_of_its_tenant(
    product: Product, tenant: Tenant, new_tenant: Callable[[], Tenant]
) -> None:
    own, foreign = entry_locations(product, tenant.tenant_id)[0], entry_locations(product, new_tenant().tenant_id)[0]
    s3 = key_session(product, "Keys", tenant.tenant_id)["s3"]
    new = {"Body": b"{}", "IfNoneMatch": "*"}
    assert_denied(
        {
            "add to another audit_entries": lambda: s3.put_object(**foreign | {"Key": f"{foreign['Key']}.more"}, **new),
            "read the own": lambda: s3.get_object(**own),
            "read another": lambda: s3.get_object(**foreign),
            "list": lambda: s3.list_objects_v2(Bucket=own["Bucket"]),
        }
    )


def test_entries_of_the_former_table_are_listed(product: Product, tenant: Tenant) -> None:
    at = "2026-01-02T03:04:05.000Z"
    row = {
        "pk": f"AUDIT#{tenant.tenant_id}",
        "sk": f"{at}#r-0#tenant.changed",
        "at": at,
        "author": "arn:aws:iam::000000000000:user/before",
        "request_id": "r-0",
        "action": "tenant.changed",
        "before": json.dumps({"name": "옛"}),
        "after": json.dumps({"name": "새"}),
    }
    item = {name: {"S": value} for name, value in row.items()}
    product.root("dynamodb").put_item(TableName=product["ControlTableName"], Item=item)
    first = entries(product, tenant.tenant_id, limit=2)
    assert [each["action"] for each in first["entries"]] == ["key.issued", "tenant.created"]
    rest = entries(product, tenant.tenant_id, limit=2, cursor=first["next_cursor"])
    ((old,), cursor) = rest["entries"], rest.get("next_cursor")
    assert (old["at"], old["before"], old["after"], cursor) == (at, {"name": "옛"}, {"name": "새"}, None)
