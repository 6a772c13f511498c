"""Every function's handler, called with the real event of its name; what leaves it, and what its log holds."""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onggi.bootstrap import application
from onggi.domain.access import ROLES, ApiKey
from onggi.domain.document import DocumentVersion
from onggi.domain.errors import (
    BadDocument,
    Conflict,
    Forbidden,
    GrantExpired,
    InvalidRequest,
    ModelRefused,
    ModelTimeout,
    NotFound,
    QuotaExceeded,
    TenantMismatch,
    TransientError,
)
from onggi.domain.tenant import Move, MoveStage, Placement, Receipt, TenantContext, TenantStatus
from onggi.entry.deadlines import seconds_to_answer
from onggi.entry.http import Answer, Api, Route, RouteRole
from onggi.entry.logging import logger
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.ports.bundles import TenantPorts
from onggi.settings import Settings
from onggi.steps.access.authorize import API_KEY, _hash
from tests.application_parts import replace_parts
from tests.handlers import load, routes
from tests.unit.core.fakes import (
    DIMENSIONS,
    FakeDeferredEvents,
    FakeExport,
    FakeGrants,
    FakeIndexes,
    FakeIsolationProbe,
    FakeLifecycle,
    FakeMovingObjects,
    FakeProgress,
    FakePurger,
    FakeStacks,
    FakeTenant,
    FakeWorkflow,
)

ROOT = Path(__file__).parents[3]
NAMES = sorted(folder.parent.name for folder in (ROOT / "functions").glob("*/app.py"))
TEXT = "입사 1년 후 연차는 열다섯 날입니다.\n점심은 열두 시에 먹습니다."
SECRETS = ("연차", "점심", "kimchi", "AAAAAAAAAA")
ENVIRONMENT = {
    "CONTROL_TABLE": "control",
    "AUDIT_BUCKET": "audit",
    "TENANT_TABLE": "tenant",
    "DOCUMENTS_BUCKET": "onggi-documentsbucket-1h8example",
    "ARTIFACTS_BUCKET": "onggi-artifactsbucket-1h8example",
    "VECTOR_BUCKETS": "onggi-vectorbucket-1h8example,",
    "REMOVAL_GRACE_SECONDS": "960",
    "AUTHORIZATION_CACHE_SECONDS": "60",
    "SILO_PREFIX": "onggi-silo-",
    "SILO_ROLE_ARN": "arn:aws:iam::123456789012:role/onggi-silo",
    "RETENTION_DAYS": "30",
    "ONBOARDING_STATE_MACHINE_ARN": "arn:aws:states:ap-northeast-2:123456789012:stateMachine:onggi-onboarding",
    "TENANT_DATA_ROLE_ARN": "arn:aws:iam::123456789012:role/tenant-data",
    "READING_KEY": "arn:aws:kms:ap-northeast-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "EMBEDDING_MODEL_ID": "titan",
    "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
    "GENERATION_MODEL_ID": "claude",
    "LOG_QUESTIONS": "false",
    "MAX_DOCUMENT_BYTES": "1000000",
    "MODELS": '{"titan": {"input": "0.02"}, "claude": {"input": "1", "output": "5"}}',
}


class Context:
    aws_request_id = "function-request"

    def get_remaining_time_in_millis(self) -> int:
        return 170_000


