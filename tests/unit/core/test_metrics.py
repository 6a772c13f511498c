"""Metrics as CloudWatch reads them out of the log (embedded metric format)."""

import json

import pytest

from onggi.adapters.metrics import EmbeddedMeter
from tests.unit.core.fakes import tenant_named

UNITS = {
    "Queries": "Count",
    "RetrievalLatency": "Milliseconds",
    "QueryLatency": "Milliseconds",
    "InputTokens": "Count",
    "OutputTokens": "Count",
    "EmbeddingTokens": "Count",
    "DocumentsIngested": "Count",
    "DocumentsFailed": "Count",
    "PagesExtracted": "Count",
    "ChunksIndexed": "Count",
    "IngestLatency": "Milliseconds",
    "ThrottledRequests": "Count",
    "EstimatedCostUSD": "None",
    "StoredVectors": "Count",
    "StoredBytes": "Bytes",
}


@pytest.mark.parametrize(("name", "unit"), UNITS.items())
def test_a_metric_is_recorded_by_tenant_and_by_tier(capsys: pytest.CaptureFixture[str], name: str, unit: str) -> None:
    EmbeddedMeter().record(tenant_named(), **{name: 2.5})
    (line,) = capsys.readouterr().out.splitlines()
    recorded = json.loads(line)
    (metrics,) = recorded["_aws"]["CloudWatchMetrics"]
    assert metrics == {
        "Namespace": "Onggi",
        "Dimensions": [["TenantId"], ["Tier"]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    assert {key: value for key, value in recorded.items() if key != "_aws"} == {
        "TenantId": "acme",
        "Tier": "basic",
        name: [2.5],
    }


def test_a_metric_that_is_not_published_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError):
        EmbeddedMeter().record(tenant_named(), Surprises=1)
    assert capsys.readouterr().out == ""
