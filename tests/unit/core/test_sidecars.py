"""Sidecars: what they may hold, what their events mean, and what becomes of the document they speak of."""

import json
from typing import Any

import pytest

from onggi.domain.document import Document, DocumentVersion
from onggi.domain.errors import BadDocument, NotFound, TransientError
from onggi.domain.metadata import are_same, document_key_of_sidecar, parse_sidecar, sidecar_key
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.embed_chunks import embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.record_interruption import ExecutionStatus, record_interruption
from onggi.steps.ingestion.register_document import Registration, register_document
from onggi.steps.ingestion.update_metadata import Description, update_metadata
from tests.unit.core.fakes import OCR_MODEL, FakeTenant, LineSplitter, PlainReader, try_of
from tests.unit.core.test_steps import MODEL

KEY = "tenants/acme/docs/a.txt"
SIDECAR = KEY + ".metadata.json"
SUMMER, WINTER = ({"season": name} for name in ("summer", "winter"))


def content_of(attributes: object, **more: object) -> bytes:
    return json.dumps({"metadataAttributes": attributes, **more}).encode()


def put(acme: FakeTenant, attributes: object = SUMMER) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(acme.documents.upload(SIDECAR, content_of(attributes)))


def register(acme: FakeTenant, event: ObjectEvent, execution: str = "e1") -> Registration:
    return register_document(event, execution, owner_of(event, acme.directory), acme.ports_of, 100_000)


def uploaded(acme: FakeTenant, content: str = "kimchi\nsalt", **headers: Any) -> DocumentVersion:
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, content.encode(), metadata=headers))
    registration = register(acme, event)
    assert registration.outcome == "process"
    return registration.document


def publish(acme: FakeTenant, document: DocumentVersion) -> bool:
    """Takes a document to where it answers; whether it has to be described then."""
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    chunking = chunk_text(document, acme.ports, LineSplitter(), "artifacts")
    for batch in range(chunking.batches):
        embed_chunks(acme.context, document, try_of(batch), acme.ports, MODEL)
        index_chunks(document, batch, acme.ports)
    facts = PublishedFacts(1, chunking.chunks, 1, "en")
    return publish_document(acme.context, document, facts, acme.ports).describe


def row_of(acme: FakeTenant) -> Document:
    (row,) = acme.ledger.rows.values()
    return row


def indexed(acme: FakeTenant) -> list[dict[str, Any]]:
    return [each.metadata for each in acme.index.vectors.values()]


def test_a_sidecar_lies_beside_its_document() -> None:
    assert sidecar_key(KEY) == SIDECAR
    assert document_key_of_sidecar(SIDECAR) == KEY
    assert document_key_of_sidecar(SIDECAR + ".metadata.json") == SIDECAR
    assert document_key_of_sidecar(KEY) is None
    assert document_key_of_sidecar("a.metadata.json.txt") is None


@pytest.mark.parametrize(("length", "there"), [(1010, True), (1011, False)])
def test_there_is_no_sidecar_beside_the_longest_names(length: int, *, there: bool) -> None:
    assert (sidecar_key("가" * 100 + "a" * (length - 300)) is not None) is there


def test_what_a_sidecar_gives() -> None:
    values = {
        "부서": "법무",
        "year": 2026,
        "ratio": 0.5,
        "draft": False,
        "tags": ["a", "나"],
        "typed text": {"value": {"type": "STRING", "stringValue": ""}, "includeForEmbedding": True},
        "typed number": {"value": {"type": "NUMBER", "numberValue": 1.5}, "includeForEmbedding": False},
        "typed whole number": {"value": {"type": "NUMBER", "numberValue": 2026}},
        "typed truth": {"value": {"type": "BOOLEAN", "booleanValue": True}},
        "typed list": {"value": {"type": "STRING_LIST", "stringListValue": ["x"]}},
    }
    plain = {
        "typed text": "",
        "typed number": 1.5,
        "typed whole number": 2026,
        "typed truth": True,
        "typed list": ["x"],
    }
    assert parse_sidecar(content_of(values, documentStructureConfiguration={}), "a") == values | plain
    assert parse_sidecar(content_of({}), "a") == {}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32-be"])
