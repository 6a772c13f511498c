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
from onggi.steps.ingestion.describe_document import Description, describe_document
from onggi.steps.ingestion.embed_chunks import embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, record_failure
from onggi.steps.ingestion.record_interruption import ExecutionStatus, record_interruption
from onggi.steps.ingestion.register_document import Registration, register_document
from tests.unit.core.fakes import OCR_MODEL, Jar, LineSplitter, PlainReader, try_of
from tests.unit.core.test_steps import MODEL

KEY = "tenants/acme/jars/a.txt"
SIDECAR = KEY + ".metadata.json"
SUMMER, WINTER = ({"season": name} for name in ("summer", "winter"))


def content_of(attributes: object, **more: object) -> bytes:
    return json.dumps({"metadataAttributes": attributes, **more}).encode()


def put(jar: Jar, attributes: object = SUMMER) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(jar.documents.upload(SIDECAR, content_of(attributes)))


def register(jar: Jar, event: ObjectEvent, execution: str = "e1") -> Registration:
    return register_document(event, execution, jar.directory, jar.ports_of, 100_000)


def uploaded(jar: Jar, content: str = "kimchi\nsalt", **headers: Any) -> DocumentVersion:
    event = ObjectEvent.from_eventbridge(jar.documents.upload(KEY, content.encode(), metadata=headers))
    registration = register(jar, event)
    assert registration.outcome == "process"
    return registration.document


def publish(jar: Jar, document: DocumentVersion) -> bool:
    """Takes a document to where it answers; whether it has to be described then."""
    extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    chunking = chunk_text(document, jar.ports, LineSplitter(), "artifacts")
    for batch in range(chunking.batches):
        embed_chunks(jar.tenant, document, try_of(batch), jar.ports, MODEL)
        index_chunks(document, batch, jar.ports)
    facts = PublishedFacts(1, chunking.chunks, 1, "en")
    return publish_document(jar.tenant, document, facts, jar.ports).describe


def row_of(jar: Jar) -> Document:
    (row,) = jar.ledger.rows.values()
    return row


def indexed(jar: Jar) -> list[dict[str, Any]]:
    return [each.metadata for each in jar.index.vectors.values()]


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
        parse_sidecar(content, "jars/a.txt.metadata.json")
    assert caught.value.code == "invalid_metadata"
    assert caught.value.message.startswith("The sidecar jars/a.txt.metadata.json ")
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


def test_a_document_is_registered_with_its_sidecar_which_wins_over_its_headers(jar: Jar) -> None:
    put(jar, {"season": "summer", "year": 2026})
    document = uploaded(jar, season="winter", team="cellar")
    assert document.metadata == {"season": "summer", "year": 2026, "team": "cellar"}
    assert row_of(jar).to_json()["metadata"] == document.metadata
    assert not publish(jar, document)
    assert indexed(jar) == [document.metadata] * 2


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
    jar: Jar, headers: dict[str, str], attributes: dict[str, Any], told: str
) -> None:
    put(jar, attributes)
    event = ObjectEvent.from_eventbridge(jar.documents.upload(KEY, b"kimchi", metadata={**headers}))
    with pytest.raises(BadDocument) as caught:
        register(jar, event)
    assert caught.value.code == "invalid_metadata"
    assert told in caught.value.message
    assert "jars/a.txt.metadata.json" in caught.value.message
    failure = Failure(caught.value.code, caught.value.message, ours=False)
    record_failure(event, "e1", failure, jar.directory, jar.ports_of)
    assert (row_of(jar).status, row_of(jar).error_message) == ("failed", caught.value.message)


def test_a_document_fails_whose_sidecar_is_one_byte_too_long(jar: Jar) -> None:
    content = content_of(SUMMER)
    jar.documents.upload(SIDECAR, content + b" " * (10_241 - len(content)))
    event = ObjectEvent.from_eventbridge(jar.documents.upload(KEY, b"kimchi"))
    with pytest.raises(BadDocument, match="larger than 10240 bytes"):
        register(jar, event)


