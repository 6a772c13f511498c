"""Tenants come in by a workflow: from the request to an active tenant, or to a sentence that tells why not."""

import json
from typing import Any

from tests.integration.local_cloud import wait_for
from tests.integration.product import READY_SECONDS, Product

ALL_OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "dynamodb:*", "s3vectors:*"], "Resource": "*"}],
}
STEPS = ["ValidateTenant", "PlaceTenant", "ProvisionTenant", "VerifyTenant", "ActivateTenant"]


def create(product: Product, tenant_id: str, name: str = "New") -> int:
    return product.as_operator("POST", "/admin/tenants", {"tenant_id": tenant_id, "name": name}).status


def settled(product: Product, tenant_id: str) -> dict[str, Any]:
    """The tenant once its onboarding has ended."""

    def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = product.as_operator("GET", f"/admin/tenants/{tenant_id}").body
        return None if shown["status"] == "provisioning" else shown

    return wait_for(look, READY_SECONDS)


def onboardings(product: Product, tenant_id: str) -> list[str]:
    """ARNs of the executions about a tenant, the newest first."""
    machine = product["IngestionStateMachineArn"].replace("-ingestion", "-onboarding")
    listed = product.root("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return [each["executionArn"] for each in listed if each["name"].startswith(f"{tenant_id}-2")]


def test_a_tenant_is_active_only_after_every_step(product: Product) -> None:
    assert create(product, "onboard-all") == 202
    assert settled(product, "onboard-all")["status"] == "active"
    (arn,) = onboardings(product, "onboard-all")
    assert product.ended(arn)["status"] == "SUCCEEDED"
    assert [state for state in product.states_entered(arn) if state in STEPS] == STEPS
    product.root("s3vectors").get_index(vectorBucketName=product["VectorBucketName"], indexName="onboard-all")
    listed = product.root("s3vectors").list_vectors(
        vectorBucketName=product["VectorBucketName"], indexName="onboard-all"
    )
    assert listed["vectors"] == []
    assert product.keys_below(product["ArtifactsBucketName"], "tenants/onboard-all/") == []


def test_the_same_request_at_the_same_time_runs_once(product: Product) -> None:
    for _ in range(3):
        assert create(product, "onboard-thrice") in {202, 409}
    assert settled(product, "onboard-thrice")["status"] == "active"
    assert len(onboardings(product, "onboard-thrice")) == 1
    assert create(product, "onboard-thrice") == 409


def test_a_wall_that_does_not_hold_keeps_the_tenant_out_until_it_does(product: Product) -> None:
    role = product.resources["TenantDataRole"]
    iam = product.root("iam")
    iam.put_role_policy(RoleName=role, PolicyName="open", PolicyDocument=json.dumps(ALL_OPEN))
    try:
        assert create(product, "onboard-open") == 202
        failed = settled(product, "onboard-open")
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="open")
    assert failed["status"] == "failed"
    buckets = (product["DocumentsBucketName"], product["ArtifactsBucketName"])
    written, listed = (f"write objects of {buckets[0]}", f"list objects of {buckets[1]}")
    for reached in (written, listed, "read the ledger", "search vectors"):
        assert reached in failed["reason"]
    refused = product.as_operator("POST", "/admin/tenants", {"tenant_id": "onboard-open", "name": "Another"})
    assert refused.status == 409
    assert create(product, "onboard-open") == 202
    active = settled(product, "onboard-open")
    assert (active["status"], active.get("reason")) == ("active", None)
    assert len(onboardings(product, "onboard-open")) == 2


def test_a_wall_that_is_open_for_reading_alone_is_found(product: Product) -> None:
    """S3 denies what is missing to those who may read and not list, too."""
    role, iam = product.resources["TenantDataRole"], product.root("iam")
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
    iam.put_role_policy(RoleName=role, PolicyName="reading", PolicyDocument=policy)
    try:
        assert create(product, "onboard-read") == 202
        failed = settled(product, "onboard-read")
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="reading")
    assert failed["status"] == "failed"
    for bucket in (product["DocumentsBucketName"], product["ArtifactsBucketName"]):
        assert f"read objects of {bucket}" in failed["reason"]
    assert "write" not in failed["reason"]
    assert "list" not in failed["reason"]


def test_a_session_that_cannot_use_its_own_is_told(product: Product) -> None:
    role = product.resources["TenantDataRole"]
    denied = {"Effect": "Deny", "Action": "s3vectors:PutVectors", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    product.root("iam").put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=policy)
    try:
        assert create(product, "onboard-shut") == 202
        failed = settled(product, "onboard-shut")
    finally:
        product.root("iam").delete_role_policy(RoleName=role, PolicyName="denied")
    assert failed["status"] == "failed"
    assert "vector index" in failed["reason"]


def test_indexes_are_counted_by_their_bucket(product: Product) -> None:
    key = {"pk": {"S": "POOLS"}, "sk": {"S": product["VectorBucketName"]}}

    def count() -> int:
        item = product.root("dynamodb").get_item(TableName=product["ControlTableName"], Key=key, ConsistentRead=True)
        return int(item.get("Item", {}).get("index_count", {"N": "0"})["N"])

    before = count()
    create(product, "onboard-counted")
    settled(product, "onboard-counted")
    assert count() == before + 1
