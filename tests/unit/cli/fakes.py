"""Fakes of everything outside the command: a stack that follows the API contract, an account, a clock."""

import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from cli.__main__ import main
from cli.transport import Request, Response
from cli.waiting import Clock
from cli.workspace import Environment

REGION = "ap-northeast-2"
API = "https://api.test/prod"
FORM = "https://bucket.test/"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LOCAL_STACK = "onggi-local"
LOCAL_ENDPOINT = "http://127.0.0.1:4566"
OUTPUTS = {"ApiUrl": API, "DocumentsBucketName": "documents"}


class FakeTime:
    """A clock that only sleeping advances."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.elapsed += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.elapsed, self.sleep, lambda: NOW + timedelta(seconds=self.elapsed))


@dataclass
class Sent:
    """A request that was sent."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read


class ScriptedTransport:
    """Returns the next response prepared for a request's route, or raises a prepared exception."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self._scripts: dict[tuple[str, str], list[Response | BaseException]] = {}

    def on(self, method: str, url: str, *responses: Response | BaseException) -> None:
        """Prepares the responses of a route; the last one repeats."""
        self._scripts[method, url] = list(responses)

    def send(self, request: Request) -> Response:
        body = request.body
        joined = b"" if body is None else body if isinstance(body, bytes) else b"".join(body)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.sent.append(Sent(request.method, request.url, headers, joined))
        script = self._scripts[request.method, request.url.split("?")[0]]
        response = script[0] if len(script) == 1 else script.pop(0)
        if isinstance(response, BaseException):
            raise response
        return response

    def download(self, url: str, write: Callable[[bytes], object]) -> int:
        """Passes a prepared body to `write` in two chunks."""
        response = self.send(Request("GET", url, {}))
        if response.status == 200:
            half = len(response.body) // 2
            for chunk in (response.body[:half], response.body[half:]):
                write(chunk)
        return response.status


def reply(status: int, document: object, **headers: str) -> Response:
    """Returns a JSON response; `_` in a header's name stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, json.dumps(document, ensure_ascii=False).encode())


class FakeCloudFormation:
    """Describes some stacks, or raises `fault`."""

    def __init__(self) -> None:
        self.stacks = {name: f"arn:aws:cloudformation:stack/{name}/1" for name in ("onggi-prod", LOCAL_STACK)}
        self.fault: Exception | None = None

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter name
        if self.fault:
            raise self.fault
        if StackName not in self.stacks:
            error: Any = {"Error": {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}}
            raise ClientError(error, "DescribeStacks")
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in OUTPUTS.items()]
        return {"Stacks": [{"StackId": self.stacks[StackName], "Outputs": outputs}]}


@dataclass
class Point:
    """A value that a function emitted."""

    metric: str
    tenant_id: str
    value: float
    at: datetime


