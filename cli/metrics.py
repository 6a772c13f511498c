"""The usage of tenants, read from the CloudWatch metrics that the functions emit."""

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
    """A boto3 paginator."""

    def paginate(self, **request: object) -> Iterable[dict[str, Any]]:
        """Returns the pages of a response."""


class CloudWatch(Protocol):
    """The part of boto3's CloudWatch client that is used here."""

    def get_paginator(self, operation_name: str) -> Paginator:
        """Returns the paginator of an operation."""


@dataclass(frozen=True)
class TenantUsage:
    """The usage of one tenant in a time range; `stored_*` are the latest values, or None if none was reported.

    Latency is a mean in milliseconds: percentiles of several periods cannot be combined.
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
        """Returns the tenants with metrics in the last two weeks; CloudWatch lists no older ones.

        Raises:
            CommandError: CloudWatch rejects the request or cannot be reached.
        """
        request = {"Namespace": NAMESPACE, "Dimensions": [{"Name": DIMENSION}]}
        pages = self._pages("list_metrics", request)
        dimensions = [dimension for page in pages for metric in page["Metrics"] for dimension in metric["Dimensions"]]
        return sorted({dimension["Value"] for dimension in dimensions if dimension["Name"] == DIMENSION})

    def read(self, tenant_id: str, start: datetime, end: datetime, now: datetime) -> TenantUsage:
        """Returns the usage of a tenant from `start` until before `end`.

        Raises:
            CommandError: CloudWatch rejects the request or cannot be reached.
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
            raise CommandError("metrics_refused", f"CloudWatch rejected the request for metrics: {reason}.") from error
        except BotoCoreError as error:
            raise CommandError("unreachable", f"CloudWatch cannot be reached: {str(error).rstrip('.')}.") from error


def period_seconds(start: datetime, end: datetime, now: datetime) -> int:
    """Returns the period in seconds: 300 for short ranges that CloudWatch still keeps so, or else 3600."""
    fine = now - start < timedelta(days=FINE_DAYS) and end - start <= FINE_RANGE
    return FINE_SECONDS if fine else COARSE_SECONDS


def last_day(now: datetime) -> tuple[datetime, datetime]:
    """Returns the range of the last 24 hours; it ends a minute from now, so that the present second is included."""
    now = now.astimezone(UTC)
    return now - timedelta(days=1), now + timedelta(minutes=1)


def _query(identifier: str, tenant_id: str, metric: str, statistic: str, period: int) -> dict[str, Any]:
    dimensions = [{"Name": DIMENSION, "Value": tenant_id}]
    identity = {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
    return {"Id": identifier, "MetricStat": {"Metric": identity, "Period": period, "Stat": statistic}}


def _usage(tenant_id: str, points: dict[str, list[tuple[datetime, float]]]) -> TenantUsage:
    sums = {metric: sum(value for _, value in points[f"sum{n}"]) for n, metric in enumerate(SUMMED)}
    vectors, size = (max(points[f"last{n}"], default=None) for n in range(len(LATEST)))
    latency_count = sum(value for _, value in points["latency_count"])
    latency_sum = sum(value for _, value in points["latency_sum"])
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
        query_latency_mean_ms=latency_sum / latency_count if latency_count else None,
    )