def test_a_sidecar_that_comes_later_describes_the_document_without_embedding(jar: Jar) -> None:
    document = uploaded(jar, team="cellar")
    publish(jar, document)
    before, embedded = row_of(jar).to_json(), list(jar.embedder.embedded)
    vectors = {key: each.vector for key, each in jar.index.vectors.items()}
    registration = register(jar, put(jar), "e2")
    assert (registration.outcome, registration.document.version) == ("describe", document.version)
    DocumentVersion.from_dict(jar.tenant, registration.to_dict()["document"])
    assert describe_document(document.document_id, jar.ports) == Description("described", 2)
    assert indexed(jar) == [{"team": "cellar", **SUMMER}] * 2
    assert row_of(jar).to_json() == before | {"metadata": {"team": "cellar", **SUMMER}}
    assert jar.embedder.embedded == embedded
    assert {key: each.vector for key, each in jar.index.vectors.items()} == vectors


@pytest.mark.parametrize("deleted", [True, False])
def test_a_document_whose_sidecar_goes_has_its_headers_again(jar: Jar, *, deleted: bool) -> None:
    event = put(jar)
    document = uploaded(jar, season="spring")
    publish(jar, document)
    if deleted:
        jar.documents.delete(SIDECAR)
    else:
        jar.documents.remove_version(SIDECAR, event.version or "")
    gone = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    assert register(jar, gone, "e2").outcome == "describe"
    describe_document(document.document_id, jar.ports)
    assert indexed(jar) == [{"season": "spring"}] * 2
    assert row_of(jar).metadata == {"season": "spring"}


def test_a_document_keeps_its_attributes_while_its_sidecar_cannot_be_used(jar: Jar) -> None:
    put(jar)
    document = uploaded(jar, team="cellar")
    publish(jar, document)
    put(jar, {"season": None})
    assert describe_document(document.document_id, jar.ports).outcome == "kept"
    row = row_of(jar)
    assert (row.status, row.error_code, row.current_version) == ("ready", "invalid_metadata", document.version)
    assert "jars/a.txt.metadata.json" in (row.error_message or "")
    assert [row.metadata, *indexed(jar)] == [{"team": "cellar", **SUMMER}] * 3
    put(jar, WINTER)
    assert describe_document(document.document_id, jar.ports).outcome == "described"
    assert "error" not in row_of(jar).to_json()
    assert [row_of(jar).metadata, *indexed(jar)] == [{"team": "cellar", **WINTER}] * 3


def test_what_answers_while_a_newer_version_fails_is_described_and_the_failure_stays(jar: Jar) -> None:
    document = uploaded(jar, team="cellar")
    publish(jar, document)
    newer = uploaded(jar, "other", team="kitchen")
    jar.ledger.fail(newer, "e1", "corrupt", "Broken.")
    for attributes, outcome in ((SUMMER, "described"), ({"season": None}, "kept")):
        put(jar, attributes)
        assert describe_document(document.document_id, jar.ports).outcome == outcome
        assert indexed(jar) == [{"team": "cellar", **SUMMER}] * 2
        shown = row_of(jar).to_json()
        assert (shown["status"], shown["error"]) == ("failed", {"code": "corrupt", "message": "Broken."})
        assert shown["metadata"] == {"team": "cellar", **SUMMER}, "what filters find it by"


def test_a_sidecar_of_what_does_not_answer_is_left_to_its_document(jar: Jar) -> None:
    assert register(jar, put(jar)).outcome == "ignored"
    assert jar.ledger.rows == {}
    document = uploaded(jar)
    assert register(jar, put(jar, WINTER), "e2").outcome == "ignored"
    assert publish(jar, document), "it has read the sidecar before that came"
    describe_document(document.document_id, jar.ports)
    assert indexed(jar) == [WINTER] * 2


def test_a_description_of_what_was_removed_writes_nothing(jar: Jar) -> None:
    document = uploaded(jar)
    publish(jar, document)
    jar.ledger.mark_deleting(document.document_id, document.version)
    assert describe_document(document.document_id, jar.ports) == Description("gone")
    assert describe_document("0" * 32, jar.ports) == Description("gone")


