"""A premium tenant has its own resources, and a tenant can move between tiers during operation."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Reply, Tenant

QUESTION = "How many gulls does the lighthouse keeper count?"
TEXT = "The lighthouse keeper counts %d gulls at the break of day."
MOVE_SECONDS = 150.0


def move(product: Product, tenant: Tenant, tier: str) -> Json:
    changed = product.as_operator("PATCH", f"/admin/tenants/{tenant.tenant_id}", {"tier": tier})
    assert changed.status == 200, changed
    body: Json = changed.body
    return body


def wait_for_stage(product: Product, tenant: Tenant, *stages: str) -> Json:
    """Waits until a move has reached one of the stages; returns the tenant's record."""

    def poll() -> Json | None:
        shown = product.tenant_record(tenant.tenant_id)
        assert "reason" not in shown.get("move", {}), shown
        assert "move" in shown, shown
        return shown if shown["move"]["stage"] in stages else None

    return wait_for(poll, MOVE_SECONDS)


def wait_until_moved(product: Product, tenant: Tenant, tier: str) -> Json:
    """Waits until a tenant has moved to a tier; returns its record."""

    def poll() -> Json | None:
        shown = product.tenant_record(tenant.tenant_id)
        assert "reason" not in shown.get("move", {}), shown
        return shown if shown["tier"] == tier and "move" not in shown else None

    found = wait_for(poll, MOVE_SECONDS)
    tenant.discard_placement()
    return found


def stacks(product: Product, placement: Json) -> int:
    found = product.root("cloudformation").describe_stacks()["Stacks"]
    return sum(1 for stack in found if placement["documents_bucket"] == f"{stack['StackName']}-documents")


def objects(product: Product, bucket: str, prefix: str = "") -> int:
    found = product.root("s3").list_object_versions(Bucket=bucket, Prefix=prefix)
    return len(found.get("Versions", [])) + len(found.get("DeleteMarkers", []))


def index_count(product: Product, vector_bucket: str) -> int:
    """Returns the control table's count of indexes in a pooled vector bucket."""
    key = {"pk": {"S": "POOLS"}, "sk": {"S": vector_bucket}}
    item = product.root("dynamodb").get_item(TableName=product["ControlTableName"], Key=key, ConsistentRead=True)
    return int(item["Item"]["index_count"]["N"])


@dataclass
class QueryLoop:
    """Sends the same question repeatedly."""

    tenant: Tenant
    replies: list[Reply] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._ask, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _ask(self, over: threading.Event) -> None:
        while not over.wait(0.1):
            try:
                self.replies.append(self.tenant.call("POST", "/query", {"question": QUESTION, "top_k": 3}))
            except Exception as fault:
                self.faults.append(fault)
                return


def content_of(reply: Reply) -> tuple[int, Any, Any]:
    """Returns the status, answer, and names and quotes of the citations."""
    body = reply.body
    return reply.status, body.get("answer"), [(each["document_name"], each["quote"]) for each in body["citations"]]


@pytest.fixture
def premium(product: Product) -> Iterator[Tenant]:
    tenant = product.new_tenant("premium-tenant", tier="premium")
    yield tenant
    product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}")
    wait_for(lambda: product.tenant_record(tenant.tenant_id)["status"] == "removed", MOVE_SECONDS)


def test_a_premium_tenant_has_its_own_resources(product: Product, premium: Tenant) -> None:
    document = premium.ready("등대/갈매기.txt", TEXT % 12)
    assert premium.ask(QUESTION)["citations"][0]["document_id"] == document["document_id"]
    assert premium.upload("form.txt", b"The ferry leaves at noon.", "text/plain")["status"] == "ready"
    placement = premium.placement
    pooled = {product["DocumentsBucketName"], product["ArtifactsBucketName"], product["VectorBucketName"]}
    assert pooled.isdisjoint({placement["documents_bucket"], placement["artifacts_bucket"], placement["vector_bucket"]})
    for bucket in pooled - {product["VectorBucketName"]}:
        found = product.keys_below(bucket, "")
        assert not [key for key in found if premium.tenant_id in key and not key.startswith("manifests/")]
    with pytest.raises(ClientError, match="NotFound"):
        product.root("s3vectors").get_index(vectorBucketName=product["VectorBucketName"], indexName=premium.tenant_id)
    head = product.root("s3").head_object(Bucket=placement["documents_bucket"], Key=document["key"])
    assert head["ServerSideEncryption"] == "aws:kms"
    tags = product.root("kms").list_resource_tags(KeyId=head["SSEKMSKeyId"])["Tags"]
    assert {"TagKey": "TenantId", "TagValue": premium.tenant_id} in tags
    vectors = product.root("s3vectors").get_vector_bucket(vectorBucketName=placement["vector_bucket"])
    encryption = vectors["vectorBucket"]["encryptionConfiguration"]
    assert encryption == {"sseType": "aws:kms", "kmsKeyArn": head["SSEKMSKeyId"]}


