"""Every function's handler, called with the real event of its name; what leaves it, and what its log holds."""

import base64
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from onggi import bootstrap, entry
from onggi.domain.errors import (
    BadDocument,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    TenantMismatch,
    TransientError,
)
from onggi.domain.tenant import ApiKey, Placement, TenantContext
from onggi.settings import Settings
from onggi.steps.authorize import API_KEY, _hash
from tests.unit.core.fakes import DIMENSIONS, FakeProvisioner, Jar

ROOT = Path(__file__).parents[3]
NAMES = sorted(folder.parent.name for folder in (ROOT / "functions").glob("*/app.py"))
TEXT = "입사 1년 후 연차는 열다섯 날입니다.\n점심은 열두 시에 먹습니다."
SECRETS = ("연차", "점심", "kimchi", "AAAAAAAAAA")
ENVIRONMENT = {
    "CONTROL_TABLE": "control",
    "TENANT_TABLE": "tenant",
    "DOCUMENTS_BUCKET": "onggi-documentsbucket-1h8example",
    "ARTIFACTS_BUCKET": "onggi-artifactsbucket-1h8example",
    "VECTOR_BUCKET": "onggi-vectorbucket-1h8example",
    "TENANT_DATA_ROLE_ARN": "arn:aws:iam::123456789012:role/tenant-data",
    "EMBEDDING_MODEL_ID": "titan",
    "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
    "GENERATION_MODEL_ID": "claude",
    "MAX_DOCUMENT_BYTES": "1000000",
    "MODEL_PRICES": '{"titan": {"input": "0.02"}, "claude": {"input": "1", "output": "5"}}',
}


class Context:
    aws_request_id = "function-request"