def test_a_description_whose_artifacts_are_lost_says_so(jar: Jar) -> None:
    document = uploaded(jar)
    publish(jar, document)
    jar.artifacts.content = {name: content for name, content in jar.artifacts.content.items() if "vectors" not in name}
    with pytest.raises(NotFound):
        describe_document(document.document_id, jar.ports)


def test_a_row_that_changes_all_the_time_is_described_later(jar: Jar, monkeypatch: pytest.MonkeyPatch) -> None:
    document = uploaded(jar)
    publish(jar, document)
    monkeypatch.setattr(jar.ledger, "describe", lambda *_: False)
    with pytest.raises(TransientError):
        describe_document(document.document_id, jar.ports)


@pytest.mark.parametrize(("code", "ours"), [("internal", True), ("timeout", True), ("invalid_metadata", False)])
def test_a_failure_at_a_sidecar_fails_no_document(jar: Jar, code: Any, *, ours: bool) -> None:
    event = put(jar)
    for _ in range(2):
        recorded = record_failure(event, "e2", Failure(code, "Broken.", ours=ours), jar.directory, jar.ports_of)
        assert (recorded.outcome, recorded.alarm) == ("undescribed", ours)
        assert jar.meter.total("DocumentsFailed") == 0
        if not jar.ledger.rows:
            publish(jar, uploaded(jar))
    assert row_of(jar).status == "ready"


def test_a_failure_after_publishing_describes_what_was_left_undescribed(jar: Jar) -> None:
    document = uploaded(jar)
    event = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    put(jar)
    assert publish(jar, document)
    failure = Failure("internal", "Fault.", ours=True)
    recorded = record_failure(event, "e1", failure, jar.directory, jar.ports_of, document.version)
    assert (recorded.outcome, row_of(jar).status) == ("overtaken", "ready")
    assert [row_of(jar).metadata, *indexed(jar)] == [SUMMER] * 3


@pytest.mark.parametrize("status", ["ABORTED", "TIMED_OUT", "FAILED"])
def test_a_live_version_has_the_same_attributes_everywhere_after_its_second_indexing_was_stopped(
    jar: Jar, status: ExecutionStatus
) -> None:
    publish(jar, uploaded(jar))
    newer = jar.documents.upload(KEY, b"soy sauce")
    register(jar, ObjectEvent.from_eventbridge(newer), "e2")
    put(jar)
    removed = jar.documents.remove_version(KEY, newer["detail"]["object"]["version-id"])
    event = ObjectEvent.from_eventbridge(removed)
    again = register(jar, event, "e3")
    assert again.outcome == "process"
    embed_chunks(jar.tenant, again.document, try_of(0), jar.ports, MODEL)
    index_chunks(again.document, 0, jar.ports)
    assert [row_of(jar).current_metadata, *indexed(jar)] == [{}, SUMMER, SUMMER], "the index is ahead of the row"
    record_interruption(event, "e3", status, jar.directory, jar.ports_of)
    assert [row_of(jar).current_metadata, *indexed(jar)] == [SUMMER] * 3


def test_a_folder_made_by_a_console_is_no_document(jar: Jar) -> None:
    folder = "tenants/acme/folder/"
    made = jar.documents.upload(folder, b"")
    jar.documents.delete(folder)
    removed = jar.documents.remove_version(folder, made["detail"]["object"]["version-id"])
    for event in (made, jar.documents.events[1], removed):
        assert register(jar, ObjectEvent.from_eventbridge(event)).outcome == "ignored"
    assert jar.ledger.rows == {}


def test_what_is_named_like_a_folder_and_holds_something_is_refused_and_can_be_deleted(jar: Jar) -> None:
    event = ObjectEvent.from_eventbridge(jar.documents.upload("tenants/acme/folder/", b"kimchi"))
    with pytest.raises(BadDocument, match="invalid_key"):
        register(jar, event)
    jar.documents.delete(event.key)
    assert register(jar, ObjectEvent.from_eventbridge(jar.documents.events[-1]), "e2").outcome == "remove"
