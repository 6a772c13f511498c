"""Attributes from a sidecar: questions filter by them, and changes need no new embeddings."""

import json
from typing import Any

import pytest

from tests.integration.local_cloud import wait_for
from tests.integration.product import READY_SECONDS, Json, Product, Tenant
from tests.integration.test_documents_api import assert_problem

TEXT = "The ferry to the salt island leaves the south pier at half past six."
QUESTION = "When does the ferry to the salt island leave?"
NAME = "시간표/ferry.txt"
SIDECAR = NAME + ".metadata.json"


def sidecar(**attributes: Any) -> str:
    return json.dumps({"metadataAttributes": attributes}, ensure_ascii=False)


def finds(tenant: Tenant, **condition: Any) -> bool:
    """Returns whether a question with a filter finds the document."""
    answer = tenant.ask(QUESTION, filter={name: {"$eq": value} for name, value in condition.items()})
    assert answer["grounded"] == bool(answer["citations"])
    return {citation["quote"] for citation in answer["citations"]} == {TEXT}


def described(tenant: Tenant, document_id: str, metadata: Json) -> Json:
    """Waits until the document has these attributes; returns it."""

    def poll() -> Json | None:
        document = tenant.document(document_id)
        return document if document["metadata"] == metadata else None

    return wait_for(poll, READY_SECONDS)


def outcomes(product: Product, tenant: Tenant, name: str) -> list[str]:
    """Returns the outcome of each event of a key, in the order of their start."""
    executions = product.executions_of(tenant.prefix + name)
    return [json.loads(execution["output"])["registration"]["outcome"] for execution in executions]


def test_a_sidecar_uploaded_before_the_document_sets_its_attributes(product: Product, tenant: Tenant) -> None:
    typed = {
        "부서": {"value": {"type": "STRING", "stringValue": "항만"}, "includeForEmbedding": False},
        "year": {"value": {"type": "NUMBER", "numberValue": 2026}, "includeForEmbedding": True},
        "public": {"value": {"type": "BOOLEAN", "booleanValue": True}, "includeForEmbedding": False},
        "piers": {"value": {"type": "STRING_LIST", "stringListValue": ["south", "north"]}},
    }
    tenant.drop(SIDECAR, sidecar(**typed))
    document = tenant.ready(NAME, TEXT, Metadata={"year": "1999", "line": "ferry"})
    assert document["metadata"] == {
        "부서": "항만",
        "year": 2026,
        "public": True,
        "piers": ["south", "north"],
        "line": "ferry",
    }
    assert finds(tenant, year=2026, line="ferry", 부서="항만")
    assert finds(tenant, public=True, piers="south")
    assert not finds(tenant, year="1999")
    wait_for(lambda: outcomes(product, tenant, SIDECAR) == ["ignored"])
    assert tenant.row(tenant.prefix + SIDECAR) is None


def test_changes_of_a_sidecar_are_applied_without_embedding(product: Product, tenant: Tenant) -> None:
    before = tenant.ready(NAME, TEXT, Metadata={"line": "ferry"})
    document_id = before["document_id"]
    keys, artifacts = tenant.vector_keys(), tenant.artifacts()
    spent = tenant.metric("EmbeddingTokens")
    assert spent == before["tokens"] > 0

    tenant.drop(SIDECAR, sidecar(season="summer"))
    first = described(tenant, document_id, {"line": "ferry", "season": "summer"})
    assert tenant.metric("EmbeddingTokens") == spent, "describing has embedded something"
    assert finds(tenant, season="summer", line="ferry")

    tenant.drop(SIDECAR, sidecar(season="winter", line="boat"))
    wait_for(lambda: finds(tenant, season="winter"), READY_SECONDS)
    second = described(tenant, document_id, {"line": "boat", "season": "winter"})
    assert not finds(tenant, season="summer")
    assert not finds(tenant, line="ferry")

    tenant.remove(SIDECAR)
    last = described(tenant, document_id, {"line": "ferry"})
    assert finds(tenant, line="ferry")
    assert not finds(tenant, season="winter")

    for shown in (first, second, last):
        assert {**shown, "metadata": before["metadata"]} == before, "something else has changed"
    assert (tenant.vector_keys(), tenant.artifacts()) == (keys, artifacts)
    assert outcomes(product, tenant, NAME) == ["process"]
    assert outcomes(product, tenant, SIDECAR) == ["describe"] * 3
    for execution in product.executions_of(tenant.prefix + SIDECAR):
        states = product.states_entered(execution["executionArn"])
        assert states == ["RegisterDocument", "DecideByOutcome", "UpdateMetadata", "Done"]