class Functions:
    """The functions of the stack, over one tenant's fakes."""

    def __init__(self, jar: Jar, provisioner: FakeProvisioner) -> None:
        self.jar = jar
        self.provisioner = provisioner

    def event(self, name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
        return loaded

    def call(self, name: str, event: dict[str, Any] | None = None) -> dict[str, Any]:
        answered: dict[str, Any] = load(name).handler(event or self.event(name), Context())
        return json.loads(json.dumps(answered))  # type: ignore[no-any-return]  # as Lambda sends it

    def api(self, name: str, method: str, resource: str, body: object = None, **changes: Any) -> tuple[int, Any]:
        event = self.event(name) | {"httpMethod": method, "resource": resource, "body": json.dumps(body)} | changes
        answered = self.call(name, event)
        return answered["statusCode"], json.loads(answered["body"])

    def ingest(self) -> None:
        """Takes the document of the events from its upload to its answers."""
        key = "tenants/acme/규정/휴가 규정.md"
        event = self.jar.documents.upload(key, TEXT.encode(), "text/markdown", {"department": "인사"})
        state = self.call("register_document", {"event": event, "execution": "e1"})
        state["extraction"] = self.call("extract_text", state)
        state["chunking"] = self.call("chunk_text", state)
        state["batches"] = [self.call("embed_chunks", state | {"batch": 0})]
        self.call("index_chunks", state | {"batch": 0})
        assert self.call("publish_document", state)["outcome"] == "published"


def load(name: str) -> ModuleType:
    folder = ROOT / "functions" / name
    module_name = f"handlers_under_test_{name}"
    if module_name not in sys.modules:
        sys.path.insert(0, str(folder))
        try:
            found = importlib.util.spec_from_file_location(module_name, folder / "app.py")
            assert found is not None
            assert found.loader is not None
            module = importlib.util.module_from_spec(found)
            found.loader.exec_module(module)
        finally:
            sys.path.remove(str(folder))
        sys.modules[module_name] = module
    return sys.modules[module_name]


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Functions:
    placement = Placement(
        ENVIRONMENT["DOCUMENTS_BUCKET"], ENVIRONMENT["ARTIFACTS_BUCKET"], ENVIRONMENT["VECTOR_BUCKET"], "acme"
    )
    jar, provisioner = Jar(TenantContext("acme", "Acme", "basic", placement)), FakeProvisioner()
    monkeypatch.setattr(bootstrap, "settings", lambda: Settings(ENVIRONMENT))
    monkeypatch.setattr(bootstrap, "tenant_ports", jar.ports_of)
    monkeypatch.setattr(bootstrap, "directory", lambda: jar.directory)
    monkeypatch.setattr(bootstrap, "provisioner", lambda: provisioner)
    monkeypatch.setattr(bootstrap, "meter", lambda: jar.meter)
    monkeypatch.setattr(bootstrap, "now", jar.clock)
    return Functions(jar, provisioner)


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the functions log; no test may find content or credentials in it."""
    lines: list[str] = []

    class Lines:
        def write(self, text: str) -> None:
            lines.append(text)

        def flush(self) -> None: ...

    handler = entry.logger.registered_handler
    monkeypatch.setattr(handler, "stream", Lines())
    yield lines
    assert not [secret for secret in SECRETS if secret in "".join(lines)]


def test_a_document_goes_all_the_way(functions: Functions, log: list[str]) -> None:
    functions.ingest()
    status, found = functions.api("query", "POST", "/v1/query", {"question": "연차는 언제 열다섯 날입니다?"})
    assert (status, found["grounded"]) == (200, True)
    assert found["request_id"] == functions.event("query")["requestContext"]["requestId"]
    for citation in found["citations"]:
        assert TEXT[citation["start"] : citation["end"]] == citation["quote"]
    usage = found["usage"]
    tokens = usage["embedding_tokens"] * 0.02 + usage["input_tokens"] * 1 + usage["output_tokens"] * 5
    assert float(usage["cost_usd"]) == pytest.approx(tokens / 1e6)
    assert functions.jar.meter.total("Queries") == 1
    logged = [json.loads(line) for line in log if line.strip()]
    assert {line["message"] for line in logged} == {"done", "read"}
    assert all(isinstance(line["duration_ms"], int) for line in logged if line["message"] == "done")
    assert {line["tenant_id"] for line in logged if "tenant_id" in line} == {"acme"}


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in {"chunk_text", "embed_chunks", "index_chunks", "extract_text"}]
)
def test_each_event_is_one_that_its_function_understands(functions: Functions, name: str) -> None:
    functions.jar.directory.add_key("acme", _key_of(functions.event("authorize")["authorizationToken"]))
    answered = functions.call(name)
    assert answered.get("statusCode", 200) == 200


@pytest.mark.parametrize("name", ["chunk_text", "embed_chunks", "index_chunks", "extract_text"])
def test_a_step_whose_document_is_gone_says_so(functions: Functions, name: str) -> None:
    with pytest.raises(NotFound):
        functions.call(name)


def _key_of(authorization: str) -> ApiKey:
    parts = API_KEY.fullmatch(authorization.removeprefix("Bearer "))
    assert parts is not None
    return ApiKey(parts[2], "00", _hash("00", parts[3]), "2026-11-21T09:00:00.000Z")


@pytest.mark.parametrize(("status", "effect"), [("active", "Allow"), ("suspended", "Deny"), ("provisioning", "Deny")])
def test_a_caller_is_let_in_or_not(functions: Functions, status: Any, effect: str) -> None:
    functions.jar.directory.add_key("acme", _key_of(functions.event("authorize")["authorizationToken"]))
    functions.jar.directory.set_status("acme", status)
    policy = functions.call("authorize")
    (statement,) = policy["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == (
        effect,
        "arn:aws:execute-api:ap-northeast-2:123456789012:a1b2c3d4e5/live/*",
    )
    assert json.loads(policy["context"]["tenant"])["tenant_id"] == "acme"
    assert all(isinstance(value, str) for value in policy["context"].values())


def test_a_wrong_credential_is_told_as_the_gateway_wants_it(functions: Functions) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        functions.call("authorize")


WORKFLOW = [
    name
    for name in NAMES
    if name not in {"authorize", "documents", "query", "tenants", "register_document", "record_failure"}
]


@pytest.mark.parametrize("name", WORKFLOW)
@pytest.mark.parametrize("changed", ["tenant", "key", "document_id"])
def test_a_state_of_mixed_tenants_goes_nowhere(functions: Functions, name: str, changed: str) -> None:
    event = functions.event(name)
    if changed == "tenant":
        event["tenant"]["tenant_id"] = "other"
    elif changed == "key":
        event["document"]["key"] = "tenants/other/a.md"
    else:
        event["document"]["document_id"] = "0" * 32
    with pytest.raises(TenantMismatch):
        functions.call(name, event)


def test_documents_over_http(functions: Functions) -> None:
    upload = {"name": "a.md", "content_type": "text/markdown", "size": 5, "metadata": {"year": 2026}}
    status, permitted = functions.api("documents", "POST", "/v1/documents", upload)
    assert (status, set(permitted)) == (201, {"document_id", "upload", "expires_at"})
    functions.ingest()
    parameters = {"queryStringParameters": {"status": "ready"}}
    status, listed = functions.api("documents", "GET", "/v1/documents", **parameters)
    assert (status, [document["name"] for document in listed["documents"]]) == (200, ["규정/휴가 규정.md"])
    path = {"pathParameters": {"id": listed["documents"][0]["document_id"]}}
    status, shown = functions.api("documents", "GET", "/v1/documents/{id}", **path)
    assert (status, shown) == (200, listed["documents"][0])
    status, deleted = functions.api("documents", "DELETE", "/v1/documents/{id}", **path)
    assert (status, deleted["status"]) == (202, "deleting")
    status, found = functions.api("query", "POST", "/v1/query", {"question": "연차는 언제?"})
    assert (status, found["grounded"], found["citations"]) == (200, False, [])


def test_passages_and_oneself_over_http(functions: Functions) -> None:
    functions.ingest()
    status, found = functions.api(
        "query", "POST", "/v1/retrieve", {"question": "연차", "filter": {"department": {"$eq": "인사"}}}
    )
    assert status == 200
    assert [TEXT[passage["start"] : passage["end"]] for passage in found["passages"]] == [
        passage["text"] for passage in found["passages"]
    ]
    status, me = functions.api("query", "GET", "/v1/me")
    assert (status, me["tenant_id"], me["status"], me["models"]) == (200, "acme", "active", ["claude"])


def test_tenants_over_http(functions: Functions) -> None:
    new = {"tenant_id": "newcomer", "name": "New"}
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new) == (
        202,
        {"tenant_id": "newcomer", "status": "provisioning"},
    )
    status, listed = functions.api("tenants", "GET", "/v1/admin/tenants")
    assert (status, [tenant["tenant_id"] for tenant in listed["tenants"]]) == (200, ["acme", "newcomer"])
    path = {"pathParameters": {"id": "newcomer"}}
    assert functions.api("tenants", "GET", "/v1/admin/tenants/{id}", **path)[1]["status"] == "active"
    status, key = functions.api("tenants", "POST", "/v1/admin/tenants/{id}/keys", **path)
    assert status == 201
    assert API_KEY.fullmatch(key["api_key"])
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new)[0] == 409


def test_a_failure_is_recorded_from_what_the_catch_hands_over(functions: Functions) -> None:
    recorded = functions.call("record_failure")
    assert recorded == {"outcome": "failed", "code": "encrypted", "alarm": False}
    (row,) = functions.jar.ledger.rows.values()
    assert (row.status, row.error_code, row.version) == ("failed", "encrypted", "pN8kQ2vYxR7mZ3sT1uW5eB9cD4fG6hJ0")


def test_a_failure_after_registration_cleans_up_the_version_that_was_registered(functions: Functions) -> None:
    key = "tenants/acme/a.md"
    first = functions.jar.documents.upload(key, b"kimchi")
    second = functions.jar.documents.upload(key, b"kimchi")
    version = second["detail"]["object"]["version-id"]
    removed = functions.jar.documents.remove_version(key, version)
    state = functions.call("register_document", {"event": removed, "execution": "e3"})
    assert state["document"]["version"] == first["detail"]["object"]["version-id"]
    functions.jar.documents.delete(key)
    functions.call("register_document", {"event": functions.jar.documents.events[-1], "execution": "e4"})
    functions.call("extract_text", state)
    failed = {
        "event": removed | {"registration": state},
        "execution": "e3",
        "error": {"Error": "NotFound", "Cause": "{}"},
    }
    assert functions.call("record_failure", failed) == {"outcome": "overtaken", "code": "internal", "alarm": False}
    assert functions.jar.artifacts.content == {}


def raising(error: Exception) -> Callable[[entry.ApiRequest], entry.ApiResponse]:
    def route(_: entry.ApiRequest) -> entry.ApiResponse:
        raise error

    return route


def problem_of(functions: Functions, error: Exception) -> tuple[dict[str, Any], dict[str, Any]]:
    handler = entry.api({("POST", "/v1/query"): raising(error)})
    answered = handler(functions.event("query"), Context())
    return answered, json.loads(answered["body"])


@pytest.mark.parametrize(
    ("error", "status", "kind", "retry_after"),
    [
        (InvalidRequest(("top_k", "must be 1")), 400, "invalid-request", None),
        (BadDocument("corrupt"), 400, "invalid-request", None),
        (Forbidden("No."), 403, "forbidden", None),
        (NotFound("No."), 404, "not-found", None),
        (TenantMismatch("No."), 404, "not-found", None),
        (Conflict("No."), 409, "conflict", None),
        (BadDocument("too_large"), 413, "content-too-large", None),
        (BadDocument("unsupported_type"), 415, "unsupported-media-type", None),
        (QuotaExceeded("No.", 7), 429, "too-many-requests", "7"),
        (TransientError("DynamoDB is down.", 3), 503, "service-unavailable", "3"),
        (RuntimeError("secret internals"), 500, "internal-error", None),
    ],
)
def test_errors_are_problems(
    functions: Functions, error: Exception, status: int, kind: str, retry_after: str | None
) -> None:
    answered, problem = problem_of(functions, error)
    request_id = functions.event("query")["requestContext"]["requestId"]
    assert answered["statusCode"] == problem["status"] == status
    assert problem["type"] == f"urn:onggi:problem:{kind}"
    assert problem["title"].lower().replace(" ", "-") == kind
    assert problem["detail"].endswith((".", "1"))
    assert problem["request_id"] == answered["headers"]["x-request-id"] == request_id
    assert answered["headers"]["content-type"].startswith("application/problem+json")
    assert answered["headers"].get("retry-after") == retry_after
    assert not any(word in answered["body"] for word in ("secret", "Traceback", "DynamoDB", "RuntimeError"))
    assert functions.jar.meter.total("ThrottledRequests") == (1 if retry_after else 0)


def test_invalid_input_is_told_field_by_field(functions: Functions) -> None:
    status, problem = functions.api("query", "POST", "/v1/query", {"question": "", "top_k": 99})
    assert status == 400
    assert {entry["field"] for entry in problem["errors"]} == {"question", "top_k"}


def test_a_fault_is_logged_with_its_cause(functions: Functions, log: list[str]) -> None:
    problem_of(functions, RuntimeError("what went wrong"))
    assert "what went wrong" in "".join(log)
    assert json.loads(log[0])["level"] == "ERROR"


def test_only_the_authoriser_names_the_tenant(functions: Functions) -> None:
    event = functions.event("query")
    del event["requestContext"]["authorizer"]
    event |= {"headers": {"tenant": "acme", "x-tenant-id": "acme"}, "queryStringParameters": {"tenant": "acme"}}
    answered = functions.call("query", event)
    assert answered["statusCode"] == 403
    status, problem = functions.api("query", "POST", "/v1/query", {"question": "?", "tenant_id": "other"})
    assert (status, [entry["field"] for entry in problem["errors"]]) == (400, ["tenant_id"])


def test_there_is_no_such_route(functions: Functions) -> None:
    assert functions.api("query", "DELETE", "/v1/query")[0] == 404
    assert functions.api("query", "POST", "/v1/queries")[0] == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"question": "kimchi"}', 200), (b"\xff\xfe", 400), (b"{", 400), (b"", 400)],
)
def test_bodies_may_come_as_base64(functions: Functions, body: bytes, status: int) -> None:
    event = functions.event("query") | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    assert functions.call("query", event)["statusCode"] == status


def test_a_body_that_is_no_base64_is_the_callers_fault(functions: Functions) -> None:
    event = functions.event("query") | {"body": "kimchi é", "isBase64Encoded": True}
    assert functions.call("query", event)["statusCode"] == 400


def test_a_question_of_a_tenant_who_is_not_in_the_directory_never_reaches_another(functions: Functions) -> None:
    functions.ingest()
    event = functions.event("query")
    tenant = json.loads(event["requestContext"]["authorizer"]["tenant"]) | {"tenant_id": "other"}
    tenant["placement"]["index"] = "other"
    event["requestContext"]["authorizer"]["tenant"] = json.dumps(tenant)
    seen: list[str] = []

    def ports_of(asked: TenantContext) -> Any:
        seen.append(asked.tenant_id)
        return Jar(asked).ports

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bootstrap, "tenant_ports", ports_of)
        answered = functions.call("query", event)
    assert (seen, json.loads(answered["body"])["grounded"]) == (["other"], False)


def test_a_rejected_upload_is_recorded(functions: Functions) -> None:
    functions.jar.directory.records.clear()
    assert functions.call("record_failure")["outcome"] == "rejected"
    assert len(functions.jar.directory.rejections) == 1


def test_the_tokens_of_a_question_count_even_where_no_answer_follows(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.ingest()
    before = functions.jar.meter.total("EmbeddingTokens")

    def fail(*_: object) -> None:
        raise TransientError("The answering model is down.")

    monkeypatch.setattr(functions.jar.generator, "answer", fail)
    assert functions.api("query", "POST", "/v1/query", {"question": "연차 15일"})[0] == 503
    assert functions.jar.meter.total("EmbeddingTokens") > before
    assert functions.jar.meter.total("Queries") == 0


def test_operators_routes_refuse_whoever_has_not_signed(functions: Functions) -> None:
    event = functions.event("tenants")
    del event["requestContext"]["identity"]["userArn"]
    assert functions.call("tenants", event)["statusCode"] == 403


def test_a_dependency_that_is_down_is_named_in_the_log_and_not_to_the_caller(
    functions: Functions, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise TransientError("The embedding model is throttling.")

    monkeypatch.setattr(functions.jar.embedder, "embed", fail)
    status, problem = functions.api("query", "POST", "/v1/retrieve", {"question": "연차"})
    assert status == 503
    assert "embedding model" not in json.dumps(problem)
    assert "The embedding model is throttling." in "".join(log)


def test_a_refused_operators_call_is_logged(functions: Functions, log: list[str]) -> None:
    event = functions.event("tenants")
    del event["requestContext"]["identity"]["userArn"]
    functions.call("tenants", event)
    assert "Forbidden" in "".join(log)