class Functions:
    """The functions of the stack, over one tenant's fakes."""

    def __init__(self, acme: FakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
        self.acme = acme
        self.monkeypatch = monkeypatch
        self.indexes = FakeIndexes()
        self.lifecycle = FakeLifecycle(acme.directory)
        self.onboarding = FakeWorkflow()
        self.resumption = FakeWorkflow()
        self.offboarding = FakeWorkflow()
        self.relocation = FakeWorkflow()
        self.stacks = FakeStacks()
        self.templates: list[str] = []
        self.other_place = FakeTenant(acme.context)
        self.left = FakePurger(uploads=2, stacks=1)
        self.remains = FakePurger(uploads=3, keys=1)
        self.ingestion = FakeWorkflow()
        self.waiting = FakeDeferredEvents()
        self.probe = FakeIsolationProbe()

    def event(self, name: str) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))
        return loaded

    def call(self, name: str, event: dict[str, Any] | None = None) -> dict[str, Any]:
        answered: dict[str, Any] = load(name).handler(event or self.event(name), Context())
        return json.loads(json.dumps(answered))  # type: ignore[no-any-return]  # as Lambda sends it

    def stacks_of(self, template: str) -> FakeStacks:
        self.templates.append(template)
        return self.stacks

    def ports_are_anybodys(self) -> None:
        """Gives every tenant the ports of an empty acme of its own."""
        replace_parts(self.monkeypatch, tenant_ports=lambda tenant, *_: FakeTenant(tenant).ports)

    def api(self, name: str, method: str, resource: str, body: object = None, **changes: Any) -> tuple[int, Any]:
        event = self.event(name) | {"httpMethod": method, "resource": resource, "body": json.dumps(body)} | changes
        answered = self.call(name, event)
        return answered["statusCode"], json.loads(answered["body"])

    def extract(self, state: dict[str, Any]) -> dict[str, Any]:
        """Reads a registered document under a grant."""
        state["grant"] = self.call("grant_reading", state | {"so_far": state})
        return self.call("extract_text", state)

    def granted_ports(self, tenant: TenantContext, document: DocumentVersion, grant: Any, _: float) -> TenantPorts:
        """Those of the tenant, for what `FakeGrants` has issued for the document, or what its event holds."""
        assert grant in (FakeGrants().issue(tenant, document, [document.version]), ["QVFJQ0FIaHhGajA="])
        return application.tenant_ports(tenant)

    def ingest(self) -> None:
        """Takes the document of the events from its upload to its answers."""
        key = "tenants/acme/규정/휴가 규정.md"
        event = self.acme.documents.upload(key, TEXT.encode(), "text/markdown", {"department": "인사"})
        state = self.call("register_document", {"event": event, "execution": "e1"})
        state["extraction"] = self.extract(state)
        state["chunking"] = self.call("chunk_text", state)
        state["batches"] = [self.call("embed_chunks", state | {"batch": 0})]
        self.call("index_chunks", state | {"batch": 0})
        assert self.call("publish_document", state)["outcome"] == "published"


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch) -> Functions:
    placement = Placement(
        ENVIRONMENT["DOCUMENTS_BUCKET"], ENVIRONMENT["ARTIFACTS_BUCKET"], "onggi-vectorbucket-1h8example", "acme"
    )
    acme = FakeTenant(TenantContext("acme", "Acme", "basic", placement))
    functions = Functions(acme, monkeypatch)
    replace_parts(
        monkeypatch,
        settings=Settings(ENVIRONMENT),
        tenant_ports=acme.ports_of,
        granted_ports=functions.granted_ports,
        reading_grants=FakeGrants(),
        directory=acme.directory,
        key_ring=acme.access.ring,
        access_ports=acme.access.ports,
        owned_access_ports=lambda tenant: acme.access.ports(tenant.tenant_id),
        create_index=functions.indexes.create,
        lifecycle=functions.lifecycle,
        onboarding=functions.onboarding,
        resumption=functions.resumption,
        offboarding=functions.offboarding,
        relocation=functions.relocation,
        ingestion=functions.ingestion,
        tenant_export=lambda *_: FakeExport(),
        tenant_purger=lambda _: functions.remains,
        vacated_placement=lambda _: functions.left,
        tenant_stacks=functions.stacks_of,
        moving_objects=lambda _: FakeMovingObjects(acme.context, acme, functions.other_place),
        deferred_events=functions.waiting,
        isolation_probe=lambda _: functions.probe,
        meter=acme.meter,
        now=acme.clock,
    )
    return functions


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the functions log; no test may find content or credentials in it."""
    lines: list[str] = []

    class Lines:
        def write(self, text: str) -> None:
            lines.append(text)

        def flush(self) -> None: ...

    handler = logger.registered_handler
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
    assert functions.acme.meter.total("Queries") == 1
    logged = [json.loads(line) for line in log if line.strip()]
    assert {line["message"] for line in logged} == {"done", "reader barriers", "read"}
    assert all(isinstance(line["duration_ms"], int) for line in logged if line["message"] == "done")
    assert {line["tenant_id"] for line in logged if "tenant_id" in line} == {"acme"}


STAGES: dict[str, MoveStage] = {
    "pause_uploads": "preparing",
    "copy_tenant_data": "copying",
    "switch_placement": "copying",
    "reconcile_uploads": "switched",
    "close_move": "leaving",
}
"""At which stage of a move these work."""


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in {"chunk_text", "embed_chunks", "index_chunks", "extract_text"}]
)
def test_each_event_is_one_that_its_function_understands(functions: Functions, name: str) -> None:
    prepare(functions, name)
    assert functions.call(name).get("statusCode", 200) == 200


def prepare(functions: Functions, name: str) -> None:
    """Make everything as the event of a function expects it."""
    functions.acme.access.ring("acme").add(_key_of(functions.event("authorize")["authorizationToken"]))
    event = functions.event(name)
    if "run" in event:
        statuses: dict[str, TenantStatus] = {"process_deferred_events": "active", "close_tenant": "removing"}
        status = "removing" if name.endswith("_tenant_data") else statuses.get(name, "provisioning")
        functions.acme.directory.set_status("acme", status, run=event["run"])
    if name in STAGES:
        record = functions.acme.directory.records["acme"]
        move = Move("premium", replace(record.context.placement, generation=1), STAGES[name], event["run"])
        functions.acme.directory.records["acme"] = replace(record, status="active", run="another", move=move)
        functions.ports_are_anybodys()
    export = {"bucket": "artifacts", "run": "20261121T040117000", "objects": 1}
    functions.lifecycle.receipts.append(Receipt("gone", "then", "now", {}, {}, export))


@pytest.mark.parametrize("name", ["chunk_text", "embed_chunks", "index_chunks", "extract_text"])
def test_a_step_whose_document_is_gone_says_so(functions: Functions, name: str) -> None:
    with pytest.raises(NotFound):
        functions.call(name)


def test_what_reads_files_has_no_ports_but_those_of_a_grant(functions: Functions) -> None:
    """An execution whose definition is of an earlier version has none; RecordFailure lets it begin again."""
    event = functions.event("extract_text")
    del event["grant"]
    with pytest.raises(GrantExpired):
        functions.call("extract_text", event)


def test_an_execution_counts_its_grants(functions: Functions) -> None:
    event = functions.event("grant_reading")
    first = functions.call("grant_reading", event)
    second = functions.call("grant_reading", event | {"so_far": {"grant": first}})
    assert (first["number"], second["number"]) == (1, 2)


def _key_of(authorization: str) -> ApiKey:
    parts = API_KEY.fullmatch(authorization.removeprefix("Bearer "))
    assert parts is not None
    return ApiKey(parts[2], "00", _hash("00", parts[3]), "2026-11-21T09:00:00.000Z")


@pytest.mark.parametrize(("status", "effect"), [("active", "Allow"), ("suspended", "Deny"), ("provisioning", "Deny")])
def test_a_caller_is_let_in_or_not(functions: Functions, status: Any, effect: str) -> None:
    functions.acme.access.ring("acme").add(_key_of(functions.event("authorize")["authorizationToken"]))
    functions.acme.directory.set_status("acme", status)
    policy = functions.call("authorize")
    (statement,) = policy["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == (
        effect,
        "arn:aws:execute-api:ap-northeast-2:123456789012:a1b2c3d4e5/live/*",
    )
    assert json.loads(policy["context"]["tenant"])["tenant_id"] == "acme"
    assert all(isinstance(value, str) for value in policy["context"].values())


def test_a_wrong_credential_is_told_as_the_gateway_wants_it(functions: Functions, log: list[str]) -> None:
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        functions.call("authorize")
    assert json.loads(log[-1])["reason"] == "The credential is not known."


WORKFLOW = [
    name
    for name in NAMES
    if {"tenant", "document"} <= json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8")).keys()
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


def shown_over_http(functions: Functions) -> dict[str, Any]:
    """The one document of the tenant, which both routes show alike."""
    _, page = functions.api("documents", "GET", "/v1/documents", queryStringParameters={})
    (listed,) = page["documents"]
    path = {"pathParameters": {"id": listed["document_id"]}}
    status, shown = functions.api("documents", "GET", "/v1/documents/{id}", **path)
    assert (status, shown) == (200, listed)
    return listed  # type: ignore[no-any-return]  # JSON


def test_a_document_that_is_processed_shows_how_far_it_is(functions: Functions) -> None:
    functions.ingest()
    assert "progress" not in shown_over_http(functions)
    lines = "".join(f"{number}째 줄입니다. " * 30 + "\n\n" for number in range(150))
    event = functions.acme.documents.upload("tenants/acme/규정/휴가 규정.md", lines.encode(), "text/markdown")
    state = functions.call("register_document", {"event": event, "execution": "e2"})
    seen = [shown_over_http(functions)["progress"]]
    state["extraction"] = functions.extract(state)
    seen.append(shown_over_http(functions)["progress"])
    state["chunking"] = functions.call("chunk_text", state)
    seen.append(shown_over_http(functions)["progress"])
    chunks, batches = state["chunking"]["chunks"], state["chunking"]["batches"]
    assert batches > 1
    assert shown_over_http(functions)["chunks"] == 1, "of the version that answers"
    state["batches"] = []
    for batch in range(batches):
        for _ in range(2):  # Step Functions tries again
            embedded = functions.call("embed_chunks", state | {"batch": batch})
        state["batches"].append(embedded)
        seen.append(shown_over_http(functions)["progress"])
        functions.call("index_chunks", state | {"batch": batch})
    assert seen[:3] == [
        {"pages": None, "chunks": None, "embedded_chunks": 0},
        {"pages": None, "chunks": None, "embedded_chunks": 0},
        {"pages": 1, "chunks": chunks, "embedded_chunks": 0},
    ]
    embedded_chunks = [progress["embedded_chunks"] for progress in seen]
    assert embedded_chunks == sorted(embedded_chunks)
    assert len(set(embedded_chunks)) == batches + 1
    assert embedded_chunks[-1] == chunks
    functions.call("publish_document", state)
    ready = shown_over_http(functions)
    assert (ready["status"], ready["chunks"], "progress" in ready) == ("ready", chunks, False)


@pytest.mark.parametrize(
    "error", [TransientError("throttled"), ClientError({"Error": {"Code": "AccessDeniedException"}}, "UpdateItem")]
)
def test_no_document_fails_because_its_progress_cannot_be_stored(
    functions: Functions, monkeypatch: pytest.MonkeyPatch, log: list[str], error: Exception
) -> None:
    class Unwritable(FakeProgress):
        def begin(self, *_: object) -> None:
            raise error

        def plan(self, *_: object) -> None:
            raise error

        def embed(self, *_: object) -> None:
            raise error

    ports = replace(functions.acme.ports, progress=Unwritable())
    replace_parts(monkeypatch, tenant_ports=lambda *_: ports)
    functions.ingest()
    warnings = [json.loads(line) for line in log if '"WARNING"' in line]
    assert [line["message"] for line in warnings] == ["the progress was not stored"] * 2


def test_a_question_does_not_ask_for_progress(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    functions.ingest()
    ports = replace(functions.acme.ports, progress=None)  # type: ignore[arg-type]  # whoever asks it fails
    replace_parts(monkeypatch, tenant_ports=lambda *_: ports)
    status, found = functions.api("query", "POST", "/v1/query", {"question": "연차는 언제 열다섯 날입니다?"})
    assert (status, found["grounded"]) == (200, True)


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
    assert status == 200
    assert me == {
        "tenant_id": "acme",
        "name": "Acme",
        "tier": "basic",
        "status": "active",
        "limits": {
            "documents": 10_000,
            "stored_bytes": 10 * 2**30,
            "document_bytes": me["limits"]["document_bytes"],
            "max_question_characters": 4000,
            "max_top_k": 50,
            "max_answer_tokens": 4096,
        },
        "models": ["claude"],
    }


def test_tenants_over_http(functions: Functions) -> None:
    new = {"tenant_id": "newcomer", "name": "New"}
    accepted = (202, {"tenant_id": "newcomer", "status": "provisioning"})
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new) == accepted
    status, listed = functions.api("tenants", "GET", "/v1/admin/tenants")
    assert (status, [tenant["tenant_id"] for tenant in listed["tenants"]]) == (200, ["acme", "newcomer"])
    path = {"pathParameters": {"id": "newcomer"}}
    ((_, state),) = functions.onboarding.started.items()
    onboard(functions, dict(state))
    status, shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", **path)
    assert (status, shown["status"]) == (200, "active")
    assert shown["placement"]["vector_bucket"] == "onggi-vectorbucket-1h8example"
    status, key = functions.api("tenants", "POST", "/v1/admin/tenants/{id}/keys", {}, **path)
    assert status == 201
    assert API_KEY.fullmatch(key["api_key"])
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new)[0] == 409


def onboard(functions: Functions, state: dict[str, Any]) -> None:
    functions.ports_are_anybodys()
    for step in ("validate_tenant", "place_tenant", "provision_tenant", "verify_tenant", "activate_tenant"):
        assert functions.call(step, state) == functions.call(step, state), "a step that runs twice does no more"


def test_a_failed_onboarding_tells_why_and_is_resumed_by_the_same_request(functions: Functions) -> None:
    new = {"tenant_id": "newcomer", "name": "New"}
    functions.api("tenants", "POST", "/v1/admin/tenants", new)
    ((name, state),) = functions.onboarding.started.items()
    functions.probe.open = ["read uploads"]
    with pytest.raises(TenantMismatch) as told:
        functions.call("verify_tenant", dict(state))
    error = {"Error": "TenantMismatch", "Cause": json.dumps({"errorMessage": str(told.value)})}
    assert functions.call("record_tenant_failure", {**state, "error": error}) == {"recorded": True}
    shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", pathParameters={"id": "newcomer"})[1]
    assert (shown["status"], shown["reason"]) == ("failed", str(told.value))
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new | {"name": "Else"})[0] == 409
    functions.probe.open = []
    functions.acme.clock.advance(seconds=1)
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new)[0] == 202
    ((_, again),) = [each for each in functions.onboarding.started.items() if each[0] != name]
    assert functions.call("record_tenant_failure", {**state, "error": error}) == {"recorded": False}
    onboard(functions, dict(again))
    assert functions.acme.directory.records["newcomer"].status == "active"


def patch(functions: Functions, **changes: object) -> tuple[int, Any]:
    path = {"pathParameters": {"id": "acme"}}
    return functions.api("tenants", "PATCH", "/v1/admin/tenants/{id}", changes, **path)


def test_a_tenant_is_changed_over_http(functions: Functions) -> None:
    status, shown = patch(functions, name="아크메", settings={"ocr": True})
    assert (status, shown["name"], shown["settings"]) == (200, "아크메", {"chunk_size": 800, "ocr": True})
    status, shown = patch(functions, settings={"chunk_size": 400})
    assert (status, shown["settings"]) == (200, {"chunk_size": 400, "ocr": True})
    assert functions.resumption.started == {}


def test_a_change_whose_tier_is_refused_changes_nothing_else(functions: Functions) -> None:
    assert patch(functions, name="Renamed", status="suspended", tier="premium")[0] == 409
    record = functions.acme.directory.records["acme"]
    assert (record.context.name, record.status, record.move) == ("Acme", "active", None)
    path = {"pathParameters": {"id": "acme"}, "queryStringParameters": None}
    assert functions.api("tenants", "GET", "/v1/admin/tenants/{id}/audit", **path)[1]["entries"] == []


def test_what_was_changed_is_noted_where_the_move_could_not_be_started(functions: Functions) -> None:
    functions.relocation.fault = TransientError("Step Functions is not available at the moment; try again.")
    assert patch(functions, name="Renamed", tier="premium")[0] == 503
    path = {"pathParameters": {"id": "acme"}, "queryStringParameters": None}
    (noted,) = functions.api("tenants", "GET", "/v1/admin/tenants/{id}/audit", **path)[1]["entries"]
    assert (noted["before"]["name"], noted["after"]["name"]) == ("Acme", "Renamed")


def test_uploads_of_a_suspended_tenant_are_processed_once_it_is_active_again(functions: Functions) -> None:
    assert patch(functions, status="suspended")[1]["status"] == "suspended"
    event = functions.acme.documents.upload("tenants/acme/a.md", TEXT.encode(), "text/markdown")
    assert functions.call("register_document", {"event": event, "execution": "e1"}) == {"outcome": "deferred"}
    assert functions.acme.ledger.rows == {}
    assert patch(functions, status="active")[1]["status"] == "active"
    ((_, state),) = functions.resumption.started.items()
    assert functions.call("process_deferred_events", dict(state)) == {"more": False}
    ((name, started),) = functions.ingestion.started.items()
    registered = functions.call("register_document", {"event": started, "execution": name})
    assert (registered["outcome"], registered["document"]["key"]) == ("process", "tenants/acme/a.md")


def test_a_release_that_failed_is_told_and_asked_for_again(functions: Functions) -> None:
    patch(functions, status="active")
    ((_, state),) = functions.resumption.started.items()
    error = {"Error": "TransientError", "Cause": "{}"}
    assert functions.call("record_tenant_failure", {**state, "error": error}) == {"recorded": True}
    record = functions.acme.directory.records["acme"]
    assert record.status == "active"
    assert record.reason is not None
    functions.acme.clock.advance(seconds=1)
    status, shown = patch(functions, status="active")
    assert (status, "reason" in shown, len(functions.resumption.started)) == (200, False, 2)
    with pytest.raises(Conflict):
        functions.call("process_deferred_events", dict(state))


@pytest.mark.parametrize("status", ["provisioning", "failed", "removing"])
def test_a_tenant_that_comes_or_goes_is_not_changed(functions: Functions, status: Any) -> None:
    functions.acme.directory.set_status("acme", status)
    for changes in ({"name": "B"}, {"status": "active"}, {"status": "suspended"}):
        assert patch(functions, **changes)[0] == 409
    assert functions.acme.directory.records["acme"].status == status


def test_a_tenant_is_removed_over_http_and_leaves_a_receipt(functions: Functions) -> None:
    path = {"pathParameters": {"id": "acme"}}
    for _ in range(2):
        wanted = {"queryStringParameters": {"export": "true"}}
        answered = functions.api("tenants", "DELETE", "/v1/admin/tenants/{id}", **path, **wanted)
        assert answered == (202, {"tenant_id": "acme", "status": "removing"})
    ((_, state),) = functions.offboarding.started.items()
    assert state["grace"] == 960
    state = dict(state)
    state["before"] = functions.call("count_tenant_data", state)
    assert (state["before"]["counts"], state["before"]["busy"]) == ({"uploads": 3, "keys": 1}, False)
    state["export"] = functions.call("export_tenant_data", state)
    assert (state["export"]["more"], state["export"]["objects"]) == (False, 4)
    closing = state | {"before": state["before"]["counts"]}
    assert functions.call("close_tenant", closing) == {"closed": False}
    assert [functions.call("remove_tenant_data", state)["more"] for _ in range(3)] == [True, True, False]
    assert functions.call("close_tenant", closing) == {"closed": True}
    status, shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", **path)
    assert (status, shown["status"]) == (200, "removed")
    assert shown["receipt"]["before"] == {"uploads": 3, "keys": 1}
    assert shown["receipt"]["after"] == {"uploads": 0, "keys": 0}
    assert shown["receipt"]["export"]["objects"] == 4
    status, exported = functions.api("exports", "GET", "/v1/admin/tenants/{id}/export", **path)
    assert (status, exported["objects"][0]["name"], exported["next_cursor"]) == (200, "uploads/a.md", "uploads/a.md")
    assert functions.api("tenants", "DELETE", "/v1/admin/tenants/{id}", **path)[0] == 404
    new = {"tenant_id": "acme", "name": "Again"}
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new)[0] == 202
    assert functions.api("tenants", "GET", "/v1/admin/tenants/{id}", **path)[1]["status"] == "provisioning"


def test_a_failure_is_recorded_from_what_the_catch_hands_over(functions: Functions) -> None:
    recorded = functions.call("record_failure")
    assert recorded == {"outcome": "failed", "code": "encrypted", "alarm": False}
    (row,) = functions.acme.ledger.rows.values()
    assert (row.status, row.error_code, row.version) == ("failed", "encrypted", "pN8kQ2vYxR7mZ3sT1uW5eB9cD4fG6hJ0")


def test_a_failure_after_registration_cleans_up_the_version_that_was_registered(functions: Functions) -> None:
    key = "tenants/acme/a.md"
    first = functions.acme.documents.upload(key, b"kimchi")
    second = functions.acme.documents.upload(key, b"kimchi")
    version = second["detail"]["object"]["version-id"]
    removed = functions.acme.documents.remove_version(key, version)
    state = functions.call("register_document", {"event": removed, "execution": "e3"})
    assert state["document"]["version"] == first["detail"]["object"]["version-id"]
    functions.acme.documents.delete(key)
    functions.extract(state)
    functions.call("register_document", {"event": functions.acme.documents.events[-1], "execution": "e4"})
    failed = {
        "event": removed | {"registration": state},
        "execution": "e3",
        "error": {"Error": "NotFound", "Cause": "{}"},
    }
    assert functions.call("record_failure", failed) == {"outcome": "overtaken", "code": "internal", "alarm": False}
    assert functions.acme.artifacts.content == {}


def serving(method: str, path: str, role: RouteRole, answer: Answer) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler of one route."""
    api = Api()
    api.route(method, path, role)(answer)
    return api.handler