def test_a_sidecar_in_another_encoding_of_unicode(encoding: str) -> None:
    text = '{"metadataAttributes": {"부서": "법무"}}'
    assert parse_sidecar(text.encode(encoding), "a") == {"부서": "법무"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe\xfd", "is not JSON"),
        (b"[" * 10_000, "is not JSON"),
        (b"9" * 5_000, "is not JSON"),
        (b"1", "metadataAttributes"),
        (b"null", "metadataAttributes"),
        (b"{}", "metadataAttributes"),
        (content_of([]), "metadataAttributes"),
        (b" " * (10_241 - len(content_of({}))) + content_of({}), "larger than 10240 bytes"),
        (content_of({"a": {}}), "at a"),
        (content_of({"a": {"value": "plain"}}), "at a"),
        (content_of({"a": {"value": {"type": ["STRING"], "stringValue": "x"}}}), "at a"),
        (content_of({"a": {"value": {"type": "string", "stringValue": "x"}}}), "at a"),
        (content_of({"a": {"value": {"type": "STRING", "numberValue": 1}}}), "no stringValue"),
        (content_of({"a": {"value": {"type": "STRING", "stringValue": 1}}}), "no stringValue"),
        (content_of({"a": {"value": {"type": "NUMBER", "numberValue": True}}}), "no numberValue"),
        (content_of({"a": {"value": {"type": "NUMBER", "numberValue": "1"}}}), "no numberValue"),
        (content_of({"a": {"value": {"type": "BOOLEAN", "booleanValue": 1}}}), "no booleanValue"),
        (content_of({"a": {"value": {"type": "STRING_LIST", "stringListValue": "x"}}}), "no stringListValue"),
        (content_of({"\ud800": {}}), "at \\ud800"),
    ],
)
def test_a_sidecar_that_cannot_be_used(content: bytes, told: str) -> None:
    with pytest.raises(BadDocument) as caught:
        parse_sidecar(content, "docs/a.txt.metadata.json")
    assert caught.value.code == "invalid_metadata"
    assert caught.value.message.startswith("The sidecar docs/a.txt.metadata.json ")
    assert caught.value.message.endswith(".")
    assert told in caught.value.message
    caught.value.message.encode()


def test_the_largest_sidecar_is_read() -> None:
    """10 KB, as Bedrock's knowledge bases read of theirs."""
    attributes = content_of({})
    assert parse_sidecar(attributes + b" " * (10_240 - len(attributes)), "a") == {}


@pytest.mark.parametrize(("one", "other"), [({"a": 1}, {"a": True}), ({"a": 0}, {"a": False}), ({"a": "1"}, {"a": 1})])
def test_what_filters_tell_apart_is_not_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert not are_same(one, other)
    assert are_same(one | {"b": ["x"]}, {"b": ["x"]} | one)


def test_a_document_is_registered_with_its_sidecar_which_wins_over_its_headers(acme: FakeTenant) -> None:
    put(acme, {"season": "summer", "year": 2026})
    document = uploaded(acme, season="winter", team="cellar")
    assert document.metadata == {"season": "summer", "year": 2026, "team": "cellar"}
    assert row_of(acme).to_json()["metadata"] == document.metadata
    assert not publish(acme, document)
    assert indexed(acme) == [document.metadata] * 2


@pytest.mark.parametrize(
    ("headers", "attributes", "told"),
    [
        ({}, {"version": "9"}, "reserved name version"),
        ({}, {"season": None}, "at season"),
        ({}, {"a": "\ud800"}, "half of a character"),
        ({"a": "x" * 700}, {"b": "x" * 700}, "larger than 1280 bytes"),
        ({str(number): "" for number in range(30)}, {f"{number}b": 1 for number in range(30)}, "more than 40"),
    ],
)
def test_a_document_fails_whose_attributes_cannot_be_used(
    acme: FakeTenant, headers: dict[str, str], attributes: dict[str, Any], told: str
) -> None:
    put(acme, attributes)
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, b"kimchi", metadata={**headers}))
    with pytest.raises(BadDocument) as caught:
        register(acme, event)
    assert caught.value.code == "invalid_metadata"
    assert told in caught.value.message
    assert "docs/a.txt.metadata.json" in caught.value.message
    failure = Failure(caught.value.code, caught.value.message, ours=False)
    record_failure(StoppedExecution(event, "e1", failure), acme.directory, acme.ports_of)
    assert (row_of(acme).status, row_of(acme).error_message) == ("failed", caught.value.message)


