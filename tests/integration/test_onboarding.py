"""Onboarding, from the request to an active tenant or to the reason of a failure."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.local_cloud import wait_for
from tests.integration.product import READY_SECONDS, Product

ALL_OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "dynamodb:*", "s3vectors:*"], "Resource": "*"}],
}
STEPS = ["ValidateTenant", "PlaceTenant", "ProvisionTenant", "VerifyTenant", "ActivateTenant"]


def create(product: Product, tenant_id: str, name: str = "New") -> int:
    return product.as_operator("POST", "/admin/tenants", {"tenant_id": tenant_id, "name": name}).status


def wait_for_onboarding(product: Product, tenant_id: str) -> dict[str, Any]:
    """Waits until the onboarding has ended; returns the tenant."""

    def poll() -> dict[str, Any] | None:
        shown: dict[str, Any] = product.as_operator("GET", f"/admin/tenants/{tenant_id}").body
        return None if shown["status"] == "provisioning" else shown

    return wait_for(poll, READY_SECONDS)


def onboardings(product: Product, tenant_id: str) -> list[str]:
    """Returns the ARNs of a tenant's executions, newest first."""
    machine = product["IngestionStateMachineArn"].replace("-ingestion", "-onboarding")
    listed = product.root("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return [each["executionArn"] for each in listed if re.fullmatch(f"{tenant_id}-[0-9a-f]{{11}}", each["name"])]


def test_a_tenant_is_active_only_after_every_step(product: Product) -> None:
    assert create(product, "onboard-all") == 202
    assert wait_for_onboarding(product, "onboard-all")["status"] == "active"
    (arn,) = onboardings(product, "onboard-all")
    assert product.wait_for_execution(arn)["status"] == "SUCCEEDED"
    assert [state for state in product.states_entered(arn) if state in STEPS] == STEPS
    product.root("s3vectors").get_index(vectorBucketName=product["VectorBucketName"], indexName="onboard-all")
    listed = product.root("s3vectors").list_vectors(
        vectorBucketName=product["VectorBucketName"], indexName="onboard-all"
    )
    assert listed["vectors"] == []
    assert product.keys_below(product["ArtifactsBucketName"], "tenants/onboard-all/") == []


def test_repeated_requests_run_one_onboarding(product: Product) -> None:
    for _ in range(3):
        assert create(product, "onboard-thrice") in {202, 409}
    assert wait_for_onboarding(product, "onboard-thrice")["status"] == "active"
    assert len(onboardings(product, "onboard-thrice")) == 1
    assert create(product, "onboard-thrice") == 409


def test_a_tenant_is_not_activated_while_an_isolation_layer_is_open(product: Product) -> None:
    role = product.resources["TenantDataRole"]
    iam = product.root("iam")
    iam.put_role_policy(RoleName=role, PolicyName="open", PolicyDocument=json.dumps(ALL_OPEN))
    try:
        assert create(product, "onboard-open") == 202
        failed = wait_for_onboarding(product, "onboard-open")
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
    active = wait_for_onboarding(product, "onboard-open")
    assert (active["status"], active.get("reason")) == ("active", None)
    assert len(onboardings(product, "onboard-open")) == 2


def test_an_isolation_layer_that_is_open_for_reads_is_detected(product: Product) -> None:
    """S3 returns AccessDenied for a missing object, too, without the permission to list."""
    role, iam = product.resources["TenantDataRole"], product.root("iam")
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [reading]})
    iam.put_role_policy(RoleName=role, PolicyName="reading", PolicyDocument=policy)
    try:
        assert create(product, "onboard-read") == 202
        failed = wait_for_onboarding(product, "onboard-read")
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="reading")
    assert failed["status"] == "failed"
    for bucket in (product["DocumentsBucketName"], product["ArtifactsBucketName"]):
        assert f"read objects of {bucket}" in failed["reason"]
    assert "write" not in failed["reason"]
    assert "list" not in failed["reason"]


