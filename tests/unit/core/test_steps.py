"""Steps, one at a time, over fakes; how they interleave is told by the properties of ingestion."""

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.chunk import IndexedChunk, Passage, Scores
from onggi.domain.document import DocumentVersion, document_id_of
from onggi.domain.errors import BadDocument, NotFound, TransientError
from onggi.domain.money import ModelPrice
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.ports.models import AnswerPart, Embedding, GeneratedAnswer
from onggi.steps.documents.deletion import delete_document
from onggi.steps.documents.shown import existing_document
from onggi.steps.documents.uploads import UploadRequest, permit_upload
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.embed_chunks import EmbeddingModel, embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import register_document
from onggi.steps.ingestion.remove_document import remove_document
from onggi.steps.questions.answer import NOTHING_FOUND, Answer, answer
from onggi.steps.questions.retrieve import Retrieval
from tests.unit.core.fakes import (
    DIMENSIONS,
    OCR_MODEL,
    FakeTenant,
    LineSplitter,
    PlainReader,
    try_of,
    version_of,
)

MODEL = EmbeddingModel("titan", DIMENSIONS, ModelPrice(Decimal(1)))


class Saying:
    """A model that says what it is told to."""

    def __init__(self, *parts: AnswerPart) -> None:
        self._said = GeneratedAnswer(parts, 10, 5)

    def answer(self, *_: object) -> GeneratedAnswer:
        return self._said


def answered(passages: list[Passage], *parts: AnswerPart, question: str = "Why?") -> Answer:
    ports = replace(FakeTenant().ports, generator=Saying(*parts))
    return answer(question, Retrieval(tuple(passages), 1), "claude", 99, ports)


DOCUMENT_TEXT = "첫 문장입니다. Second sentence.\fThird page, first line. 끝 문장. Second sentence."
PAGE_BREAK = DOCUMENT_TEXT.index("\f") + 1


def passage_of(start: int, end: int) -> Passage:
    page, breaks = (2, ()) if start >= PAGE_BREAK else (1, (PAGE_BREAK,) if end > PAGE_BREAK else ())
    return Passage("doc", "v1", "a.txt", page, start, end, DOCUMENT_TEXT[start:end], Scores(vector=0.5), breaks)


spans = st.tuples(st.integers(0, len(DOCUMENT_TEXT) - 1), st.integers(1, 40)).map(
    lambda span: (span[0], min(sum(span), len(DOCUMENT_TEXT)))
)


@given(st.lists(spans, min_size=1, max_size=3), st.lists(st.tuples(st.integers(-2, 4), spans | st.none()), max_size=6))
def test_quotes_are_spans_of_the_document_and_markers_stand_in_order(
    places: list[tuple[int, int]], cited: list[tuple[int, tuple[int, int] | None]]
) -> None:
    passages = [passage_of(*place) for place in places]
    parts = [
        AnswerPart("said. ", ((number, DOCUMENT_TEXT[slice(*quote)] if quote else "not in it"),))
        for number, quote in cited
    ]
    found = answered(passages, *parts)
    for citation in found.citations:
        assert DOCUMENT_TEXT[citation.start : citation.end] == citation.quote
        assert citation.page == (2 if citation.start >= PAGE_BREAK else 1)
    markers = [citation.marker for citation in found.citations]
    assert markers == list(range(1, len(markers) + 1))
    assert len({(citation.start, citation.end) for citation in found.citations}) == len(markers)
    assert [marker for marker in markers if f"[{marker}]" not in found.text] == []
    assert found.grounded == any(0 <= number < len(passages) for number, _ in cited)


def test_a_marker_stands_behind_the_words_it_supports() -> None:
    passages = [passage_of(0, len(DOCUMENT_TEXT))]
    found = answered(
        passages,
        AnswerPart("First "),
        AnswerPart("two. ", ((0, "첫 문장입니다."), (0, "Second sentence."))),
        AnswerPart("Again.", ((0, "첫 문장입니다."), (0, "첫 문장입니다."))),
    )
    assert found.text == "First two.[1][2] Again.[1]"


def test_words_that_are_not_the_passages_cite_all_of_it() -> None:
    found = answered([passage_of(3, 20)], AnswerPart("So.", ((0, "SECOND"),)))
    assert [(citation.start, citation.end) for citation in found.citations] == [(3, 20)]


