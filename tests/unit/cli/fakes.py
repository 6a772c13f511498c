"""Fakes of everything outside the command: a stack that follows the API contract, an account, a clock."""

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

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


def tokens(text: str) -> int:
    """Returns the number of words, which this fake's models count as tokens."""
    return len(text.split())


class FakeOnggi:
    """A small in-memory stack that follows the API contract: it searches words, answers sentences and emits metrics.

    Faults can be enabled, each of which the demonstration must detect.
    """

    def __init__(self, cloudwatch: FakeCloudWatch) -> None:
        self._cloudwatch = cloudwatch
        self.faults: set[str] = set()
        self.tenants: dict[str, dict[str, Any]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self._versions = 0

    # S3, as boto3's client

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter names
        assert Bucket == OUTPUTS["DocumentsBucketName"]
        return {"VersionId": self._store(Key, Body, ContentType)}

    # HTTP, as the command's transport

    def send(self, request: Request) -> Response:
        body = request.body
        data = b"" if body is None else body if isinstance(body, bytes) else b"".join(body)
        if request.url == FORM:
            return self._receive_form(data)
        address = urlsplit(request.url)
        route = unquote(address.path).removeprefix("/prod/v1")
        headers = {name.lower(): value for name, value in request.headers.items()}
        document = json.loads(data) if data else {}
        if route.startswith("/admin/"):
            assert headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
            return self._admin(request.method, route, document)
        tenant_id = headers["authorization"].removeprefix("Bearer onggi_").split("_")[0]
        return self._tenant(request.method, route, parse_qs(address.query), document, tenant_id)

    def _admin(self, method: str, route: str, document: dict[str, Any]) -> Response:
        if (method, route) == ("POST", "/admin/tenants"):
            if document["tenant_id"] in self.tenants:
                return reply(409, {"status": 409, "title": "Conflict", "detail": "The tenant exists already."})
            self.tenants[document["tenant_id"]] = {**document, "status": "provisioning"}
            return reply(202, {"tenant_id": document["tenant_id"], "status": "provisioning"})
        tenant_id = route.split("/")[3]
        if method == "POST":
            return reply(201, {"key_id": "k", "api_key": f"onggi_{tenant_id}_secret", "tenant_id": tenant_id})
        shown = dict(self.tenants[tenant_id])
        self.tenants[tenant_id]["status"] = "active"
        return reply(200, shown)

    def _tenant(
        self, method: str, route: str, query: dict[str, list[str]], document: dict[str, Any], tenant_id: str
    ) -> Response:
        if route == "/me":
            return reply(200, {"tenant_id": tenant_id})
        if route == "/query":
            return self._answer(document["question"], tenant_id)
        if route == "/retrieve":
            self._emit(tenant_id, EmbeddingTokens=tokens(document["question"]))
            passages = self._passages(document["question"], tenant_id)
            return reply(200, {"passages": passages, "usage": {"embedding_tokens": tokens(document["question"])}})
        if route == "/documents":
            return self._list_or_create(method, query, document, tenant_id)
        return self._one_document(method, route.removeprefix("/documents/"), tenant_id)

    def _list_or_create(
        self, method: str, query: dict[str, list[str]], document: dict[str, Any], tenant_id: str
    ) -> Response:
        if method == "POST":
            key = f"tenants/{tenant_id}/{document['name']}"
            return reply(201, {"document_id": key, "upload": {"url": FORM, "fields": {"key": key}}})
        assert query["limit"] == ["100"]
        return reply(200, {"documents": [self._progress(key) for key in self._keys_of(tenant_id)]})

    def _one_document(self, method: str, key: str, tenant_id: str) -> Response:
        if key not in self._keys_of(tenant_id):
            return reply(404, {"detail": "There is no such document."})
        if method == "DELETE":
            self.documents[key]["status"] = "ready" if "undeleted" in self.faults else "deleting"
            return reply(202, self.documents[key])
        return reply(200, self.documents.pop(key) | {"status": "deleted"})

    def _receive_form(self, data: bytes) -> Response:
        key = re.search(rb'name="key"\r\n\r\n(.*?)\r\n--', data)
        content = re.search(rb'name="file"; filename="upload"\r\n\r\n(.*)\r\n--', data, re.DOTALL)
        assert key is not None
        assert content is not None
        version = self._store(key.group(1).decode(), content.group(1), "text/markdown")
        return Response(204, {"x-amz-version-id": version}, b"")

    def _store(self, key: str, body: bytes, content_type: str) -> str:
        self._versions += 1
        version = f"v{self._versions}"
        text = _text_of(body, content_type)
        if "stale" in self.faults and key in self.documents:
            text = self.documents[key]["text"]
        self.documents[key] = {
            "document_id": key,
            "key": key,
            "name": key.split("/", 2)[2],
            "version": version,
            "status": "pending",
            "tokens": tokens(text),
            "text": text,
            "pages": 2 if content_type == "application/pdf" else 1,
        }
        return version

    def _progress(self, key: str) -> dict[str, Any]:
        """Returns a document and advances its status by one step."""
        shown = dict(self.documents[key])
        following = {"pending": "processing", "processing": "ready"}.get(shown["status"], shown["status"])
        if following == "ready" and "broken" in self.faults and key.endswith("returns.md"):
            following = "failed"
            self.documents[key]["error"] = {"code": "corrupt", "message": "The file is damaged: save it again."}
        if following == "ready" != shown["status"]:
            tenant_id = key.split("/")[1]
            self._emit(tenant_id, DocumentsIngested=1, EmbeddingTokens=shown["tokens"], EstimatedCostUSD=0.00001)
        self.documents[key]["status"] = following
        return shown

    def _keys_of(self, tenant_id: str) -> list[str]:
        return [key for key in self.documents if key.startswith(f"tenants/{tenant_id}/")]

    def _passages(self, question: str, tenant_id: str) -> list[dict[str, Any]]:
        keys = list(self.documents) if "leak" in self.faults else self._keys_of(tenant_id)
        found = []
        for key in keys:
            document = self.documents[key]
            if document["status"] != "ready":
                continue
            words = _words(question)
            for sentence in re.finditer(r"[^\n]+", document["text"]):
                score = len(words & _words(sentence.group()))
                page = document["text"].count("\f", 0, sentence.start()) + 1
                passage = {
                    "document_id": key,
                    "document_name": document["name"],
                    "page": page,
                    "start": sentence.start(),
                    "end": sentence.end(),
                    "text": sentence.group(),
                    "score": score / len(words),
                }
                found.append(passage)
        return sorted(found, key=lambda passage: -passage["score"])[:3]

    def _answer(self, question: str, tenant_id: str) -> Response:
        passages = self._passages(question, tenant_id)
        best = passages[0] if passages and passages[0]["score"] >= 0.5 else None
        usage = {"embedding_tokens": tokens(question), "input_tokens": 40, "output_tokens": 10, "cost_usd": "0.000400"}
        counted = 41 if "miscount" in self.faults else 40
        self._emit(
            tenant_id,
            Queries=1,
            InputTokens=counted,
            OutputTokens=10,
            EmbeddingTokens=tokens(question),
            EstimatedCostUSD=0.0004,
        )
        citations = []
        if best:
            quote = best["text"].upper() if "misquote" in self.faults else best["text"]
            same = {name: best[name] for name in ("document_id", "document_name", "page", "start", "end", "score")}
            citations = [{**same, "marker": 1, "quote": quote}]
        answer = {
            "answer": f"{best['text']} [1]" if best else "I did not find that in your documents.",
            "grounded": best is not None,
            "citations": citations,
            "model": "fake",
            "usage": usage,
            "latency_ms": {"total": 12},
        }
        return reply(200, answer)

    def _emit(self, tenant_id: str, **values: float) -> None:
        self._cloudwatch.emit(tenant_id, NOW, **values)


def _text_of(body: bytes, content_type: str) -> str:
    if content_type != "application/pdf":
        return unicodedata.normalize("NFC", body.decode())
    from pypdf import PdfReader  # noqa: PLC0415 - only the demonstration's documents need it

    return "\f".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


def _words(text: str) -> set[str]:
    """Returns the search terms of a text: Latin words and pairs of Korean syllables."""
    latin = set(re.findall(r"[a-z]{3,}|[0-9]+", text.lower()))
    korean = {word[n : n + 2] for word in re.findall(r"[가-힣]{2,}", text) for n in range(len(word) - 1)}
    return latin | korean
