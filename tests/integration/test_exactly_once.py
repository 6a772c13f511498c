"""A version is processed exactly once, however its events arrive, and the newest version is the live one."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.local_cloud import wait_for
from tests.integration.product import Product, Tenant

OLD = "The gate code of the north depot is kept by Song Iseul until winter."
NEW = "The gate code of the north depot is now kept by Baek Nari for good."
QUESTION = "Who keeps the gate code of the north depot?"


def found_texts(tenant: Tenant, question: str = QUESTION) -> list[str]:
    return [passage["text"] for passage in tenant.retrieve(question)["passages"]]


def test_a_duplicate_event_changes_nothing(product: Product, tenant: Tenant) -> None:
    document = tenant.ready("once.txt", OLD)
    before = tenant.vector_keys(), tenant.artifacts(), tenant.row(document["key"])
    event = tenant.event(document)
    states = [product.run(event), product.run({**event, "id": "another-delivery"})]
    assert [state["registration"]["outcome"] for state in states] == ["duplicate", "duplicate"]
    assert (tenant.vector_keys(), tenant.artifacts(), tenant.row(document["key"])) == before
    assert tenant.metric("DocumentsIngested") == 1
    assert tenant.metric("EmbeddingTokens") == document["tokens"]


def test_concurrent_duplicate_events_are_processed_once(product: Product, tenant: Tenant) -> None:
    template = tenant.event(tenant.ready("template.txt", "A line to copy an event from."))
    tenant.remove("template.txt")
    version = tenant.drop("many.txt", OLD)
    described = {**template["detail"]["object"], "key": tenant.prefix + "many.txt", "version-id": version}
    event = {**template, "detail": {**template["detail"], "object": described | {"sequencer": "FF" * 8}}}
    with ThreadPoolExecutor(8) as pool:
        executions = list(pool.map(product.wait_for_execution, list(pool.map(product.start, [event] * 8))))
    document = tenant.wait_until_processed(tenant.prefix + "many.txt", version)
    assert document["status"] == "ready"
    outcomes = Counter(json.loads(each["output"])["registration"]["outcome"] for each in executions)
    assert outcomes == {"process": 1, "duplicate": 7}
    assert len(tenant.vector_keys(document["document_id"])) == document["chunks"] == 1
    assert found_texts(tenant) == [OLD]


def test_a_late_older_event_changes_nothing(product: Product, tenant: Tenant) -> None:
    old_event = tenant.event(tenant.ready("late.txt", OLD))
    newer = tenant.ready("late.txt", NEW)
    before = tenant.vector_keys(), tenant.artifacts(), tenant.row(newer["key"])
    assert product.run(old_event)["registration"]["outcome"] == "stale"
    removal = {**old_event, "detail-type": "Object Deleted"}
    removal["detail"] = {**old_event["detail"], "deletion-type": "Delete Marker Created"}
    assert product.run(removal)["registration"]["outcome"] == "stale"
    assert (tenant.vector_keys(), tenant.artifacts(), tenant.row(newer["key"])) == before
    assert found_texts(tenant) == [NEW]


def test_an_event_of_a_deleted_version_changes_nothing(product: Product, tenant: Tenant) -> None:
    document = tenant.ready("deleted.txt", OLD)
    event = tenant.event(document)
    unknown = {**event["detail"]["object"], "version-id": "no-such-version", "sequencer": "FF" * 8}
    state = product.run({**event, "detail": {**event["detail"], "object": unknown}})
    assert state["registration"]["outcome"] == "stale"
    assert tenant.document(document["document_id"]) == document


def test_an_overwritten_document_is_answered_from_the_new_text_only(tenant: Tenant) -> None:
    old = tenant.ready("depot.txt", OLD)
    new = tenant.ready("depot.txt", NEW)
    assert new["document_id"] == old["document_id"]
    assert new["version"] != old["version"]
    answer = tenant.ask(QUESTION)
    assert "Baek" in answer["answer"]
    assert {citation["quote"] for citation in answer["citations"]} <= {NEW}
    assert found_texts(tenant) == [NEW]
    assert not [key for key in tenant.derived_data(new["document_id"]) if old["version"] in key]
    assert len(tenant.vector_keys()) == new["chunks"]
    assert tenant.state(new)["batches"] == [{"batch": 0, "embedded": 1, "reused": 0, "tokens": new["tokens"]}]


def test_the_live_version_remains_if_a_new_version_fails(tenant: Tenant) -> None:
    old = tenant.ready("kept.txt", OLD)
    failed = tenant.ingest("kept.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)
    assert (failed["status"], failed["error"]["code"]) == ("failed", "unsupported_type")
    assert failed["current_version"] == old["version"]
    assert found_texts(tenant) == [OLD]
    assert not [key for key in tenant.derived_data(old["document_id"]) if failed["version"] in key]
    again = tenant.ready("kept.txt", NEW)
    assert "error" not in again
    assert found_texts(tenant) == [NEW]
    assert len(tenant.vector_keys()) == 1


def test_the_last_of_quick_overwrites_is_the_live_version(tenant: Tenant) -> None:
    texts = [f"The tower clock was repaired {number} times before the flood." for number in range(6)]
    versions = [tenant.drop("clock.txt", text) for text in texts]
    document = tenant.wait_until_processed(tenant.prefix + "clock.txt", versions[-1])
    assert document["status"] == "ready"
    assert found_texts(tenant, "How often was the tower clock repaired?") == [texts[-1]]
    wait_for(lambda: not [key for key in tenant.derived_data(document["document_id"]) if versions[-1] not in key])
    assert len(tenant.vector_keys()) == 1
    for execution in tenant.product.executions_of(document["key"]):
        assert execution["status"] == "SUCCEEDED", execution
    assert tenant.document(document["document_id"]) == document


def test_unchanged_chunks_are_not_embedded_again(tenant: Tenant) -> None:
    paragraphs = [
        f"Clause {number}. " + f"The tenant of flat {number} waters the plants. " * 12 for number in range(16)
    ]
    first = tenant.ready("long.txt", "\n\n".join(paragraphs))
    batches = tenant.state(first)["batches"]
    assert sum(batch["reused"] for batch in batches) == 0
    paragraphs[9] = "Clause 9. " + "The owner of flat 9 has no plants at all. " * 12
    second = tenant.ready("long.txt", "\n\n".join(paragraphs))
    batches = tenant.state(second)["batches"]
    embedded, reused = (sum(batch[name] for batch in batches) for name in ("embedded", "reused"))
    assert embedded + reused == second["chunks"]
    assert 0 < embedded <= 4
    assert second["tokens"] == sum(batch["tokens"] for batch in batches) < first["tokens"] / 2
    assert tenant.metric("EmbeddingTokens") == first["tokens"] + second["tokens"]
    third = tenant.ready("long.txt", "\n\n".join(paragraphs))
    assert sum(batch["embedded"] for batch in tenant.state(third)["batches"]) == 0
    assert third["tokens"] == 0
    assert len(tenant.vector_keys()) == third["chunks"] == second["chunks"]


def test_a_deleted_document_is_not_searched_after_the_response(tenant: Tenant) -> None:
    document = tenant.ready("depot.txt", OLD)
    other = tenant.ready("other.txt", "The south depot has no gate and no code.")
    reply = tenant.call("DELETE", f"/documents/{document['document_id']}")
    assert (reply.status, reply.body["status"]) == (202, "deleting")
    assert OLD not in found_texts(tenant)
    assert "Song" not in tenant.ask(QUESTION)["answer"]
    tenant.wait_for_status(document["key"], "deleted")
    deleted = tenant.document(document["document_id"])
    receipt = deleted["receipt"]
    assert (receipt["versions"], receipt["vectors"]) == (1, document["chunks"])
    assert receipt["artifacts"] >= 4
    assert receipt["deleted_at"] > document["uploaded_at"]
    assert (deleted["pages"], deleted["chunks"], deleted["tokens"], deleted["current_version"]) == (0, 0, 0, None)
    assert tenant.derived_data(document["document_id"]) == []
    listed = tenant.call("GET", "/documents").body["documents"]
    assert [each["document_id"] for each in listed] == [other["document_id"]]
    assert tenant.call("DELETE", f"/documents/{document['document_id']}").body == deleted


def test_a_delete_marker_deletes_a_document_and_its_removal_restores_it(product: Product, tenant: Tenant) -> None:
    document = tenant.ready("back.txt", OLD)
    marker = tenant.remove("back.txt")
    tenant.wait_for_status(document["key"], "deleted")
    assert tenant.derived_data(document["document_id"]) == []
    assert found_texts(tenant) == []
    product.root("s3").delete_object(Bucket=product["DocumentsBucketName"], Key=document["key"], VersionId=marker)
    restored = tenant.wait_until_processed(document["key"], document["version"])
    assert (restored["status"], restored["version"]) == ("ready", document["version"])
    assert "receipt" not in restored
    assert found_texts(tenant) == [OLD]


def test_the_removal_of_the_newest_version_restores_the_previous_one(product: Product, tenant: Tenant) -> None:
    old = tenant.ready("undo.txt", OLD)
    new = tenant.ready("undo.txt", NEW)
    bucket = product["DocumentsBucketName"]
    product.root("s3").delete_object(Bucket=bucket, Key=new["key"], VersionId=new["version"])
    assert tenant.wait_until_processed(new["key"], old["version"])["status"] == "ready"
    assert found_texts(tenant) == [OLD]
    product.root("s3").delete_object(Bucket=bucket, Key=new["key"], VersionId=old["version"])
    tenant.wait_for_status(new["key"], "deleted")
    assert tenant.derived_data(new["document_id"]) == []


@pytest.mark.parametrize("by_api", [True, False])
def test_a_document_uploaded_right_after_its_deletion_becomes_ready(tenant: Tenant, *, by_api: bool) -> None:
    document = tenant.ready("phoenix.txt", OLD)
    if by_api:
        assert tenant.call("DELETE", f"/documents/{document['document_id']}").status == 202
    else:
        tenant.remove("phoenix.txt")
    again = tenant.ready("phoenix.txt", NEW)
    executions = tenant.product.executions_of(document["key"])
    assert [each["status"] for each in executions] == ["SUCCEEDED"] * 3
    assert tenant.document(again["document_id"]) == again
    assert found_texts(tenant) == [NEW]
    assert not [key for key in tenant.derived_data(again["document_id"]) if again["version"] not in key]
    assert len(tenant.vector_keys()) == again["chunks"]


@pytest.mark.parametrize("by_api", [True, False])
def test_a_document_deleted_during_processing_is_deleted(product: Product, tenant: Tenant, *, by_api: bool) -> None:
    text = "\n\n".join(f"# Rule {number}\n\n" + f"Nobody feeds pigeon number {number}. " * 7 for number in range(80))
    tenant.drop("busy.txt", text)
    key = tenant.prefix + "busy.txt"
    row = tenant.wait_for_status(key, "processing")
    document_id = row["document_id"]["S"]
    wait_for(lambda: tenant.artifacts(document_id), 30)
    if by_api:
        assert tenant.call("DELETE", f"/documents/{document_id}").body["status"] == "deleting"
    else:
        tenant.remove("busy.txt")
    tenant.wait_for_status(key, "deleted")
    processing, deletion = product.executions_of(key)
    assert "RemoveDocument" in product.states_entered(deletion["executionArn"])
    assert processing["executionArn"].endswith(row["execution"]["S"])
    assert processing["status"] == deletion["status"] == "SUCCEEDED"
    assert tenant.document(document_id)["status"] == "deleted"
    assert tenant.derived_data(document_id) == []
    assert tenant.retrieve("Who feeds the pigeons?")["passages"] == []


def test_a_repeated_deletion_has_no_effect(product: Product, tenant: Tenant) -> None:
    document = tenant.ready("twice.txt", OLD)
    tenant.remove("twice.txt")
    tenant.wait_for_status(document["key"], "deleted")
    deleted = tenant.document(document["document_id"])
    assert product.run(tenant.event(document))["registration"]["outcome"] == "duplicate"
    assert tenant.document(document["document_id"]) == deleted
    event = tenant.event(document)
    later = {**event, "detail": {**event["detail"], "object": {**event["detail"]["object"], "sequencer": "FF" * 8}}}
    assert product.run(later)["registration"]["outcome"] == "duplicate"
    assert tenant.document(document["document_id"]) == deleted, "the receipt stays"
    assert found_texts(tenant) == []