class FakeCloudWatch:
    """Stores points and returns metrics as CloudWatch does, on two pages."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.requests: list[dict[str, Any]] = []
        self.rejects = False

    def emit(self, tenant_id: str, at: datetime = NOW, **values: float) -> None:
        self.points += [Point(metric, tenant_id, value, at) for metric, value in values.items()]

    def get_paginator(self, operation_name: str) -> "FakePaginator":
        return FakePaginator(self, operation_name)


@dataclass
class FakePaginator:
    """Returns the pages of the fake's responses."""

    cloudwatch: FakeCloudWatch
    operation: str

    def paginate(self, **arguments: object) -> Iterable[dict[str, Any]]:
        request: dict[str, Any] = dict(arguments)
        if self.cloudwatch.rejects:
            error: Any = {"Error": {"Code": "AccessDenied", "Message": "You may not read metrics."}}
            raise ClientError(error, self.operation)
        self.cloudwatch.requests.append(request)
        if self.operation == "list_metrics":
            for tenant_id in sorted({point.tenant_id for point in self.cloudwatch.points}):
                yield {"Metrics": [{"Dimensions": [{"Name": "TenantId", "Value": tenant_id}]}]}
            return
        # Each query's older half is on a first page and its newer half on a second.
        series = [(query["Id"], self._series(query["MetricStat"], request)) for query in request["MetricDataQueries"]]
        for part in (0, 1):
            results = []
            for identifier, points in series:
                half = points[: len(points) // 2] if part == 0 else points[len(points) // 2 :]
                times, values = [time for time, _ in half], [value for _, value in half]
                results.append({"Id": identifier, "Timestamps": times, "Values": values})
            yield {"MetricDataResults": results}

    def _series(self, statistic: dict[str, Any], request: dict[str, Any]) -> list[tuple[datetime, float]]:
        metric, period = statistic["Metric"], statistic["Period"]
        [dimension] = metric["Dimensions"]
        buckets: dict[int, list[float]] = {}
        for point in self.cloudwatch.points:
            named = (point.metric, point.tenant_id) == (metric["MetricName"], dimension["Value"])
            if named and request["StartTime"] <= point.at < request["EndTime"]:
                buckets.setdefault(int(point.at.timestamp()) // period * period, []).append(point.value)
        statistics: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Maximum": max, "SampleCount": len}
        reduce = statistics[statistic["Stat"]]
        return [(datetime.fromtimestamp(start, UTC), reduce(values)) for start, values in sorted(buckets.items())]


@dataclass
class FakeAccount:
    """An account whose clients are the fakes given."""

    region: str = REGION
    clients: dict[str, Any] = field(default_factory=dict)
    opened: list[tuple[str | None, str | None, str | None]] = field(default_factory=list)

    def open(self, region: str | None, profile: str | None, endpoint: str | None) -> "FakeAccount":
        self.opened.append((region, profile, endpoint))
        return self

    def client(self, service: str) -> object:
        return self.clients[service]

    def credentials(self) -> ReadOnlyCredentials:
        return ReadOnlyCredentials("AKIDEXAMPLE", "secret", None)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Shell:
    """Runs commands in a folder and captures their output."""

    folder: Path
    transport: Any = field(default_factory=ScriptedTransport)
    account: FakeAccount = field(default_factory=FakeAccount)
    cloudformation: FakeCloudFormation = field(default_factory=FakeCloudFormation)
    time: FakeTime = field(default_factory=FakeTime)
    environ: dict[str, str] = field(default_factory=dict)
    out: io.StringIO = field(default_factory=io.StringIO)
    err: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.environ.setdefault("HOME", str(self.folder / "home"))

    @property
    def environment(self) -> Environment:
        return Environment(
            environ=self.environ,
            folder=self.folder,
            out=self.out,
            err=self.err,
            clock=self.time.clock,
            transport=self.transport,
            open_account=self.account.open,
        )

    @property
    def local_folder(self) -> Path:
        return self.folder / ".local"

    def start_local_cloud(self) -> None:
        """Writes the files of a local cloud and its launcher."""
        self.local_folder.mkdir()
        cloud = {"endpoint": LOCAL_ENDPOINT, "pid": 1, "region": REGION}
        (self.local_folder / "cloud.json").write_text(json.dumps(cloud), encoding="utf-8")
        stack = {"stack_name": LOCAL_STACK, "stack_id": f"arn:aws:cloudformation:stack/{LOCAL_STACK}/1"}
        (self.local_folder / "stack.json").write_text(json.dumps(stack), encoding="utf-8")

    def store_key(self, tenant_id: str) -> None:
        """Stores a key of a tenant, as `onggi tenant create` does."""
        path = self.local_folder / "keys.json"
        keys = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"onggi-local": {}}
        keys["onggi-local"][tenant_id] = {"key_id": "k1", "api_key": f"onggi_{tenant_id}_secret"}
        path.write_text(json.dumps(keys), encoding="utf-8")

    def run(self, *arguments: str) -> int:
        """Runs the command with empty output streams."""
        for stream in (self.out, self.err):
            stream.seek(0)
            stream.truncate()
        return main(arguments, self.environment)

    @property
    def printed(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        read: dict[str, Any] = json.loads(self.out.getvalue())
        return read