@pytest.mark.parametrize(("question", "language"), [("왜?", "ko"), ("Why 김치?", "ko"), ("Why?", "en"), ("?", "en")])
def test_what_the_documents_do_not_tell_is_said_in_the_questions_language(question: str, language: str) -> None:
    nothing = answered([], question=question)
    guessed = answered([passage_of(0, 5)], AnswerPart("I guess it is 42."), question=question)
    for found in (nothing, guessed):
        assert (found.text, found.grounded) == (NOTHING_FOUND[language], False)
    assert (nothing.input_tokens, guessed.input_tokens) == (0, 10), "a model that was not asked costs nothing"


def test_an_upload_is_permitted_and_pending(acme: FakeTenant) -> None:
    request = UploadRequest("계약/보고서.pdf", "application/pdf", 9, {"year": 2026})  # decomposed, as a Mac types it
    permitted = permit_upload(acme.context, request, 9, acme.ports)
    key = "tenants/acme/계약/보고서.pdf"
    assert permitted["upload"]["fields"]["key"] == key
    assert permitted["expires_at"] == "2026-11-21T09:15:00.000Z"
    row = existing_document(permitted["document_id"], acme.ports)
    assert (row.document_id, row.status, row.metadata) == (document_id_of(acme.context, key), "pending", {"year": 2026})
    assert (acme.ledger.forget_at[row.document_id] - acme.clock()).days == 1


@pytest.mark.parametrize(("name", "size", "code"), [("a.exe", 1, "unsupported_type"), ("a.pdf", 10, "too_large")])
def test_an_upload_that_cannot_be_read_is_not_permitted(acme: FakeTenant, name: str, size: int, code: str) -> None:
    with pytest.raises(BadDocument) as caught:
        permit_upload(acme.context, UploadRequest(name, "application/x", size, {}), 9, acme.ports)
    assert caught.value.code == code
    assert not acme.ledger.rows


@pytest.mark.parametrize("document_id", ["0" * 32, "", "../x", "0" * 5000, "\ud800"])
def test_there_is_no_document_of_another_id(acme: FakeTenant, document_id: str) -> None:
    with pytest.raises(NotFound):
        delete_document(document_id, acme.ports)


def test_deleting_again_tells_the_same(acme: FakeTenant) -> None:
    acme.ledger.claim(version_of(acme.context), "e1")
    acme.ledger.publish(version_of(acme.context), PublishedFacts(1, 1, 1, "en"), acme.clock())
    deleting = delete_document(version_of(acme.context).document_id, acme.ports)
    assert deleting.status == "deleting"
    assert delete_document(deleting.document_id, acme.ports) == deleting
    assert len(acme.documents.events) == 1, "one delete marker is enough"


def created(
    acme: FakeTenant, key: str = "tenants/acme/a.txt", content: bytes = b"kimchi", **upload: object
) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(acme.documents.upload(key, content, **upload))  # type: ignore[arg-type]  # as uploaded


def register(acme: FakeTenant, event: ObjectEvent) -> str:
    return register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100).outcome


@pytest.mark.parametrize("key", ["tenants/nobody/a", "a.txt", "tenants/acme/", "tenants/acme"])
def test_an_upload_of_nobody_is_rejected_and_noted(acme: FakeTenant, key: str) -> None:
    event = created(acme, key)
    with pytest.raises(BadDocument, match="unknown_tenant"):
        register(acme, event)
    failure = Failure("unknown_tenant", "Nobody's.", ours=False)
    recorded = record_failure(StoppedExecution(event, "e1", failure), acme.directory, acme.ports_of)
    assert (recorded.outcome, recorded.alarm) == ("rejected", False)
    assert list(acme.directory.rejections) == [("documents", key, event.version)]


def test_a_tenants_prefix_in_another_bucket_is_nobodys(acme: FakeTenant) -> None:
    with pytest.raises(BadDocument, match="unknown_tenant"):
        register(acme, replace(created(acme), bucket="another"))
    assert not acme.ledger.rows