@pytest.mark.parametrize(
    ("right", "named"), [("PutVectors", "its own vector index"), ("QueryVectors", "search in the vector index")]
)
def test_a_session_without_access_to_its_own_data_is_reported(product: Product, right: str, named: str) -> None:
    role, tenant_id = product.resources["TenantDataRole"], f"onboard-{right.lower()}"
    denied = {"Effect": "Deny", "Action": f"s3vectors:{right}", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    product.root("iam").put_role_policy(RoleName=role, PolicyName="denied", PolicyDocument=policy)
    try:
        assert create(product, tenant_id) == 202
        failed = wait_for_onboarding(product, tenant_id)
    finally:
        product.root("iam").delete_role_policy(RoleName=role, PolicyName="denied")
    assert failed["status"] == "failed"
    assert named in failed["reason"]


def test_indexes_are_counted_per_bucket(product: Product) -> None:
    key = {"pk": {"S": "POOLS"}, "sk": {"S": product["VectorBucketName"]}}

    def count() -> int:
        item = product.root("dynamodb").get_item(TableName=product["ControlTableName"], Key=key, ConsistentRead=True)
        return int(item.get("Item", {}).get("index_count", {"N": "0"})["N"])

    before = count()
    create(product, "onboard-counted")
    wait_for_onboarding(product, "onboard-counted")
    assert count() == before + 1


@pytest.mark.parametrize(("model", "resource"), [("embedding", "titan"), ("answering", "claude")])
def test_onboarding_fails_without_access_to_a_model_and_can_be_retried(
    product: Product, model: str, resource: str
) -> None:
    role, iam, tenant_id = product.resources["TenantDataRole"], product.root("iam"), f"onboard-no-{model}"
    denied = {"Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": f"*{resource}*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    iam.put_role_policy(RoleName=role, PolicyName="no-model", PolicyDocument=policy)
    try:
        assert create(product, tenant_id) == 202
        failed = wait_for_onboarding(product, tenant_id)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="no-model")
    assert (failed["status"], failed["reason_code"]) == ("failed", "model_refused")
    assert resource in failed["reason"]
    assert "enable access" in failed["reason"]
    assert create(product, tenant_id) == 202
    active = wait_for_onboarding(product, tenant_id)
    assert (active["status"], active.get("reason"), active.get("reason_code")) == ("active", None, None)


@contextmanager
def other_dimensions(product: Product, dimensions: int) -> Iterator[None]:
    """Configures the functions as after a change of EmbeddingDimensions."""
    functions = product.root("lambda")
    names = [product.resources[name] for name in ("Tenants", "ProvisionTenant", "VerifyTenant", "EmbedChunks", "Query")]
    before = {name: functions.get_function_configuration(FunctionName=name)["Environment"] for name in names}
    for name, environment in before.items():
        changed = {"Variables": environment["Variables"] | {"EMBEDDING_DIMENSIONS": str(dimensions)}}
        functions.update_function_configuration(FunctionName=name, Environment=changed)
    try:
        yield
    finally:
        for name, environment in before.items():
            functions.update_function_configuration(FunctionName=name, Environment=environment)


def test_an_index_keeps_its_dimensions_after_a_change_of_the_stack(product: Product) -> None:
    sentence, question = "The pottery opens at ten.", "When does the pottery open?"
    older = product.new_tenant("onboard-older")
    assert older.placement["embedding_dimensions"] == 1024
    older.ready("first.txt", sentence)
    with other_dimensions(product, 256):
        older.ready("second.txt", "The kiln is lit at noon.")
        assert older.ask(question)["grounded"]
        newer = product.new_tenant("onboard-newer")
        newer.ready("first.txt", sentence)
        assert newer.ask(question)["grounded"]
    assert newer.placement["embedding_dimensions"] == 256
    assert newer.ask(question)["grounded"], (
        "and indexes of the other dimensions still work after the change is reverted"
    )
    bucket = product["VectorBucketName"]
    made = {
        name: product.root("s3vectors").get_index(vectorBucketName=bucket, indexName=name)["index"]["dimension"]
        for name in ("onboard-older", "onboard-newer")
    }
    assert made == {"onboard-older": 1024, "onboard-newer": 256}
