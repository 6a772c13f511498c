"""CloudWatch embedded metric format: JSON lines that functions print become metrics.

Format: CloudWatch user guide, "Specification: Embedded metric format".

Remove when ministack turns embedded metric format in logs into metrics.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services import cloudwatch, lambda_svc

type Json = dict[str, Any]

# The specification's limits.
MAX_DIMENSIONS = 30
MAX_METRICS = 100
MAX_VALUES = 100


@dataclass(frozen=True)
class DataPoint:
    """One value of one metric under one set of dimensions; `timestamp` in seconds since 1970."""

    namespace: str
    name: str
    unit: str
    value: float
    timestamp: float
    dimensions: tuple[tuple[str, str], ...]


def apply() -> None:
    """Read every function's log for metrics."""
    emit_logs = lambda_svc._emit_lambda_logs

    def emit(func: Json, request_id: str, log_text: str, *args: Any, **kwargs: Any) -> None:
        emit_logs(func, request_id, log_text, *args, **kwargs)
        for line in log_text.splitlines():
            for point in data_points(line):
                _record(point)

    lambda_svc._emit_lambda_logs = emit


def data_points(line: str) -> Iterator[DataPoint]:
    """The metric values in a log line; none if it is not embedded metric format."""
    if '"_aws"' not in line:
        return
    try:
        event = json.loads(line)
        metadata = event["_aws"]
        timestamp = metadata.get("Timestamp", time.time() * 1000) / 1000
        for directive in metadata.get("CloudWatchMetrics", []):
            yield from _directive_points(event, directive, timestamp)
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # CloudWatch ignores a malformed line, too


def _directive_points(event: Json, directive: Json, timestamp: float) -> Iterator[DataPoint]:
    for metric in directive["Metrics"][:MAX_METRICS]:
        values = event.get(metric["Name"], [])
        for names in directive.get("Dimensions") or [[]]:
            if len(names) > MAX_DIMENSIONS or any(name not in event for name in names):
                continue
            dimensions = tuple((name, str(event[name])) for name in names)
            for value in (values if isinstance(values, list) else [values])[:MAX_VALUES]:
                unit = metric.get("Unit", "None")
                yield DataPoint(directive["Namespace"], metric["Name"], unit, float(value), timestamp, dimensions)


def _record(point: DataPoint) -> None:
    # The emulator's own record_metric() knows no time but now.
    dimensions = dict(point.dimensions)
    bucket = cloudwatch._metric_bucket((point.namespace, point.name, cloudwatch._dims_key(dimensions)))
    bucket.append({"Timestamp": point.timestamp, "Value": point.value, "Unit": point.unit, "Dimensions": dimensions})