def raising(error: Exception) -> Answer:
    def route(_: ApiRequest) -> ApiResponse:
        raise error

    return route


def problem_of(functions: Functions, error: Exception) -> tuple[dict[str, Any], dict[str, Any]]:
    handler = serving("POST", "/v1/query", "reader", raising(error))
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
        (BadDocument("too_large"), 413, "too-large", None),
        (BadDocument("unsupported_type"), 415, "unsupported-type", None),
        (QuotaExceeded("No.", 7), 429, "quota-exceeded", "7"),
        (QuotaExceeded("No."), 429, "quota-exceeded", None),
        (TransientError("DynamoDB is down.", 3), 503, "unavailable", "3"),
        (ModelRefused("Enable claude."), 503, "model-refused", "60"),
        (RuntimeError("secret internals"), 500, "internal", None),
    ],
)
def test_errors_are_problems(
    functions: Functions, error: Exception, status: int, kind: str, retry_after: str | None
) -> None:
    answered, problem = problem_of(functions, error)
    request_id = functions.event("query")["requestContext"]["requestId"]
    assert answered["statusCode"] == problem["status"] == status
    assert problem["type"] == f"urn:onggi:problem:{kind}"
    assert problem["code"] == kind.replace("-", "_")
    assert problem["detail"].endswith((".", "1"))
    assert problem["request_id"] == answered["headers"]["x-request-id"] == request_id
    assert answered["headers"]["content-type"].startswith("application/problem+json")
    assert answered["headers"].get("retry-after") == retry_after
    assert not any(word in answered["body"] for word in ("secret", "Traceback", "DynamoDB", "RuntimeError"))
    throttled = retry_after is not None and not isinstance(error, ModelRefused)
    assert functions.acme.meter.total("ThrottledRequests") == throttled


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
    answered = functions.call("query", functions.event("query") | {"httpMethod": "DELETE", "resource": "/v1/query"})
    assert (answered["statusCode"], answered["headers"]["allow"]) == (405, "POST")
    assert json.loads(answered["body"])["code"] == "method_not_allowed"
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

    def ports_of(asked: TenantContext, *_: object) -> Any:
        seen.append(asked.tenant_id)
        return FakeTenant(asked).ports

    with pytest.MonkeyPatch.context() as patched:
        replace_parts(patched, tenant_ports=ports_of)
        answered = functions.call("query", event)
    assert (seen, json.loads(answered["body"])["grounded"]) == (["other"], False)


