"""Metrics in CloudWatch's embedded metric format: a line of the log, no call."""

from typing import Final

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from onggi.domain.tenant import TenantContext

NAMESPACE: Final = "Onggi"
UNITS: Final[dict[str, MetricUnit]] = {
    "Queries": MetricUnit.Count,
    "RetrievalLatency": MetricUnit.Milliseconds,
    "QueryLatency": MetricUnit.Milliseconds,
    "InputTokens": MetricUnit.Count,
    "OutputTokens": MetricUnit.Count,
    "EmbeddingTokens": MetricUnit.Count,
    "DocumentsIngested": MetricUnit.Count,
    "DocumentsFailed": MetricUnit.Count,
    "PagesExtracted": MetricUnit.Count,
    "ChunksIndexed": MetricUnit.Count,
    "IngestLatency": MetricUnit.Milliseconds,
    "ThrottledRequests": MetricUnit.Count,
    "UnfinishedModelCalls": MetricUnit.Count,
    "UnfinishedTokens": MetricUnit.Count,
    "EstimatedCostUSD": MetricUnit.NoUnit,
    "StoredVectors": MetricUnit.Count,
    "StoredBytes": MetricUnit.Bytes,
}
"""Every metric there is, and its unit."""


class EmbeddedMeter:
    """Writes metrics once by tenant and once by tier."""

    def record(self, tenant: TenantContext, **values: float) -> None:
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        metrics.add_dimension("TenantId", tenant.tenant_id)
        metrics.add_dimensions(Tier=tenant.tier)
        for name, value in values.items():
            metrics.add_metric(name, UNITS[name], value)
        metrics.flush_metrics()
