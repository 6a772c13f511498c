"""What another version of Onggi wrote: unknown fields change nothing, and records of earlier versions are read."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from onggi.adapters.aws import AwsSession
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.dynamodb import to_item
from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.domain.errors import InvalidRequest
from onggi.domain.tenant import ChosenSettings, Move, TenantContext, TenantSettings
from onggi.steps.ingestion.artifacts import VersionArtifacts
from tests.unit.core.conftest import CONTROL_TABLE, TENANT_TABLE
from tests.unit.core.fakes import FakeTenant, FixedClock, tenant_named, version_of
from tests.unit.core.test_handlers import NAMES, ROOT, TEXT, Functions, functions, log, prepare

__all__ = ["functions", "log"]  # fixtures

type Json = dict[str, Any]

CHOSEN_BY_PEOPLE = {"metadata", "event"}
"""Objects whose fields are data: uploaders name the fields of one, S3 those of the other."""


def of_the_future(value: Any) -> Any:
    """A value as a later version may write it: one field more in every object, those in JSON texts too."""
    if isinstance(value, list):
        return [of_the_future(each) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {name: each if name in CHOSEN_BY_PEOPLE else of_the_future(each) for name, each in value.items()}
    return changed | {"added_later": {"by": "a later version"}}


def in_json(text: str) -> str:
    return json.dumps(of_the_future(json.loads(text)), ensure_ascii=False)


def test_a_workflow_goes_on_when_a_later_version_wrote_its_state(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = functions.call
    monkeypatch.setattr(functions, "call", lambda name, event: call(name, of_the_future(event)))
    functions.ingest()


def test_a_workflow_goes_on_when_a_later_version_wrote_its_artifacts(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = functions.acme.artifacts.write

    def write_later(name: str, content: bytes) -> None:
        write(name, in_json(content.decode()).encode() if name.endswith(".json") else content)

    monkeypatch.setattr(functions.acme.artifacts, "write", write_later)
    functions.ingest()
    (row,) = functions.acme.ledger.rows.values()
    artifacts = VersionArtifacts(functions.acme.artifacts, row.document_id, row.version)
    assert artifacts.read_text().text == TEXT.strip()
    assert artifacts.read_properties() == artifacts.read_text().properties


def of_a_tenant(name: str) -> bool:
    """Whether a function is a step of a workflow that brings in, moves or removes a tenant."""
    return "run" in json.loads((ROOT / "events" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [name for name in NAMES if of_a_tenant(name)])
def test_a_tenant_is_moved_and_removed_when_a_later_version_wrote_the_state(functions: Functions, name: str) -> None:
    event = functions.event(name)
    prepare(functions, name)
    expected = functions.call(name, event)
    prepare(functions, name)
    assert functions.call(name, of_the_future(event)) == expected


DOCUMENT_STATE = ("tenant", "document")
TENANT_STATE = ("tenant_id", "run")
LANDED_CALLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "register_document": (("event", "execution"), ("outcome", "tenant", "document")),
    "chunk_text": (DOCUMENT_STATE, ("manifest_bucket", "manifest_key")),
    "embed_chunks": ((*DOCUMENT_STATE, "batch"), ()),
    "index_chunks": ((*DOCUMENT_STATE, "batch"), ()),
    "publish_document": ((*DOCUMENT_STATE, "extraction", "chunking", "batches"), ("describe",)),
    "validate_tenant": (TENANT_STATE, ()),
    "place_tenant": (TENANT_STATE, ()),
    "provision_tenant": (TENANT_STATE, ("ready",)),
    "verify_tenant": (TENANT_STATE, ()),
    "activate_tenant": (TENANT_STATE, ()),
    "process_deferred_events": (TENANT_STATE, ("more",)),
    "pause_uploads": (TENANT_STATE, ()),
    "count_tenant_data": (TENANT_STATE, ("busy", "counts")),
    "copy_tenant_data": ((*TENANT_STATE, "copy"), ("more",)),
    "switch_placement": (TENANT_STATE, ()),
    "reconcile_uploads": ((*TENANT_STATE, "after"), ("more", "after")),
    "remove_tenant_data": (TENANT_STATE, ("more",)),
    "close_move": (TENANT_STATE, ("closed",)),
    "export_tenant_data": ((*TENANT_STATE, "export"), ("more",)),
    "close_tenant": ((*TENANT_STATE, "before", "export"), ("closed",)),
    "record_tenant_failure": ((*TENANT_STATE, "error"), ("recorded",)),
}
"""What the workflows of version 0.1.0 send to each function, and what they read of its result."""


def call_as_landed(call: Callable[[str, Json], Json], name: str, event: Json) -> Json:
    sent, read = LANDED_CALLS[name]
    result = call(name, {field: event[field] for field in sent})
    assert result.keys() >= set(read)
    return result


def test_an_ingestion_that_began_before_the_upgrade_goes_on(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = functions.call

    def send(name: str, event: Json) -> Json:
        return call_as_landed(call, name, event) if name in LANDED_CALLS else call(name, event)

    monkeypatch.setattr(functions, "call", send)
    functions.ingest()


@pytest.mark.parametrize("name", [name for name in LANDED_CALLS if of_a_tenant(name)])
def test_a_workflow_of_a_tenant_that_began_before_the_upgrade_goes_on(functions: Functions, name: str) -> None:
    prepare(functions, name)
    call_as_landed(functions.call, name, functions.event(name))


def test_the_api_answers_when_a_later_version_checked_the_credential(functions: Functions) -> None:
    functions.ingest()
    event = functions.event("query")
    claims = event["requestContext"]["authorizer"]
    event["requestContext"]["authorizer"] = claims | {"tenant": in_json(claims["tenant"]), "added_later": "1"}
    body = json.dumps({"question": "연차는 언제 열다섯 날입니다?"})
    answered = functions.call("query", event | {"body": body})
    assert (answered["statusCode"], json.loads(answered["body"])["grounded"]) == (200, True)


def test_a_tenant_is_read_as_a_later_version_wrote_it(aws: AwsSession, unused_tenant_id: str) -> None:
    directory, client = DynamoTenantDirectory(aws, CONTROL_TABLE, FixedClock()), aws.client("dynamodb")
    context = tenant_named(unused_tenant_id)
    move = Move("premium", replace(context.placement, generation=1), "copying", "run")
    later = {
        "pk": "TENANTS",
        "sk": unused_tenant_id,
        "context": in_json(json.dumps(context.to_dict())),
        "status": "active",
        "created_at": "2026-11-21T09:00:00.000Z",
        "move": in_json(json.dumps(asdict(move))),
        "added_later": "1",
    }
    client.put_item(TableName=CONTROL_TABLE, Item=to_item(later))
    record = directory.find(unused_tenant_id)
    assert record is not None
    assert (record.context, record.move) == (context, move)


def test_a_document_is_read_as_a_later_version_wrote_it(aws: AwsSession, unused_tenant_id: str) -> None:
    tenant = tenant_named(unused_tenant_id)
    ledger, client = DynamoDocumentLedger(aws, TENANT_TABLE, tenant), aws.client("dynamodb")
    document = version_of(tenant)
    ledger.claim(document, "e1")
    known = ledger.get(document.document_id)
    client.update_item(
        TableName=TENANT_TABLE,
        Key={"pk": {"S": tenant.tenant_id}, "sk": {"S": "DOCUMENT#" + document.document_id}},
        UpdateExpression="SET added_later = :value, properties = :properties",
        ExpressionAttributeValues={":value": {"S": "1"}, ":properties": {"S": '{"added_later": 1}'}},
    )
    assert ledger.get(document.document_id) == known


EARLIER_CONTEXT: Json = {
    "tenant_id": "acme",
    "name": "Acme",
    "tier": "basic",
    "placement": {
        "documents_bucket": "documents",
        "artifacts_bucket": "artifacts",
        "vector_bucket": "vectors",
        "index": "acme",
        "stack": "",
        "generation": 0,
    },
    "settings": {"chunk_size": 400, "ocr": False},
    "chosen_limits": {"documents": 5},
}
"""A tenant context as the version before wrote it, all its settings spelled out."""


def test_a_context_of_the_version_before_keeps_what_was_chosen() -> None:
    context = TenantContext.from_dict(EARLIER_CONTEXT)
    assert context.chosen_settings == ChosenSettings(chunk_size=400)
    assert context.settings == TenantSettings(chunk_size=400, ocr=False)
    assert context.chosen_limits.to_dict() == {"documents": 5}


def test_a_placement_of_the_version_before_says_nothing_of_its_embedding_model() -> None:
    """It means what the stack says, as it did then; and what is recorded is read by the version before."""
    placement = TenantContext.from_dict(EARLIER_CONTEXT).placement
    assert (placement.embedding_model, placement.embedding_dimensions) == ("", 0)
    recorded = placement.recorded("titan", 512)
    assert recorded == replace(placement, embedding_model="titan", embedding_dimensions=512)
    assert recorded.recorded("newer", 1024) == recorded
    written = replace(tenant_named(), placement=recorded).to_dict()["placement"]
    assert {name: written[name] for name in EARLIER_CONTEXT["placement"]} == EARLIER_CONTEXT["placement"] | {
        "documents_bucket": "documents",
    }


def test_a_default_of_the_version_before_is_not_a_choice() -> None:
    context = TenantContext.from_dict(EARLIER_CONTEXT | {"settings": {"chunk_size": 800, "ocr": False}})
    assert context.chosen_settings == ChosenSettings()


@pytest.mark.parametrize("damaged", [{"settings": []}, {"settings": None}, {"placement": "documents"}])
def test_a_context_of_another_form_is_refused(damaged: Json) -> None:
    with pytest.raises(InvalidRequest, match="is not a tenant context"):
        TenantContext.from_dict(EARLIER_CONTEXT | damaged)


def test_what_was_chosen_counts_and_not_what_holds() -> None:
    context = EARLIER_CONTEXT | {"chosen_settings": {"ocr": True}}
    assert TenantContext.from_dict(context).chosen_settings == ChosenSettings(ocr=True)


def test_a_context_is_one_that_the_version_before_can_read() -> None:
    """It takes `settings` to be all of them, and knows no field more."""
    written = replace(tenant_named(), chosen_settings=ChosenSettings(ocr=True)).to_dict()
    assert written["settings"] == {"chunk_size": 800, "ocr": True}
    assert written["chosen_settings"] == {"ocr": True}
    assert TenantContext.from_dict(written).chosen_settings == ChosenSettings(ocr=True)


EARLIER_TEXT: Json = {
    "page_starts": [0],
    "language": "ko",
    "properties": {"title": "규정", "author": None, "created": None, "modified": None},
    "headings": [{"start": 0, "end": 2, "level": 1}],
    "tables": [],
    "needs_ocr": [],
}
EARLIER_CHUNK: Json = {
    "number": 0,
    "start": 0,
    "end": 2,
    "page": 1,
    "text": "규정",
    "page_breaks": [],
    "context": "",
    "reuse": None,
}


def test_artifacts_of_the_version_before_are_read(acme: FakeTenant) -> None:
    acme.artifacts.write("d/v/text.txt", "규정".encode())
    acme.artifacts.write("d/v/text.json", json.dumps(EARLIER_TEXT).encode())
    batch = {"language": "ko", "reuse_version": None, "chunks": [EARLIER_CHUNK]}
    acme.artifacts.write("d/v/chunks/00000.json", json.dumps(batch).encode())
    artifacts = VersionArtifacts(acme.artifacts, "d", "v")
    assert (artifacts.read_text().headings[0].level, artifacts.read_properties().title) == (1, "규정")
    assert artifacts.read_chunks(0).chunks[0].chunk.text == "규정"


def test_a_document_of_a_state_of_the_version_before_is_read(functions: Functions) -> None:
    """The events hold states as they were written when they were recorded."""
    state = functions.event("index_chunks")
    assert "chosen_settings" not in state["tenant"]
    assert TenantContext.for_document(state["tenant"], state["document"]["key"]).settings == TenantSettings()