def test_a_document_fails_whose_sidecar_is_one_byte_too_long(acme: FakeTenant) -> None:
    content = content_of(SUMMER)
    acme.documents.upload(SIDECAR, content + b" " * (10_241 - len(content)))
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, b"kimchi"))
    with pytest.raises(BadDocument, match="larger than 10240 bytes"):
        register(acme, event)


def test_a_sidecar_that_comes_later_describes_the_document_without_embedding(acme: FakeTenant) -> None:
    document = uploaded(acme, team="cellar")
    publish(acme, document)
    before, embedded = row_of(acme).to_json(), list(acme.embedder.embedded)
    vectors = {key: each.vector for key, each in acme.index.vectors.items()}
    registration = register(acme, put(acme), "e2")
    assert (registration.outcome, registration.document.version) == ("describe", document.version)
    DocumentVersion.from_dict(acme.context, registration.to_dict()["document"])
    assert update_metadata(document.document_id, acme.ports) == Description("described", 2)
    assert indexed(acme) == [{"team": "cellar", **SUMMER}] * 2
    assert row_of(acme).to_json() == before | {"metadata": {"team": "cellar", **SUMMER}}
    assert acme.embedder.embedded == embedded
    assert {key: each.vector for key, each in acme.index.vectors.items()} == vectors


@pytest.mark.parametrize("deleted", [True, False])
def test_a_document_whose_sidecar_goes_has_its_headers_again(acme: FakeTenant, *, deleted: bool) -> None:
    event = put(acme)
    document = uploaded(acme, season="spring")
    publish(acme, document)
    if deleted:
        acme.documents.delete(SIDECAR)
    else:
        acme.documents.remove_version(SIDECAR, event.version or "")
    gone = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    assert register(acme, gone, "e2").outcome == "describe"
    update_metadata(document.document_id, acme.ports)
    assert indexed(acme) == [{"season": "spring"}] * 2
    assert row_of(acme).metadata == {"season": "spring"}


def test_a_document_keeps_its_attributes_while_its_sidecar_cannot_be_used(acme: FakeTenant) -> None:
    put(acme)
    document = uploaded(acme, team="cellar")
    publish(acme, document)
    put(acme, {"season": None})
    assert update_metadata(document.document_id, acme.ports).outcome == "kept"
    row = row_of(acme)
    assert (row.status, row.error_code, row.current_version) == ("ready", "invalid_metadata", document.version)
    assert "docs/a.txt.metadata.json" in (row.error_message or "")
    assert [row.metadata, *indexed(acme)] == [{"team": "cellar", **SUMMER}] * 3
    put(acme, WINTER)
    assert update_metadata(document.document_id, acme.ports).outcome == "described"
    assert "error" not in row_of(acme).to_json()
    assert [row_of(acme).metadata, *indexed(acme)] == [{"team": "cellar", **WINTER}] * 3


def test_the_live_version_while_a_newer_version_fails_is_described_and_the_failure_stays(acme: FakeTenant) -> None:
    document = uploaded(acme, team="cellar")
    publish(acme, document)
    newer = uploaded(acme, "other", team="kitchen")
    acme.ledger.fail(newer, "e1", "corrupt", "Broken.")
    for attributes, outcome in ((SUMMER, "described"), ({"season": None}, "kept")):
        put(acme, attributes)
        assert update_metadata(document.document_id, acme.ports).outcome == outcome
        assert indexed(acme) == [{"team": "cellar", **SUMMER}] * 2
        shown = row_of(acme).to_json()
        assert (shown["status"], shown["error"]) == ("failed", {"code": "corrupt", "message": "Broken."})
        assert shown["metadata"] == {"team": "cellar", **SUMMER}, "what filters find it by"


def test_a_sidecar_of_what_does_not_answer_is_left_to_its_document(acme: FakeTenant) -> None:
    assert register(acme, put(acme)).outcome == "ignored"
    assert acme.ledger.rows == {}
    document = uploaded(acme)
    assert register(acme, put(acme, WINTER), "e2").outcome == "ignored"
    assert publish(acme, document), "it has read the sidecar before that came"
    update_metadata(document.document_id, acme.ports)
    assert indexed(acme) == [WINTER] * 2