def test_the_removal_of_one_tenant_cannot_reach_resources_of_another(product: Product, premium: Tenant) -> None:
    document = premium.ready("kept.txt", TEXT % 4)
    session = offboarding_session(product, "another-premium")
    place = premium.placement
    bucket = {"Bucket": place["documents_bucket"]}
    index = {"vectorBucketName": place["vector_bucket"], "indexName": place["index"]}
    s3, s3vectors, cloudformation = (session(name) for name in ("s3", "s3vectors", "cloudformation"))
    stack = place["documents_bucket"].removesuffix("-documents")
    attempts: list[Callable[[], Any]] = [
        lambda: cloudformation.delete_stack(StackName=stack),
        lambda: s3.list_object_versions(**bucket, Prefix=premium.prefix),
        lambda: s3.delete_object(**bucket, Key=document["key"]),
        lambda: s3.delete_object(**bucket, Key=document["key"], VersionId=document["version"]),
        lambda: s3vectors.list_vectors(**index),
        lambda: s3vectors.delete_index(**index),
    ]
    for attempt in attempts:
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()
    assert s3.list_object_versions(**bucket, Prefix="tenants/another-premium/").get("Versions", []) == []


def offboarding_session(product: Product, tenant_id: str) -> Callable[[str], Any]:
    """Returns clients of the session in which a function removes a tenant."""
    roles = {
        name: product.root("iam").get_role(RoleName=product.resources[name])["Role"]["Arn"]
        for name in ("RemoveTenantDataRole", "OffboardingRole")
    }
    function = product.root("sts").assume_role(RoleArn=roles["RemoveTenantDataRole"], RoleSessionName="removal")
    removal = product.cloud.client("sts", product.cloud.session(function["Credentials"])).assume_role(
        RoleArn=roles["OffboardingRole"], RoleSessionName=tenant_id, Tags=[{"Key": "TenantId", "Value": tenant_id}]
    )
    session = product.cloud.session(removal["Credentials"])
    return lambda service: product.cloud.client(service, session)


def test_a_removed_premium_tenant_leaves_only_its_receipt(product: Product) -> None:
    tenant = product.new_tenant("removed-premium", tier="premium")
    tenant.ready("a.txt", TEXT % 1)
    placement = tenant.placement
    assert stacks(product, placement) == 1
    removed = product.as_operator("DELETE", "/admin/tenants/removed-premium", export="true")
    assert removed.status == 202
    wait_for(lambda: product.tenant_record("removed-premium")["status"] == "removed", MOVE_SECONDS)
    receipt = product.tenant_record("removed-premium")["receipt"]
    assert receipt["before"]["stacks"] == receipt["before"]["indexes"] == 1
    assert set(receipt["after"].values()) == {0}
    assert stacks(product, placement) == 0
    exported = product.as_operator("GET", "/admin/tenants/removed-premium/export").body["objects"]
    assert "uploads/a.txt" in {each["name"] for each in exported}