@pytest.mark.parametrize(
    ("content", "metadata", "key", "code"),
    [
        (b"", {}, "a.txt", "empty"),
        (b"x" * 101, {}, "a.txt", "too_large"),
        (b"x", {"version": "1"}, "a.txt", "invalid_metadata"),
        (b"x", {}, "folder/", "invalid_key"),
    ],
)
def test_an_upload_that_is_refused_whatever_it_holds(
    acme: FakeTenant, content: bytes, metadata: dict[str, str], key: str, code: str
) -> None:
    event = ObjectEvent.from_eventbridge(
        acme.documents.upload(acme.context.prefix + key, content, metadata={**metadata})
    )
    with pytest.raises(BadDocument) as caught:
        register(acme, event)
    assert caught.value.code == code
    cause = json.dumps({"errorMessage": str(caught.value), "errorType": "BadDocument"})
    failure = Failure.from_catch({"Error": "BadDocument", "Cause": cause})
    assert record_failure(StoppedExecution(event, "e1", failure), acme.directory, acme.ports_of).alarm is False
    (row,) = acme.ledger.rows.values()
    assert (row.status, row.error_code, row.error_message) == ("failed", code, caught.value.message)
    assert acme.meter.total("DocumentsFailed") == 1


def test_a_version_that_is_gone_already_is_stale(acme: FakeTenant) -> None:
    event = created(acme)
    acme.documents.remove_version(event.key, event.version or "")
    assert register(acme, event) == "stale"


def test_a_late_deletion_does_not_count_after_the_marker_was_taken_away(acme: FakeTenant) -> None:
    event = created(acme)
    assert register(acme, event) == "process"
    document = version_of(acme.context, event.version or "", event.sequencer, "a.txt")
    publish_document(acme.context, document, PublishedFacts(1, 1, 1, "en"), acme.ports)
    acme.documents.delete(event.key)
    marker = acme.documents.versions[event.key][-1].version
    taken_away = acme.documents.remove_version(event.key, marker)
    assert register(acme, ObjectEvent.from_eventbridge(taken_away)) == "stale"
    assert register(acme, ObjectEvent.from_eventbridge(acme.documents.events[1])) == "stale"
    assert acme.ledger.rows[document.document_id].current_version == event.version


def test_registering_again_after_a_lost_answer_processes_what_was_left(acme: FakeTenant) -> None:
    first, second = created(acme), created(acme)
    removed = ObjectEvent.from_eventbridge(acme.documents.remove_version(first.key, second.version or ""))
    for _ in range(2):
        registration = register_document(removed, "e3", owner_of(removed, acme.directory), acme.ports_of, 100)
        assert (registration.outcome, registration.document.version) == ("process", first.version)


@pytest.mark.parametrize(
    ("error", "code", "message", "ours"),
    [
        ({"Error": "ReadingTimeout", "Cause": "no JSON"}, "timeout", "too long to read", True),
        ({"Error": "States.Timeout"}, "unavailable", "file is not at fault", True),
        ({"Error": "Sandbox.Timedout", "Cause": "{"}, "unavailable", "file is not at fault", True),
        ({"Error": "TransientError", "Cause": "{}"}, "unavailable", "file is not at fault", True),
        ({"Error": "Lambda.TooManyRequestsException"}, "unavailable", "file is not at fault", True),
        ({"Error": "Lambda.ServiceException"}, "unavailable", "file is not at fault", True),
        ({"Error": "Lambda.AWSLambdaException"}, "unavailable", "file is not at fault", True),
        ({"Error": "Lambda.SdkClientException"}, "unavailable", "file is not at fault", True),
        ({"Error": "Lambda.ClientExecutionTimeoutException"}, "unavailable", "file is not at fault", True),
        (
            {"Error": "BadDocument", "Cause": json.dumps({"errorMessage": "encrypted: Take the lock off: now."})},
            "encrypted",
            "Take the lock off: now.",
            False,
        ),
        (
            {"Error": "BadDocument", "Cause": json.dumps({"errorMessage": "timeout: Simplify the file."})},
            "timeout",
            "Simplify the file.",
            False,
        ),
        (
            {"Error": "BadDocument", "Cause": json.dumps({"errorMessage": "surprise: no such code"})},
            "internal",
            "our side",
            True,
        ),
        ({"Error": "BadDocument", "Cause": "cut off {"}, "internal", "our side", True),
        ({"Error": "BadDocument", "Cause": "[]"}, "internal", "our side", True),
        ({"Error": "States.ExceedToleratedFailureThreshold", "Cause": "1 of 1"}, "internal", "our side", True),
        ({"Error": "KeyError", "Cause": json.dumps({"errorMessage": "'secret text'"})}, "internal", "our side", True),
        ({}, "internal", "our side", True),
    ],
)
def test_what_a_catch_hands_over(error: dict[str, str], code: str, message: str, *, ours: bool) -> None:
    failure = Failure.from_catch(error)
    assert (failure.code, failure.ours) == (code, ours)
    assert message in failure.message
    assert "secret" not in failure.message