def test_a_description_of_what_was_removed_writes_nothing(acme: FakeTenant) -> None:
    document = uploaded(acme)
    publish(acme, document)
    acme.ledger.mark_deleting(document.document_id, document.version)
    assert update_metadata(document.document_id, acme.ports) == Description("gone")
    assert update_metadata("0" * 32, acme.ports) == Description("gone")


def test_a_description_whose_artifacts_are_lost_says_so(acme: FakeTenant) -> None:
    document = uploaded(acme)
    publish(acme, document)
    acme.artifacts.content = {
        name: content for name, content in acme.artifacts.content.items() if "vectors" not in name
    }
    with pytest.raises(NotFound):
        update_metadata(document.document_id, acme.ports)


def test_a_row_that_changes_all_the_time_is_described_later(acme: FakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    document = uploaded(acme)
    publish(acme, document)
    monkeypatch.setattr(acme.ledger, "describe", lambda *_: False)
    with pytest.raises(TransientError):
        update_metadata(document.document_id, acme.ports)


@pytest.mark.parametrize(("code", "ours"), [("internal", True), ("timeout", True), ("invalid_metadata", False)])
def test_a_failure_at_a_sidecar_fails_no_document(acme: FakeTenant, code: Any, *, ours: bool) -> None:
    event = put(acme)
    for _ in range(2):
        recorded = record_failure(
            StoppedExecution(event, "e2", Failure(code, "Broken.", ours=ours)), acme.directory, acme.ports_of
        )
        assert (recorded.outcome, recorded.alarm) == ("undescribed", ours)
        assert acme.meter.total("DocumentsFailed") == 0
        if not acme.ledger.rows:
            publish(acme, uploaded(acme))
    assert row_of(acme).status == "ready"


def test_a_failure_after_publishing_describes_what_was_left_undescribed(acme: FakeTenant) -> None:
    document = uploaded(acme)
    event = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    put(acme)
    assert publish(acme, document)
    failure = Failure("internal", "Fault.", ours=True)
    recorded = record_failure(StoppedExecution(event, "e1", failure, document.version), acme.directory, acme.ports_of)
    assert (recorded.outcome, row_of(acme).status) == ("overtaken", "ready")
    assert [row_of(acme).metadata, *indexed(acme)] == [SUMMER] * 3


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_a_live_version_has_the_same_attributes_everywhere_after_its_second_indexing_was_stopped(
    acme: FakeTenant, status: ExecutionStatus
) -> None:
    publish(acme, uploaded(acme))
    newer = acme.documents.upload(KEY, b"soy sauce")
    register(acme, ObjectEvent.from_eventbridge(newer), "e2")
    put(acme)
    removed = acme.documents.remove_version(KEY, newer["detail"]["object"]["version-id"])
    event = ObjectEvent.from_eventbridge(removed)
    again = register(acme, event, "e3")
    assert again.outcome == "process"
    embed_chunks(acme.context, again.document, try_of(0), acme.ports, MODEL)
    index_chunks(again.document, 0, acme.ports)
    assert [row_of(acme).current_metadata, *indexed(acme)] == [{}, SUMMER, SUMMER], "the index is ahead of the row"
    record_interruption(event, "e3", status, acme.directory, acme.ports_of)
    assert [row_of(acme).current_metadata, *indexed(acme)] == [SUMMER] * 3


def test_a_folder_made_by_a_console_is_no_document(acme: FakeTenant) -> None:
    folder = "tenants/acme/folder/"
    made = acme.documents.upload(folder, b"")
    acme.documents.delete(folder)
    removed = acme.documents.remove_version(folder, made["detail"]["object"]["version-id"])
    for event in (made, acme.documents.events[1], removed):
        assert register(acme, ObjectEvent.from_eventbridge(event)).outcome == "ignored"
    assert acme.ledger.rows == {}


def test_what_is_named_like_a_folder_and_holds_something_is_refused_and_can_be_deleted(acme: FakeTenant) -> None:
    event = ObjectEvent.from_eventbridge(acme.documents.upload("tenants/acme/folder/", b"kimchi"))
    with pytest.raises(BadDocument, match="invalid_key"):
        register(acme, event)
    acme.documents.delete(event.key)
    assert register(acme, ObjectEvent.from_eventbridge(acme.documents.events[-1]), "e2").outcome == "remove"