def test_removing_the_newest_version_of_a_sidecar_restores_the_previous_one(product: Product, tenant: Tenant) -> None:
    tenant.drop(SIDECAR, sidecar(season="summer"))
    document = tenant.ready(NAME, TEXT)
    version = tenant.drop(SIDECAR, sidecar(season="winter"))
    described(tenant, document["document_id"], {"season": "winter"})
    bucket = product["DocumentsBucketName"]
    product.root("s3").delete_object(Bucket=bucket, Key=tenant.prefix + SIDECAR, VersionId=version)
    described(tenant, document["document_id"], {"season": "summer"})
    assert finds(tenant, season="summer")
    assert not finds(tenant, season="winter")


def test_concurrent_uploads_of_document_and_sidecars_end_with_the_last_sidecar(tenant: Tenant) -> None:
    tenant.drop(SIDECAR, sidecar(turn=0))
    version = tenant.drop(NAME, TEXT)
    for turn in range(1, 6):
        tenant.drop(SIDECAR, sidecar(turn=turn))
    document = tenant.wait_until_processed(tenant.prefix + NAME, version)
    described(tenant, document["document_id"], {"turn": 5})
    wait_for(lambda: finds(tenant, turn=5), READY_SECONDS)
    for turn in range(5):
        wait_for(lambda turn=turn: not finds(tenant, turn=turn), READY_SECONDS)  # type: ignore[misc]  # bound by default


def test_a_new_version_keeps_the_sidecar(tenant: Tenant) -> None:
    tenant.drop(SIDECAR, sidecar(season="summer"))
    tenant.ready(NAME, "The ferry does not leave at all.", Metadata={"line": "old"})
    document = tenant.ready(NAME, TEXT, Metadata={"line": "new"})
    assert document["metadata"] == {"line": "new", "season": "summer"}
    assert finds(tenant, season="summer", line="new")


BROKEN = [
    ("{", "is not JSON"),
    ("[]", "metadataAttributes"),
    (sidecar(version="2"), "reserved name version"),
    (sidecar(much="x" * 2000), "larger than 1280 bytes"),
    (sidecar() + " " * 10_240, "larger than 10240 bytes"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_a_document_with_an_invalid_sidecar_fails(tenant: Tenant, content: str, message: str) -> None:
    tenant.drop(SIDECAR, content)
    document = tenant.ingest(NAME, TEXT)
    assert (document["status"], document["error"]["code"]) == ("failed", "invalid_metadata")
    assert SIDECAR in document["error"]["message"]
    assert message in document["error"]["message"]
    assert tenant.derived_data(document["document_id"]) == []
    tenant.drop(SIDECAR, sidecar(season="summer"))
    assert tenant.ready(NAME, TEXT)["metadata"] == {"season": "summer"}


def test_a_document_keeps_its_attributes_while_its_sidecar_is_invalid(tenant: Tenant) -> None:
    tenant.drop(SIDECAR, sidecar(season="summer"))
    before = tenant.ready(NAME, TEXT, Metadata={"line": "ferry"})
    tenant.drop(SIDECAR, '{"metadataAttributes": {"season": null}}')

    def invalid_sidecar() -> Json | None:
        document = tenant.document(before["document_id"])
        return document if "error" in document else None

    broken = wait_for(invalid_sidecar, READY_SECONDS)
    assert (broken["status"], broken["error"]["code"]) == ("ready", "invalid_metadata")
    assert SIDECAR in broken["error"]["message"]
    assert broken["metadata"] == before["metadata"]
    assert finds(tenant, season="summer", line="ferry")
    tenant.drop(SIDECAR, sidecar(season="winter"))
    corrected = described(tenant, before["document_id"], {"line": "ferry", "season": "winter"})
    assert "error" not in corrected


def test_a_sidecar_without_a_document_is_not_a_document(product: Product, tenant: Tenant) -> None:
    for name in (SIDECAR, ".metadata.json", "folder/.metadata.json"):
        tenant.drop(name, sidecar(season="summer"))
        wait_for(lambda name=name: product.executions_of(tenant.prefix + name))  # type: ignore[misc]  # bound by default
        assert outcomes(product, tenant, name) == ["ignored"]
    assert tenant.call("GET", "/documents").body["documents"] == []


def test_a_folder_created_by_a_console_is_not_a_document(product: Product, tenant: Tenant) -> None:
    tenant.drop("folder/", b"")
    wait_for(lambda: product.executions_of(tenant.prefix + "folder/"))
    tenant.remove("folder/")
    wait_for(lambda: outcomes(product, tenant, "folder/") == ["ignored", "ignored"])
    assert tenant.call("GET", "/documents").body["documents"] == []
    assert tenant.row(tenant.prefix + "folder/") is None


def test_the_api_rejects_sidecars(tenant: Tenant) -> None:
    body = {"name": SIDECAR, "content_type": "application/json", "size": 10}
    assert_problem(tenant.call("POST", "/documents", body), 400, "name")