def test_a_move_to_premium_and_back_does_not_change_answers(product: Product, new_tenant: Callable[[], Tenant]) -> None:
    tenant = new_tenant()
    for number, name in enumerate(("gulls.txt", "older.txt", "낡은 등대.md"), 1):
        tenant.ready(name, TEXT % number, Metadata={"year": str(2000 + number)})
    failed = tenant.ingest("broken.pdf", b"%PDF-1.7 nothing")
    assert failed["status"] == "failed"
    pooled, pool_count = tenant.placement, index_count(product, tenant.placement["vector_bucket"])
    queries = QueryLoop(tenant)
    wanted = content_of(tenant.call("POST", "/query", {"question": QUESTION, "top_k": 3}))
    tokens = tenant.metric("EmbeddingTokens")
    documents = tenant.call("GET", "/documents").body["documents"]

    with queries.running():
        assert move(product, tenant, "premium")["move"] == {"tier": "premium", "stage": "preparing"}
        shown = wait_until_moved(product, tenant, "premium")
        assert tenant.placement["documents_bucket"] != pooled["documents_bucket"]
        assert index_count(product, pooled["vector_bucket"]) == pool_count - 1
        assert objects(product, pooled["documents_bucket"], tenant.prefix) == 0
        assert objects(product, pooled["artifacts_bucket"], tenant.prefix) == 0
        silo = tenant.placement
        assert "reason" not in shown
        move(product, tenant, "basic")
        wait_until_moved(product, tenant, "basic")

    assert queries.faults == []
    assert len(queries.replies) > 20
    assert {str(content_of(reply)) for reply in queries.replies} == {str(wanted)}
    assert tenant.placement == pooled
    assert index_count(product, pooled["vector_bucket"]) == pool_count
    assert stacks(product, silo) == 0
    spent = sum(reply.body["usage"]["embedding_tokens"] for reply in queries.replies)
    assert tenant.metric("EmbeddingTokens") - tokens == spent
    assert tenant.call("GET", "/documents").body["documents"] == documents


def test_changes_during_a_move_are_applied_after_it(product: Product, tenant: Tenant) -> None:
    for name in ("kept.txt", "replaced.txt", "deleted.txt", "described.txt"):
        tenant.ready(name, TEXT % 7)
    move(product, tenant, "premium")
    wait_for_stage(product, tenant, "copying", "switched")
    tenant.drop("replaced.txt", TEXT % 40)
    tenant.drop("new.txt", TEXT % 50)
    tenant.remove("deleted.txt")
    tenant.drop("described.txt.metadata.json", '{"metadataAttributes": {"year": 2026}}')
    wait_for_stage(product, tenant, "leaving")
    tenant.drop("late.txt", TEXT % 60)  # by a client that still uses the former bucket
    wait_until_moved(product, tenant, "premium")
    for name in ("replaced.txt", "new.txt", "late.txt"):
        row = tenant.wait_for_status(tenant.prefix + name, "ready")
        newest = product.root("s3").head_object(Bucket=tenant.placement["documents_bucket"], Key=tenant.prefix + name)
        assert newest["VersionId"] == row["version"]["S"]
    tenant.wait_for_status(tenant.prefix + "deleted.txt", "deleted")
    described = tenant.row(tenant.prefix + "described.txt")
    assert described
    wait_for(lambda: tenant.document(described["document_id"]["S"])["metadata"] == {"year": 2026}, MOVE_SECONDS)
    found = tenant.retrieve(QUESTION, top_k=20)["passages"]
    names = sorted(passage["document_name"] for passage in found)
    assert names == ["described.txt", "kept.txt", "late.txt", "new.txt", "replaced.txt"]
    again = tenant.ready("kept.txt", TEXT % 8)
    assert tenant.extracted_text(again) == TEXT % 8
    product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}")


def test_a_move_can_be_cancelled_before_the_switch(product: Product, tenant: Tenant) -> None:
    tenant.ready("a.txt", TEXT % 3)
    before = product.tenant_record(tenant.tenant_id)
    move(product, tenant, "premium")
    given_up = move(product, tenant, "basic")
    assert given_up["move"] == {"tier": "basic", "stage": "abandoned"}
    assert wait_until_moved(product, tenant, "basic") == before
    tenant.ready("b.txt", TEXT % 4)
    assert len(tenant.retrieve(QUESTION)["passages"]) == 2


def test_an_impossible_move_is_rejected(product: Product, tenant: Tenant) -> None:
    route = f"/admin/tenants/{tenant.tenant_id}"
    assert "move" not in product.as_operator("PATCH", route, {"tier": "basic"}).body
    assert product.as_operator("PATCH", route, {"status": "suspended"}).status == 200
    refused = product.as_operator("PATCH", route, {"tier": "premium"})
    assert (refused.status, refused.body["detail"].startswith("The tenant is suspended")) == (409, True)