def test_publishing_is_metered(acme: FakeTenant) -> None:
    document = version_of(acme.context)
    acme.ledger.claim(document, "e1")
    acme.clock.advance(seconds=90)
    publish_document(acme.context, document, PublishedFacts(3, 7, 50, "ko"), acme.ports)
    assert acme.meter.last("IngestLatency") == 90_000
    assert (acme.meter.last("StoredVectors"), acme.meter.last("StoredBytes")) == (7, 100)
    assert (acme.meter.total("PagesExtracted"), acme.meter.total("ChunksIndexed")) == (3, 7)


def under_way(acme: FakeTenant, content: bytes = b"kimchi") -> DocumentVersion:
    """A version whose chunks are cut, and nothing more."""
    event = created(acme, content=content)
    document = register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100).document
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    chunk_text(document, acme.ports, LineSplitter(), "artifacts")
    return document


def delete_meanwhile(acme: FakeTenant, document: DocumentVersion) -> None:
    acme.documents.delete(document.key)
    event = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    removal = register_document(event, "e2", owner_of(event, acme.directory), acme.ports_of, 100)
    remove_document(acme.context, removal.document, removal.versions, acme.ports)


def test_vectors_written_while_the_document_was_removed_are_taken_back(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = under_way(acme)
    embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    put = acme.index.put

    def slowly(chunks: Sequence[IndexedChunk]) -> None:
        delete_meanwhile(acme, document)
        put(chunks)

    monkeypatch.setattr(acme.index, "put", slowly)
    with pytest.raises(NotFound):
        index_chunks(document, 0, acme.ports)
    assert acme.index.vectors == {}


def test_embeddings_written_while_the_document_was_removed_are_taken_back(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = under_way(acme)
    embed = acme.embedder.embed

    def slowly(text: str) -> Embedding:
        delete_meanwhile(acme, document)
        return embed(text)

    monkeypatch.setattr(acme.embedder, "embed", slowly)
    with pytest.raises(NotFound):
        embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    assert acme.artifacts.content == {}


def test_an_overtaken_version_goes_at_once(acme: FakeTenant) -> None:
    document = under_way(acme)
    register(acme, created(acme))
    publication = publish_document(acme.context, document, PublishedFacts(1, 1, 1, "en"), acme.ports)
    assert publication.outcome == "overtaken"
    assert acme.artifacts.content == {}


def test_a_text_that_was_in_the_version_before_is_not_embedded_again(acme: FakeTenant) -> None:
    document = under_way(acme)
    embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    index_chunks(document, 0, acme.ports)
    publish_document(acme.context, document, PublishedFacts(1, 1, 1, "en"), acme.ports)
    newer = under_way(acme)
    assert embed_chunks(acme.context, newer, try_of(0), acme.ports, MODEL).reused == 1
    assert acme.embedder.embedded == ["kimchi"]
    other_model = EmbeddingModel("another", DIMENSIONS, ModelPrice(Decimal(1)))
    assert embed_chunks(acme.context, newer, try_of(0), acme.ports, other_model).reused == 0


def test_tokens_count_even_where_another_text_of_the_batch_fails(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = under_way(acme, b"one two three\nbroken")
    embed = acme.embedder.embed

    def fail_once(text: str) -> Embedding:
        if "broken" in text:
            raise TransientError("The embedding model is throttling.")
        return embed(text)

    monkeypatch.setattr(acme.embedder, "embed", fail_once)
    with pytest.raises(TransientError):
        embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    assert acme.meter.total("EmbeddingTokens") == 3
