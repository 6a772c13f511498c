"""Functions: their environment, their errors, their metrics."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.patches.conftest import Stack


@pytest.fixture(scope="module")
def described(stack: Stack) -> dict[str, Any]:
    description, failed = stack.invoke({"do": "describe"})
    assert failed is None
    return dict(description)


def test_the_interpreter_is_clean(described: dict[str, Any]) -> None:
    assert described["version"] == [3, 13]
    assert described["importable"] == []
    assert described["layer"] == "shared"


def test_the_environment_is_that_of_lambda(stack: Stack, described: dict[str, Any]) -> None:
    environment = described["environment"]
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == stack["Step"]
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert environment["AWS_REGION"] == "ap-northeast-2"
    assert environment["AWS_ENDPOINT_URL"] == stack.cloud.endpoint
    assert environment["TABLE"] == stack["TableName"]
    allowed = ("AWS_", "_HANDLER", "LAMBDA_TASK_ROOT", "TABLE", "DATA_ROLE", "LANG", "LC_CTYPE", "PATH", "TMPDIR", "TZ")
    assert [name for name in environment if not name.startswith(allowed)] == []


def test_the_context_is_that_of_the_managed_runtime(stack: Stack, described: dict[str, Any]) -> None:
    context = described["context"]
    assert context["name"] == stack["Step"]
    assert context["memory"] == "256"
    assert context["arn"] == stack["StepArn"]
    assert 0 < context["remaining"] <= 1000


def test_a_function_acts_as_its_execution_role(stack: Stack, described: dict[str, Any]) -> None:
    environment = described["environment"]
    session = stack.cloud.session(
        {
            "AccessKeyId": environment["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": environment["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": environment["AWS_SESSION_TOKEN"],
        }
    )
    identity = stack.cloud.client("sts", session).get_caller_identity()
    assert f":assumed-role/{stack.resources['StepRole']}/" in identity["Arn"]


def test_an_exception_keeps_its_name_and_the_environment_lives_on(stack: Stack) -> None:
    before, _ = stack.invoke({"do": "describe"})
    error, failed = stack.invoke({"do": "refuse", "because": "빈 문서"})
    after, _ = stack.invoke({"do": "describe"})
    assert failed == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("BadDocumentError", "빈 문서")
    assert "in step" in error["stackTrace"][0]
    assert before["process"] == after["process"]


def test_running_too_long_ends_the_environment(stack: Stack) -> None:
    before, _ = stack.invoke({"do": "describe"})
    error, failed = stack.invoke({"do": "sleep", "seconds": 30})
    after, _ = stack.invoke({"do": "describe"})
    assert failed == "Unhandled"
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert before["process"] != after["process"]


@pytest.mark.parametrize(
    ("what", "error_type"), [("exit", "Runtime.ExitError"), ("unserialisable", "Runtime.MarshalError")]
)
def test_the_runtime_names_its_own_errors(stack: Stack, what: str, error_type: str) -> None:
    error, failed = stack.invoke({"do": what})
    assert (error["errorType"], failed) == (error_type, "Unhandled")


def test_a_silent_function_answers_at_once(stack: Stack) -> None:
    functions = stack.cloud.client("lambda")
    functions.invoke(FunctionName=stack["Step"], Payload="{}")
    seconds = []
    for _ in range(9):
        begin = time.perf_counter()
        functions.invoke(FunctionName=stack["Step"], Payload="{}")
        seconds.append(time.perf_counter() - begin)
    assert sorted(seconds)[4] < 0.045  # the emulator waits 50 ms for a log line


def test_what_a_function_prints_is_logged_whole(stack: Stack) -> None:
    text = "\n".join(f"줄 {number} of the log" for number in range(300)) + "\nlast, without an end"
    stack.invoke({"do": "print", "text": text})
    group = f"/aws/lambda/{stack['Step']}"
    pages = stack.cloud.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
    messages = [event["message"] for page in pages for event in page["events"]]
    start = messages.index("줄 0 of the log")
    assert messages[start : start + 301] == text.splitlines()


def test_embedded_metrics_become_metrics(stack: Stack) -> None:
    now = datetime.now(UTC)
    directive = {
        "Namespace": "Contract",
        "Dimensions": [["TenantId"], ["Tier"]],
        "Metrics": [{"Name": "Queries", "Unit": "Count"}, {"Name": "Latency", "Unit": "Milliseconds"}],
    }
    line = {
        "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        "TenantId": "acme",
        "Tier": "basic",
        "Queries": [1, 1, 3],
        "Latency": 12.5,
    }
    stack.invoke({"do": "print", "text": json.dumps(line)})
    cloudwatch = stack.cloud.client("cloudwatch")
    listed = cloudwatch.list_metrics(Namespace="Contract")["Metrics"]
    assert sorted((metric["MetricName"], metric["Dimensions"][0]["Name"]) for metric in listed) == [
        ("Latency", "TenantId"),
        ("Latency", "Tier"),
        ("Queries", "TenantId"),
        ("Queries", "Tier"),
    ]
    window = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5)}
    points = cloudwatch.get_metric_statistics(
        Namespace="Contract",
        MetricName="Queries",
        Dimensions=[{"Name": "TenantId", "Value": "acme"}],
        Period=600,
        Statistics=["Sum", "SampleCount", "Maximum"],
        **window,
    )["Datapoints"]
    assert sum(point["Sum"] for point in points) == 5
    assert sum(point["SampleCount"] for point in points) == 3
    assert {point["Unit"] for point in points} == {"Count"}
    metric = {
        "Namespace": "Contract",
        "MetricName": "Latency",
        "Dimensions": [{"Name": "Tier", "Value": "basic"}],
    }
    query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 600, "Stat": "Average"}}
    results = cloudwatch.get_metric_data(MetricDataQueries=[query], **window)["MetricDataResults"]
    assert results[0]["Values"] == [12.5]
