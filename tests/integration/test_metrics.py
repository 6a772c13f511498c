"""The metrics agree with the API's responses."""

import pytest

from tests.integration.product import Product, Tenant

NAMES = {
    "Queries",
    "RetrievalLatency",
    "QueryLatency",
    "InputTokens",
    "OutputTokens",
    "EmbeddingTokens",
    "DocumentsIngested",
    "DocumentsFailed",
    "PagesExtracted",
    "ChunksIndexed",
    "IngestLatency",
    "ThrottledRequests",
    "EstimatedCostUSD",
    "StoredVectors",
    "StoredBytes",
    "UnfinishedModelCalls",
    "UnfinishedTokens",
}
NOT_EVERY_DAY = {"ThrottledRequests", "UnfinishedModelCalls", "UnfinishedTokens"}
FIRST = "The orchard has forty pear trees and a well."
SECOND = "The barn was painted red by the youngest daughter."


def test_a_tenants_metrics_are_the_sums_of_its_responses(tenant: Tenant) -> None:
    tier_before = {name: tier_metric(tenant, name) for name in ("Queries", "EmbeddingTokens", "DocumentsIngested")}
    documents = [tenant.ready("first.txt", FIRST), tenant.ready("second.txt", SECOND)]
    failed = tenant.ingest("failed.pdf", b"no pdf")
    answers = [tenant.ask(question) for question in ("How many pear trees are there?", "Who painted the barn red?")]
    found = tenant.retrieve("Where is the well?")
    assert failed["status"] == "failed"
    usage = [answer["usage"] for answer in answers]
    ingested = sum(document["tokens"] for document in documents)
    asked = sum(each["embedding_tokens"] for each in usage) + found["usage"]["embedding_tokens"]
    expected = {
        "Queries": 2,
        "InputTokens": sum(each["input_tokens"] for each in usage),
        "OutputTokens": sum(each["output_tokens"] for each in usage),
        "EmbeddingTokens": ingested + asked,
        "DocumentsIngested": 2,
        "DocumentsFailed": 1,
        "PagesExtracted": 2,
        "ChunksIndexed": sum(document["chunks"] for document in documents),
        "ThrottledRequests": 0,
    }
    assert {name: tenant.metric(name) for name in expected} == expected
    embedding_price = 0.02 / 1_000_000
    cost = sum(float(each["cost_usd"]) for each in usage)
    cost += (ingested + found["usage"]["embedding_tokens"]) * embedding_price
    assert tenant.metric("EstimatedCostUSD") == pytest.approx(cost, rel=1e-3)
    assert tenant.metric("RetrievalLatency", "SampleCount") == 3
    assert tenant.metric("QueryLatency", "SampleCount") == 2
    assert tenant.metric("QueryLatency") >= sum(answer["latency_ms"]["generate"] for answer in answers)
    assert tenant.metric("IngestLatency", "SampleCount") == 2
    grown = {name: tier_metric(tenant, name) - before for name, before in tier_before.items()}
    assert grown == {name: expected[name] for name in tier_before}


def test_storage_metrics_follow_overwrites_and_deletions(product: Product, tenant: Tenant) -> None:
    latest = {}
    document = tenant.ready("stored.txt", FIRST)
    latest["first"] = stored(product, tenant)
    tenant.ready("stored.txt", FIRST + " And a pond.")
    latest["overwritten"] = stored(product, tenant)
    tenant.remove("stored.txt")
    tenant.wait_for_status(document["key"], "deleted")
    latest["deleted"] = stored(product, tenant)
    assert latest == {
        "first": (1, len(FIRST)),
        "overwritten": (1, len(FIRST) + len(" And a pond.")),
        "deleted": (0, 0),
    }


def test_metric_names_and_dimensions_follow_the_contract(product: Product, tenant: Tenant) -> None:
    tenant.ready("a.txt", FIRST)
    tenant.ingest("b.pdf", b"no pdf")
    tenant.ask("How many pear trees does the orchard have?")
    pages = product.root("cloudwatch").get_paginator("list_metrics").paginate(Namespace="Onggi")
    listed = [metric for page in pages for metric in page["Metrics"]]
    assert {metric["MetricName"] for metric in listed} <= NAMES
    assert NAMES - {metric["MetricName"] for metric in listed} <= NOT_EVERY_DAY
    sets = {tuple(dimension["Name"] for dimension in metric["Dimensions"]) for metric in listed}
    assert sets == {("TenantId",), ("Tier",)}
    tiers = {
        dimension["Value"] for metric in listed for dimension in metric["Dimensions"] if dimension["Name"] == "Tier"
    }
    assert tiers == {"basic"}


def tier_metric(tenant: Tenant, name: str) -> float:
    return tenant.metric(name, dimension="Tier", value="basic")


def stored(product: Product, tenant: Tenant) -> tuple[int, int]:
    """Returns the ledger's counts, which the metrics report: a metric has no latest value within one period."""
    row = product.root("dynamodb").get_item(
        TableName=product["TenantTableName"], Key={"pk": {"S": tenant.tenant_id}, "sk": {"S": "STORED"}}
    )["Item"]
    assert tenant.metric("StoredVectors", "Maximum") >= int(row["vectors"]["N"])
    return int(row["vectors"]["N"]), int(row["bytes"]["N"])
