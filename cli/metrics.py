"""What tenants used, read from the CloudWatch metrics that the functions emit."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import CommandError

NAMESPACE = "Onggi"
DIMENSION = "TenantId"
SUMMED = (
    "Queries",
    "InputTokens",
    "OutputTokens",
    "EmbeddingTokens",
    "DocumentsIngested",
    "DocumentsFailed",
    "PagesExtracted",
    "ChunksIndexed",
    "EstimatedCostUSD",
)
LATEST = ("StoredVectors", "StoredBytes")
LATENCY = "QueryLatency"

# CloudWatch keeps points of under 5 minutes for 15 days, of 5 minutes for 63, of an hour for 455.
FINE_SECONDS, FINE_DAYS = 300, 60
COARSE_SECONDS = 3600
FINE_RANGE = timedelta(days=2)


class Paginator(Protocol):
    """boto3's walker of pages."""

    def paginate(self, **request: object) -> Iterable[dict[str, Any]]:
        """Returns the pages of an answer."""


class CloudWatch(Protocol):
    """The part of boto3's CloudWatch client that is used here."""

    def get_paginator(self, operation_name: str) -> Paginator:
        """Returns the walker of an operation's pages."""


@dataclass(frozen=True)
class TenantUsage:
    """What one tenant used between two times; `stored_*` are the last values known, None where nothing was reported.

    Latency is a mean in milliseconds: percentiles of several periods cannot be joined into one.
    """

    tenant_id: str
    queries: int
    input_tokens: int
    output_tokens: int
    embedding_tokens: int
    documents_ingested: int
    documents_failed: int
    pages_extracted: int
    chunks_indexed: int
    estimated_cost_usd: float
    stored_vectors: int | None
    stored_bytes: int | None
    query_latency_mean_ms: float | None

    def as_json(self) -> dict[str, Any]:
        """Returns the fields as a JSON object."""
        return asdict(self)


class UsageMetrics:
    """Reads one stack's metrics."""

    def __init__(self, cloudwatch: CloudWatch) -> None:
        self._cloudwatch = cloudwatch

    def tenants(self) -> list[str]:
        """Returns the tenants that have metrics of the last two weeks; CloudWatch lists no older ones.

        Raises:
            CommandError: CloudWatch refuses or does not answer.
        """
        request = {"Namespace": NAMESPACE, "Dimensions": [{"Name": DIMENSION}]}
        pages = self._pages("list_metrics", request)
        dimensions = [dimension for page in pages for metric in page["Metrics"] for dimension in metric["Dimensions"]]
        return sorted({dimension["Value"] for dimension in dimensions if dimension["Name"] == DIMENSION})

    def read(self, tenant_id: str, start: datetime, end: datetime, now: datetime) -> TenantUsage:
        """Reads what a tenant used from `start` to before `end`.

        Raises:
            CommandError: CloudWatch refuses or does not answer.
        """
        period = period_seconds(start, end, now)
        queries = [
            *(_query(f"sum{n}", tenant_id, metric, "Sum", period) for n, metric in enumerate(SUMMED)),
            *(_query(f"last{n}", tenant_id, metric, "Maximum", period) for n, metric in enumerate(LATEST)),
            _query("latency_sum", tenant_id, LATENCY, "Sum", period),
            _query("latency_count", tenant_id, LATENCY, "SampleCount", period),
        ]
        request = {
            "MetricDataQueries": queries,
            "StartTime": start,
            "EndTime": end,
            "ScanBy": "TimestampAscending",
        }
        points: dict[str, list[tuple[datetime, float]]] = {query["Id"]: [] for query in queries}
        for page in self._pages("get_metric_data", request):
            for result in page["MetricDataResults"]:
                points[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
        return _usage(tenant_id, points)

    def _pages(self, operation: str, request: dict[str, Any]) -> Iterable[dict[str, Any]]:
        try:
            yield from self._cloudwatch.get_paginator(operation).paginate(**request)
        except ClientError as error:
            reason = error.response.get("Error", {}).get("Message", "no reason given").rstrip(".")
            raise CommandError("metrics_refused", f"CloudWatch does not give the metrics: {reason}.") from error
        except BotoCoreError as error:
            raise CommandError("unreachable", f"CloudWatch cannot be asked: {str(error).rstrip('.')}.") from error


def period_seconds(start: datetime, end: datetime, now: datetime) -> int:
    """Returns the finest period in which CloudWatch still keeps the range and that is worth reading."""
    fine = now - start < timedelta(days=FINE_DAYS) and end - start <= FINE_RANGE
    return FINE_SECONDS if fine else COARSE_SECONDS


def last_day(now: datetime) -> tuple[datetime, datetime]:
    """Returns the 24 hours up to a minute from now; what just happened is dated up to the present second."""
    now = now.astimezone(UTC)
    return now - timedelta(days=1), now + timedelta(minutes=1)


def _query(identifier: str, tenant_id: str, metric: str, statistic: str, period: int) -> dict[str, Any]:
    dimensions = [{"Name": DIMENSION, "Value": tenant_id}]
    named = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": named, "Period": period, "Stat": statistic}}


def _usage(tenant_id: str, points: dict[str, list[tuple[datetime, float]]]) -> TenantUsage:
    sums = {metric: sum(value for _, value in points[f"sum{n}"]) for n, metric in enumerate(SUMMED)}
    vectors, size = (max(points[f"last{n}"], default=None) for n in range(len(LATEST)))
    asked = sum(value for _, value in points["latency_count"])
    waited = sum(value for _, value in points["latency_sum"])
    return TenantUsage(
        tenant_id=tenant_id,
        queries=round(sums["Queries"]),
        input_tokens=round(sums["InputTokens"]),
        output_tokens=round(sums["OutputTokens"]),
        embedding_tokens=round(sums["EmbeddingTokens"]),
        documents_ingested=round(sums["DocumentsIngested"]),
        documents_failed=round(sums["DocumentsFailed"]),
        pages_extracted=round(sums["PagesExtracted"]),
        chunks_indexed=round(sums["ChunksIndexed"]),
        estimated_cost_usd=sums["EstimatedCostUSD"],
        stored_vectors=None if vectors is None else round(vectors[1]),
        stored_bytes=None if size is None else round(size[1]),
        query_latency_mean_ms=waited / asked if asked else None,
    )