def test_a_rejected_upload_is_recorded(functions: Functions) -> None:
    functions.acme.directory.records.clear()
    assert functions.call("record_failure")["outcome"] == "rejected"
    assert len(functions.acme.directory.rejections) == 1


def test_the_tokens_of_a_question_count_even_where_no_answer_follows(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.ingest()
    before = functions.acme.meter.total("EmbeddingTokens")

    def fail(*_: object) -> None:
        raise TransientError("The answering model is down.")

    monkeypatch.setattr(functions.acme.generator, "answer", fail)
    assert functions.api("query", "POST", "/v1/query", {"question": "연차 15일"})[0] == 503
    assert functions.acme.meter.total("EmbeddingTokens") > before
    assert functions.acme.meter.total("Queries") == 0


def test_the_tokens_of_a_question_count_even_where_nothing_is_found(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.ingest()
    before = functions.acme.meter.total("EmbeddingTokens")

    def fail(*_: object) -> None:
        raise TransientError("The index is down.")

    monkeypatch.setattr(functions.acme.index, "search", fail)
    assert functions.api("query", "POST", "/v1/retrieve", {"question": "연차 15일"})[0] == 503
    assert functions.acme.meter.total("EmbeddingTokens") > before


def test_an_answer_that_takes_too_long_is_metered_and_explained(
    functions: Functions, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.ingest()

    def slow(*_: object) -> None:
        raise ModelTimeout("The model did not finish in time; ask for a shorter answer.", 2000, 400)

    monkeypatch.setattr(functions.acme.generator, "answer", slow)
    event = functions.event("query") | {"body": json.dumps({"question": "연차 15일"})}
    answered = functions.call("query", event)
    problem = json.loads(answered["body"])
    assert (answered["statusCode"], problem["type"]) == (504, "urn:onggi:problem:model-timeout")
    assert "shorter answer" in problem["detail"]
    assert "retry-after" not in answered["headers"], "the same question would take as long, and cost again"
    meter = functions.acme.meter
    assert (meter.total("UnfinishedModelCalls"), meter.total("UnfinishedTokens")) == (1, 2400)
    assert (meter.total("Queries"), meter.total("ThrottledRequests")) == (0, 0)
    assert meter.last("EstimatedCostUSD") == pytest.approx(0.004), "a dollar and five for a million tokens"
    assert "The model did not finish in time" in "".join(log)


def test_a_model_that_refuses_us_is_named_in_the_log_and_not_to_the_caller(
    functions: Functions, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ModelRefused("The model claude may not be used: enable access to it.")

    monkeypatch.setattr(functions.acme.embedder, "embed", refuse)
    status, problem = functions.api("query", "POST", "/v1/retrieve", {"question": "연차"})
    assert (status, problem["code"]) == (503, "model_refused")
    assert "claude" not in json.dumps(problem)
    assert "The model claude may not be used" in "".join(log)


def test_models_have_the_time_until_the_gateway_gives_up_and_three_seconds_less(functions: Functions) -> None:
    """The function of the tests has 170 s, of which API Gateway waits for 29."""
    for route in ("/v1/query", "/v1/retrieve"):
        functions.api("query", "POST", route, {"question": "연차"})
        assert functions.acme.seconds_left is not None
        assert 24.0 < functions.acme.seconds_left() <= 26.0


def test_a_function_that_ends_before_the_gateway_gives_up_has_less_time() -> None:
    now = 100.0

    class Shorter:
        def get_remaining_time_in_millis(self) -> int:
            return round(10_000 - (now - 100) * 1000)

    short, long = (seconds_to_answer(context, lambda: now) for context in (Shorter(), Context()))
    assert (short(), long()) == (7.0, 26.0)
    now = 104.5
    assert (short(), long()) == (2.5, 21.5)


OTHER_MODEL = {"EMBEDDING_MODEL_ID": "newer", "EMBEDDING_DIMENSIONS": "1024"}
PRICES = {"titan": {"input": "0.02"}, "newer": {"input": "0.5"}, "claude": {"input": "1", "output": "5"}}


def after_a_change_of_the_model(monkeypatch: pytest.MonkeyPatch, *forgotten: str) -> None:
    """The stack has another embedding model since; the table of models may not have every earlier one any more."""
    models = json.dumps({model: price for model, price in PRICES.items() if model not in forgotten})
    replace_parts(monkeypatch, settings=Settings(ENVIRONMENT | OTHER_MODEL | {"MODELS": models}))


def test_an_index_keeps_the_model_that_it_was_made_with(functions: Functions, monkeypatch: pytest.MonkeyPatch) -> None:
    after_a_change_of_the_model(monkeypatch)
    records = functions.acme.directory.records
    context = records["acme"].context
    context = replace(context, placement=context.placement.recorded("titan", DIMENSIONS))
    records["acme"] = replace(records["acme"], context=context)
    functions.ingest()
    (vectors,) = [name for name in functions.acme.artifacts.content if "/vectors/" in name]
    written = json.loads(functions.acme.artifacts.content[vectors])
    assert (written["model"], written["dimensions"]) == ("titan", DIMENSIONS)
    before = functions.acme.meter.total("EstimatedCostUSD")
    event = functions.event("query") | {"resource": "/v1/retrieve", "body": json.dumps({"question": "연차 15일"})}
    event["requestContext"]["authorizer"]["tenant"] = json.dumps(context.to_dict())
    tokens = json.loads(functions.call("query", event)["body"])["usage"]["embedding_tokens"]
    assert functions.acme.meter.total("EstimatedCostUSD") - before == pytest.approx(tokens * 0.02 / 1_000_000)


def test_the_model_of_a_place_is_the_recorded_one_else_the_stacks(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    unrecorded = functions.acme.context.placement
    recorded = unrecorded.recorded("titan", DIMENSIONS)
    assert application.embedding_model(recorded) == application.embedding_model(unrecorded)
    after_a_change_of_the_model(monkeypatch)
    old, new = application.embedding_model(recorded), application.embedding_model(unrecorded)
    assert (old.model_id, old.dimensions, old.price.input) == ("titan", DIMENSIONS, Decimal("0.02"))
    assert (new.model_id, new.dimensions, new.price.input) == ("newer", 1024, Decimal("0.5"))
    after_a_change_of_the_model(monkeypatch, "titan")
    assert application.embedding_model(recorded).price.input == Decimal("0.5"), "of a model that nobody knows any more"


def test_a_tenant_of_a_version_that_recorded_no_model_gets_it_recorded_by_any_change(functions: Functions) -> None:
    path = {"pathParameters": {"id": "acme"}, "queryStringParameters": None}
    shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", None, **path)[1]
    assert shown["placement"]["embedding_model"] is None
    changed = functions.api("tenants", "PATCH", "/v1/admin/tenants/{id}", {"name": "Acme"}, **path)[1]
    recorded = changed["placement"]["embedding_model"], changed["placement"]["embedding_dimensions"]
    assert recorded == ("titan", DIMENSIONS)
    known = functions.acme.context.placement
    assert functions.acme.directory.records["acme"].context.placement == known.recorded("titan", DIMENSIONS)


def test_a_tenant_is_not_let_in_where_a_model_may_not_be_used(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions.acme.directory.set_status("acme", "provisioning", functions.event("verify_tenant")["run"])

    def refuse(*_: object, **__: object) -> None:
        raise ModelRefused("The model claude may not be used: enable access to it.")

    functions.call("verify_tenant")
    assert functions.acme.generator.questions, "the answering model is asked, too"
    monkeypatch.setattr(functions.acme.generator, "answer", refuse)
    with pytest.raises(ModelRefused):
        functions.call("verify_tenant")
    cause = json.dumps({"errorMessage": "The model claude may not be used: enable access to it."})
    failure = functions.event("record_tenant_failure") | {"error": {"Error": "ModelRefused", "Cause": cause}}
    functions.call("record_tenant_failure", failure)
    record = functions.acme.directory.records["acme"]
    assert (record.status, record.reason) == ("failed", "The model claude may not be used: enable access to it.")


def test_operators_routes_refuse_whoever_has_not_signed(functions: Functions) -> None:
    event = functions.event("tenants")
    del event["requestContext"]["identity"]["userArn"]
    assert functions.call("tenants", event)["statusCode"] == 403


def test_a_dependency_that_is_down_is_named_in_the_log_and_not_to_the_caller(
    functions: Functions, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> None:
        raise TransientError("The embedding model is throttling.")

    monkeypatch.setattr(functions.acme.embedder, "embed", fail)
    status, problem = functions.api("query", "POST", "/v1/retrieve", {"question": "연차"})
    assert status == 503
    assert "embedding model" not in json.dumps(problem)
    assert "The embedding model is throttling." in "".join(log)


@pytest.mark.parametrize("route", ["/v1/query", "/v1/retrieve"])
@pytest.mark.parametrize(("switch", "told"), [("true", ["등대는 어디에?"]), ("false", [])])
def test_questions_are_logged_where_the_stack_says_so_and_nowhere_else(
    functions: Functions, log: list[str], monkeypatch: pytest.MonkeyPatch, route: str, switch: str, told: list[str]
) -> None:
    replace_parts(monkeypatch, settings=Settings(ENVIRONMENT | {"LOG_QUESTIONS": switch}))
    assert functions.api("query", "POST", route, {"question": "등대는 어디에?"})[0] == 200
    (line,) = [line for line in map(json.loads, log) if line.get("route") == f"POST {route}"]
    assert line["message"] == "done"
    assert [line[name] for name in line if name == "question"] == told
    assert "".join(log).count("등대는 어디에?") == len(told)


def test_a_refused_operators_call_is_logged(functions: Functions, log: list[str]) -> None:
    event = functions.event("tenants")
    del event["requestContext"]["identity"]["userArn"]
    functions.call("tenants", event)
    assert "Forbidden" in "".join(log)


def as_role(functions: Functions, name: str, role: str | None) -> dict[str, Any]:
    event = functions.event(name)
    event["requestContext"]["authorizer"].pop("role", None)
    event["requestContext"]["authorizer"] |= {"role": role} if role else {}
    return event


@pytest.mark.parametrize("role", ["reader", "writer", "owner", None])
@pytest.mark.parametrize(
    "route", [route for route in routes() if route.role in ROLES], ids=lambda route: f"{route.method} {route.path}"
)
def test_a_role_may_do_what_the_table_says(functions: Functions, route: Route, role: str | None) -> None:
    reached: list[str] = []

    def answer(request: ApiRequest) -> ApiResponse:
        reached.append(request.author.name)
        return ApiResponse(200, {})

    event = as_role(functions, "query", role) | {"httpMethod": route.method, "resource": route.path}
    answered = serving(route.method, route.path, route.role, answer)(event, Context())
    order = ["reader", "writer", "owner"]
    allowed = order.index(role or "reader") >= order.index(route.role)
    assert (answered["statusCode"], reached) == ((200, ["acme/0afa6e43e589"]) if allowed else (403, []))


def test_a_role_that_is_too_weak_is_told_which_is_needed(functions: Functions) -> None:
    answered = functions.call("keys", as_role(functions, "keys", "writer"))
    detail = json.loads(answered["body"])["detail"]
    assert answered["statusCode"] == 403
    assert "role owner" in detail
    assert "writer" in detail


def test_an_operators_route_is_closed_to_tenants(functions: Functions) -> None:
    event = as_role(functions, "query", "owner") | {"resource": "/v1/admin/secrets"}
    event["requestContext"].pop("identity", None)
    handler = serving("POST", "/v1/admin/secrets", "operator", raising(AssertionError("reached")))
    assert handler(event, Context())["statusCode"] == 403


def test_owners_manage_the_keys_of_their_own_tenant(functions: Functions) -> None:
    wanted = {"role": "reader", "name": "Kiosk", "expires_at": "2026-12-01T00:00:00Z"}
    status, issued = functions.api("keys", "POST", "/v1/keys", wanted)
    assert status == 201
    assert API_KEY.fullmatch(issued["api_key"])
    shown = {name: value for name, value in issued.items() if name not in {"api_key", "tenant_id"}}
    assert shown == {
        "key_id": shown["key_id"],
        "role": "reader",
        "name": "Kiosk",
        "created_at": "2026-11-21T09:00:00.000Z",
        "expires_at": "2026-12-01T00:00:00.000Z",
    }
    assert functions.api("keys", "GET", "/v1/keys") == (200, {"keys": [shown]})
    path = {"pathParameters": {"key_id": shown["key_id"]}}
    status, revoked = functions.api("keys", "DELETE", "/v1/keys/{key_id}", **path)
    assert (status, revoked) == (200, shown | {"revoked_at": "2026-11-21T09:00:00.000Z"})
    status, trail = functions.api(
        "tenants", "GET", "/v1/admin/tenants/{id}/audit", pathParameters={"id": "acme"}, queryStringParameters=None
    )
    assert [(each["action"], each["author"]) for each in trail["entries"]] == [
        ("key.revoked", "acme/0afa6e43e589"),
        ("key.issued", "acme/0afa6e43e589"),
    ]
    assert issued["api_key"][-43:] not in json.dumps(trail)


def test_operators_manage_keys_and_read_what_was_changed(functions: Functions) -> None:
    functions.api("tenants", "POST", "/v1/admin/tenants", {"tenant_id": "newcomer", "name": "New"})
    functions.acme.clock.advance(minutes=1)
    tenant = {"pathParameters": {"id": "newcomer"}, "queryStringParameters": None}
    event = functions.event("tenants") | tenant
    event |= {"httpMethod": "POST", "resource": "/v1/admin/tenants/{id}/keys", "body": None}
    issued = json.loads(functions.call("tenants", event)["body"])
    assert issued["role"] == "writer"
    status, listed = functions.api("tenants", "GET", "/v1/admin/tenants/{id}/keys", **tenant)
    assert (status, [key["key_id"] for key in listed["keys"]]) == (200, [issued["key_id"]])
    path = tenant | {"pathParameters": {"id": "newcomer", "key_id": issued["key_id"]}}
    functions.acme.clock.advance(minutes=1)
    assert functions.api("tenants", "DELETE", "/v1/admin/tenants/{id}/keys/{key_id}", **path)[0] == 200
    other = tenant | {"pathParameters": {"id": "acme", "key_id": issued["key_id"]}}
    assert functions.api("tenants", "DELETE", "/v1/admin/tenants/{id}/keys/{key_id}", **other)[0] == 404
    status, trail = functions.api("tenants", "GET", "/v1/admin/tenants/{id}/audit", **tenant)
    assert [each["action"] for each in trail["entries"]] == ["key.revoked", "key.issued", "tenant.created"]
    assert {each["author"] for each in trail["entries"]} == {"arn:aws:iam::123456789012:role/operator"}
    assert trail["entries"][-1]["after"]["name"] == "New"


@pytest.mark.parametrize("tenant_id", ["nobody", "../acme", "x" * 5000])
def test_nobody_has_no_keys_and_no_history(functions: Functions, tenant_id: str) -> None:
    path = {"pathParameters": {"id": tenant_id, "key_id": "0123456789ab"}, "queryStringParameters": None}
    for method, what in (("GET", "keys"), ("POST", "keys"), ("DELETE", "keys/{key_id}"), ("GET", "audit")):
        assert functions.api("tenants", method, "/v1/admin/tenants/{id}/" + what, {}, **path)[0] == 404


def test_a_tenant_that_is_gone_has_left_its_history(functions: Functions) -> None:
    functions.api("keys", "POST", "/v1/keys", {})
    functions.acme.directory.records.clear()
    path = {"pathParameters": {"id": "acme"}, "queryStringParameters": None}
    status, trail = functions.api("tenants", "GET", "/v1/admin/tenants/{id}/audit", **path)
    assert (status, len(trail["entries"])) == (200, 1)


def test_a_use_that_cannot_be_noted_does_not_refuse_a_call(
    functions: Functions, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no rights")

    ring = functions.acme.access.ring("acme")
    ring.add(_key_of(functions.event("authorize")["authorizationToken"]))
    monkeypatch.setattr(ring, "note_use", fail)
    policy = functions.call("authorize")
    assert policy["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert (policy["principalId"], policy["context"]["role"]) == ("acme/0afa6e43e589", "writer")
    assert "the last use of a key was not noted" in "".join(log)


def test_each_change_of_a_tenant_stands_in_its_trail(functions: Functions) -> None:
    path = {"pathParameters": {"id": "acme"}, "queryStringParameters": None}
    changes: list[dict[str, Any]] = [{"name": "Acme & Co"}, {"status": "suspended"}, {"status": "active"}]
    for change in changes:
        functions.acme.clock.advance(minutes=1)
        assert functions.api("tenants", "PATCH", "/v1/admin/tenants/{id}", change, **path)[0] == 200
    functions.acme.clock.advance(minutes=1)
    assert functions.api("tenants", "DELETE", "/v1/admin/tenants/{id}", **path)[0] == 202
    _, trail = functions.api("tenants", "GET", "/v1/admin/tenants/{id}/audit", **path)
    newest_first = ["tenant.removed", "tenant.resumed", "tenant.suspended", "tenant.changed"]
    assert [each["action"] for each in trail["entries"]] == newest_first
    renamed = trail["entries"][-1]
    assert (renamed["before"]["name"], renamed["after"]["name"]) == ("Acme", "Acme & Co")
    assert trail["entries"][0]["after"]["status"] == "removing"


def test_a_tenant_that_goes_gets_no_key(functions: Functions) -> None:
    functions.acme.directory.set_status("acme", "removing")
    path = {"pathParameters": {"id": "acme"}, "queryStringParameters": None}
    assert functions.api("tenants", "POST", "/v1/admin/tenants/{id}/keys", {}, **path)[0] == 409


def test_limits_from_the_operators_choice_to_the_refused_upload(functions: Functions) -> None:
    path = {"pathParameters": {"id": "acme"}, "queryStringParameters": None}
    tiers = asdict(functions.acme.context.limits(1_000_000))
    shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", **path)[1]
    assert (shown["limits"], shown["chosen_limits"]) == (tiers, {})
    assert tiers["document_bytes"] == 1_000_000, "what the installation takes"
    status, changed = functions.api(
        "tenants", "PATCH", "/v1/admin/tenants/{id}", {"limits": {"documents": 1, "document_bytes": 500}}, **path
    )
    assert (status, changed["limits"]) == (200, tiers | {"documents": 1, "document_bytes": 500})
    functions.acme.clock.advance(minutes=1)
    status, changed = functions.api(
        "tenants", "PATCH", "/v1/admin/tenants/{id}", {"limits": {"document_bytes": None}}, **path
    )
    assert (status, changed["limits"], changed["chosen_limits"]) == (200, tiers | {"documents": 1}, {"documents": 1})
    (back, there) = functions.api("tenants", "GET", "/v1/admin/tenants/{id}/audit", **path)[1]["entries"]
    assert (there["action"], there["before"]["limits"], there["after"]["limits"]["documents"]) == (
        "tenant.changed",
        tiers,
        1,
    )
    assert (back["before"]["chosen_limits"], back["after"]) == ({"documents": 1, "document_bytes": 500}, changed)
    functions.acme.context = functions.acme.directory.records["acme"].context
    claims = {"tenant": json.dumps(functions.acme.context.to_dict()), "status": "active", "role": "writer"}
    as_caller = {"requestContext": {"requestId": "r", "authorizer": claims}}
    me = functions.api("query", "GET", "/v1/me", **as_caller)[1]
    assert {name: me["limits"][name] for name in tiers} == changed["limits"]
    functions.ingest()
    upload = {"name": "b.md", "content_type": "text/markdown", "size": 5}
    status, problem = functions.api("documents", "POST", "/v1/documents", upload, **as_caller)
    assert (status, "limit of 1 documents" in problem["detail"]) == (429, True)
    large = upload | {"size": 1_000_001}
    assert functions.api("documents", "POST", "/v1/documents", large, **as_caller)[0] == 413


def test_a_tenant_comes_in_with_its_limits(functions: Functions) -> None:
    new = {"tenant_id": "newcomer", "name": "New", "limits": {"stored_bytes": 7}}
    assert functions.api("tenants", "POST", "/v1/admin/tenants", new)[0] == 202
    path = {"pathParameters": {"id": "newcomer"}}
    shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", **path)[1]
    assert (shown["limits"]["stored_bytes"], shown["chosen_limits"]) == (7, {"stored_bytes": 7})


def test_a_tenant_moves_over_http(functions: Functions) -> None:
    functions.ingest()
    status, shown = patch(functions, tier="premium")
    assert (status, shown["tier"], shown["move"]) == (200, "basic", {"tier": "premium", "stage": "preparing"})
    ((_, started),) = functions.relocation.started.items()
    state = dict(started)
    old = functions.acme.directory.records["acme"].context
    own = {asdict(old.placement)["documents_bucket"]: functions.acme}
    replace_parts(
        functions.monkeypatch,
        tenant_ports=lambda tenant: own.get(tenant.placement.documents_bucket, functions.other_place).ports,
    )
    assert functions.call("place_tenant", state)["vector_bucket"].startswith("onggi-silo-")
    assert [functions.call("provision_tenant", state) for _ in range(2)] == [{"ready": False}, {"ready": True}]
    assert functions.templates[0] == (ROOT / "functions/provision_tenant/tenant_stack.yaml").read_text("utf-8")
    functions.call("verify_tenant", state)
    functions.call("pause_uploads", state)
    event = functions.acme.documents.upload("tenants/acme/late.md", TEXT.encode())
    assert functions.call("register_document", {"event": event, "execution": "e2"}) == {"outcome": "deferred"}
    assert functions.call("count_tenant_data", state)["busy"] is False
    progress = state["copy"]
    while progress["more"]:
        progress = functions.call("copy_tenant_data", state | {"copy": progress})
    assert functions.other_place.index.vectors == functions.acme.index.vectors
    assert functions.call("switch_placement", state) == functions.call("switch_placement", state) == {}
    record = functions.acme.directory.records["acme"]
    assert (record.context.tier, record.at_other_placement.placement) == ("premium", old.placement)
    with pytest.raises(Conflict):
        functions.call("close_move", state)
    answered = functions.call("reconcile_uploads", state | {"after": None})
    assert answered == {"more": False, "after": None}
    assert "tenants/acme/late.md" in functions.other_place.documents.versions
    while functions.call("process_deferred_events", state)["more"]:
        pass
    assert (functions.ingestion.started, functions.waiting.noted) == ({}, {}), "it was reconciled instead"
    assert functions.call("close_move", state) == {"closed": False}
    while functions.call("remove_tenant_data", state)["more"]:
        pass
    assert functions.remains.there["uploads"] == 3, "what is in use stays"
    assert functions.call("close_move", state) == {"closed": True}
    shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", pathParameters={"id": "acme"})[1]
    assert shown["tier"] == "premium"
    assert "move" not in shown
    with pytest.raises(Conflict):
        functions.call("remove_tenant_data", state)


def test_a_move_that_stops_is_told_and_resumed_or_given_up(functions: Functions) -> None:
    patch(functions, tier="premium")
    ((_, first),) = functions.relocation.started.items()
    error = {"Error": "Conflict", "Cause": json.dumps({"errorMessage": "The stack ended as ROLLBACK_COMPLETE."})}
    assert functions.call("record_tenant_failure", {**first, "error": error}) == {"recorded": True}
    shown = functions.api("tenants", "GET", "/v1/admin/tenants/{id}", pathParameters={"id": "acme"})[1]
    assert shown["move"]["reason"] == "The stack ended as ROLLBACK_COMPLETE."
    assert (shown["status"], "reason" in shown) == ("active", False)
    functions.acme.clock.advance(seconds=1)
    assert patch(functions, tier="premium")[1]["move"] == {"tier": "premium", "stage": "preparing"}
    with pytest.raises(Conflict):
        functions.call("pause_uploads", dict(first))
    functions.acme.clock.advance(seconds=1)
    assert patch(functions, tier="basic")[1]["move"] == {"tier": "basic", "stage": "abandoned"}
    assert len(functions.relocation.started) == 3
    patch(functions, status="suspended")
    assert patch(functions, tier="premium")[0] == 409


def test_what_waits_is_not_released_while_a_tenant_is_being_copied(functions: Functions) -> None:
    """A tenant that was suspended meanwhile and is active again starts the release too early."""
    patch(functions, tier="premium")
    ((_, state),) = functions.relocation.started.items()
    functions.call("pause_uploads", dict(state))
    event = functions.acme.documents.upload("tenants/acme/a.md", TEXT.encode())
    assert functions.call("register_document", {"event": event, "execution": "e1"}) == {"outcome": "deferred"}
    patch(functions, status="suspended")
    patch(functions, status="active")
    ((_, resumed),) = functions.resumption.started.items()
    assert functions.call("process_deferred_events", dict(resumed)) == {"more": False}
    assert (len(functions.waiting.noted), functions.ingestion.started) == (1, {})
