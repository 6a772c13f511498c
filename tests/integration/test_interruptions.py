"""Stopped executions: their documents fail once and leave no data."""

import json

from onggi.steps.ingestion.record_interruption import STOPPED_MESSAGE
from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Tenant

LONG = "\n\n".join(f"# Rule {number}\n\n" + f"Nobody counts crane number {number}. " * 7 for number in range(80))


def recorded(product: Product, execution: str) -> Json:
    """Waits for the execution that recorded the end of another; returns it."""
    machine = product["IngestionStateMachineArn"].replace("-ingestion", "-interruption")
    pages = product.root("stepfunctions").get_paginator("list_executions")

    def poll() -> Json | None:
        for page in pages.paginate(stateMachineArn=machine):
            for each in page["executions"]:
                described: Json = product.root("stepfunctions").describe_execution(executionArn=each["executionArn"])
                if json.loads(described["input"])["detail"]["name"] == execution:
                    return described
        return None

    return product.wait_for_execution(wait_for(poll, 30)["executionArn"])


def stopped_in_the_middle(product: Product, tenant: Tenant, name: str) -> Json:
    """Uploads a long file and stops its execution after it has stored data; returns the row before that."""
    tenant.drop(name, LONG)
    row = tenant.wait_for_status(tenant.prefix + name, "processing")
    wait_for(lambda: tenant.artifacts(row["document_id"]["S"]), 60)
    arn = product.execution_arn(row["execution"]["S"])
    product.root("stepfunctions").stop_execution(executionArn=arn, error="Operator", cause="A test.")
    assert product.wait_for_execution(arn)["status"] == "ABORTED"
    return row


def test_a_document_whose_execution_is_stopped_fails_and_leaves_no_data(product: Product, tenant: Tenant) -> None:
    row = stopped_in_the_middle(product, tenant, "stopped.txt")
    tenant.wait_for_status(tenant.prefix + "stopped.txt", "failed")
    document = tenant.document(row["document_id"]["S"])
    assert document["error"] == {"code": "internal", "message": STOPPED_MESSAGE}
    recording = recorded(product, row["execution"]["S"])
    assert (recording["status"], recording["error"]) == ("FAILED", "DocumentInterrupted"), "which raises the alarm"
    wait_for(lambda: not tenant.derived_data(document["document_id"]), 60)
    assert tenant.metric("DocumentsFailed") == 1
    assert tenant.retrieve("Who counts the cranes?")["passages"] == []


def test_the_same_file_uploaded_again_becomes_ready(product: Product, tenant: Tenant) -> None:
    stopped_in_the_middle(product, tenant, "again.txt")
    tenant.wait_for_status(tenant.prefix + "again.txt", "failed")
    document = tenant.ready("again.txt", LONG)
    assert "error" not in document
    assert len(tenant.vector_keys(document["document_id"])) == document["chunks"]


def test_a_recorded_failure_raises_no_second_alarm(product: Product, tenant: Tenant) -> None:
    where = {"vectorBucketName": product["VectorBucketName"], "indexName": tenant.tenant_id}
    product.root("s3vectors").delete_index(**where)
    before = tenant.ingest("fault.txt", "A text without an index to go to, once more.")
    (execution,) = product.executions_of(before["key"])
    assert execution["status"] == "FAILED"
    recording = recorded(product, execution["name"])
    assert recording["status"] == "SUCCEEDED", "the alarm on failed executions is the only one"
    assert json.loads(recording["output"])["interruption"] == {"outcome": "recorded", "alarm": False}
    assert tenant.document(before["document_id"]) == before
    assert tenant.metric("DocumentsFailed") == 1


def test_a_document_that_was_replaced_meanwhile_is_unchanged(product: Product, tenant: Tenant) -> None:
    row = stopped_in_the_middle(product, tenant, "newer.txt")
    recorded(product, row["execution"]["S"])
    document = tenant.ready("newer.txt", "The cranes were counted by the miller's daughter.")
    states = product.root("stepfunctions")
    recording = recorded(product, row["execution"]["S"])
    again = states.start_execution(stateMachineArn=recording["stateMachineArn"], input=recording["input"])
    assert product.wait_for_execution(again["executionArn"])["status"] == "SUCCEEDED"
    assert tenant.document(document["document_id"]) == document
