"""What steps leave behind, whole: receipts, rows, vectors, numbers that are metered."""

from dataclasses import replace
from typing import Any

import pytest

from onggi.domain.chunk import Passage, Scores
from onggi.domain.document import DocumentVersion
from onggi.domain.upload import ObjectEvent
from onggi.ports import AnswerPart, GeneratedAnswer, PublishedFacts, StoredObject, WaitingEvent
from onggi.steps.answer import answer
from onggi.steps.artifacts import VersionArtifacts
from onggi.steps.carry_over_uploads import carry_over_uploads
from onggi.steps.chunk_text import chunk_text
from onggi.steps.describe_document import Description, describe_document
from onggi.steps.documents import delete_document
from onggi.steps.embed_chunks import embed_chunks
from onggi.steps.extract_text import extract_text
from onggi.steps.index_chunks import index_chunks
from onggi.steps.onboarding import activate_tenant
from onggi.steps.publish_document import publish_document
from onggi.steps.record_failure import Failure, record_failure
from onggi.steps.register_document import register_document
from onggi.steps.release_uploads import release_uploads
from onggi.steps.remove_document import remove_document
from onggi.steps.retire import Retired, retire_version
from onggi.steps.retrieve import Retrieval
from tests.unit.core.fakes import (
    OCR_MODEL,
    FakeLifecycle,
    FakeWaitingEvents,
    FakeWorkflow,
    Jar,
    LineSplitter,
    PlainReader,
    version_of,
)
from tests.unit.core.test_steps import MODEL

KEY = "tenants/acme/a.txt"


def registered(jar: Jar, content: bytes = b"kimchi\nsalt") -> DocumentVersion:
    event = ObjectEvent.from_eventbridge(jar.documents.upload(KEY, content))
    return register_document(event, "e1", jar.directory, jar.ports_of, 100).document


def cut(jar: Jar, document: DocumentVersion) -> None:
    extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    chunk_text(document, jar.ports, LineSplitter(), "manifests")


def published(jar: Jar, content: bytes = b"kimchi\nsalt") -> DocumentVersion:
    document = registered(jar, content)
    cut(jar, document)
    embed_chunks(jar.tenant, document, 0, jar.ports, MODEL)
    index_chunks(document, 0, jar.ports)
    publish_document(jar.tenant, document, PublishedFacts(1, 2, 2, "en"), jar.ports)
    return document


def test_a_deletion_leaves_a_receipt_and_nothing_else(jar: Jar) -> None:
    document = published(jar)
    jar.documents.delete(KEY)
    event = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    removal = register_document(event, "e2", jar.directory, jar.ports_of, 100)
    receipt = remove_document(jar.tenant, removal.document, removal.versions, jar.ports)
    assert receipt == {"versions": 1, "vectors": 2, "artifacts": 4, "deleted_at": "2026-11-21T09:00:00.000Z"}
    row = jar.ledger.rows[document.document_id]
    assert (row.status, row.receipt) == ("deleted", receipt)
    assert (jar.index.vectors, jar.artifacts.content, jar.artifacts.manifests) == ({}, {}, {})
    assert (jar.meter.last("StoredVectors"), jar.meter.last("StoredBytes")) == (0, 0)
    events = len(jar.documents.events)
    assert delete_document(document.document_id, jar.ports) == row
    assert len(jar.documents.events) == events, "what is deleted is not deleted again"


def test_a_version_is_retired_once_and_what_another_has_retired_meanwhile_is_no_fault(
    jar: Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = registered(jar)
    cut(jar, document)
    assert retire_version(document.document_id, document.version, jar.ports) == Retired(0, 0), "it is needed"
    jar.ledger.rows.clear()
    monkeypatch.setattr(VersionArtifacts, "batch_numbers", lambda _: [7, 0])
    assert retire_version(document.document_id, document.version, jar.ports) == Retired(2, 3)
    monkeypatch.setattr(VersionArtifacts, "batch_numbers", lambda _: [])
    assert retire_version(document.document_id, document.version, jar.ports) == Retired(0, 0)


def test_a_description_that_a_removal_has_overtaken_takes_its_vectors_back(
    jar: Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = published(jar)
    put = jar.index.put

    def slowly(chunks: Any) -> None:
        jar.ledger.rows.clear()
        jar.index.vectors.clear()
        put(chunks)

    monkeypatch.setattr(jar.index, "put", slowly)
    monkeypatch.setattr(jar.ledger, "describe", lambda *_: True)
    assert describe_document(document.document_id, jar.ports) == Description("described", 2)
    assert jar.index.vectors == {}


def test_a_version_that_answers_is_cut_again_without_reuse_of_itself(jar: Jar) -> None:
    document = published(jar)
    cut(jar, document)
    batch = VersionArtifacts(jar.artifacts, document.document_id, document.version).read_chunks(0)
    assert batch.reuse_version is None
    assert [planned.reuse for planned in batch.chunks] == [None, None]


def test_a_newer_version_is_cut_with_the_place_of_each_embedding_that_there_is(jar: Jar) -> None:
    before = published(jar)
    document = registered(jar, b"pepper\nsalt")
    cut(jar, document)
    batch = VersionArtifacts(jar.artifacts, document.document_id, document.version).read_chunks(0)
    assert batch.reuse_version == before.version
    assert [planned.reuse for planned in batch.chunks] == [None, (0, 1)]


def test_what_fails_before_anybody_has_looked_at_it_has_the_type_of_what_is_unknown(jar: Jar) -> None:
    event = ObjectEvent.from_eventbridge(jar.documents.upload(KEY, b"x", "text/csv"))
    record_failure(event, "e1", Failure("internal", "Fault.", ours=True), jar.directory, jar.ports_of)
    (row,) = jar.ledger.rows.values()
    assert (row.content_type, row.size, row.name) == ("application/octet-stream", 1, "a.txt")


def test_what_fails_after_its_registration_keeps_what_is_known_of_it(jar: Jar) -> None:
    event = ObjectEvent.from_eventbridge(jar.documents.upload(KEY, b"xy", "text/csv"))
    register_document(event, "e1", jar.directory, jar.ports_of, 100)
    record_failure(event, "e1", Failure("internal", "Fault.", ours=True), jar.directory, jar.ports_of)
    (row,) = jar.ledger.rows.values()
    assert (row.content_type, row.size, row.status, row.version) == ("text/csv", 2, "failed", event.version)


@pytest.mark.parametrize(("advance", "latency"), [({"seconds": 90}, 90_000), ({"hours": -1}, 0)])
def test_the_latency_of_an_ingestion_is_never_less_than_nothing(
    jar: Jar, advance: dict[str, float], latency: float
) -> None:
    document = version_of(jar.tenant)
    jar.ledger.claim(document, "e1")
    jar.clock.advance(**advance)
    publication = publish_document(jar.tenant, document, PublishedFacts(3, 7, 50, "ko"), jar.ports)
    assert (publication.outcome, publication.retired_versions) == ("published", 0)
    assert jar.meter.recorded == [
        (
            "acme",
            {
                "DocumentsIngested": 1,
                "PagesExtracted": 3,
                "ChunksIndexed": 7,
                "IngestLatency": latency,
                "StoredVectors": 7,
                "StoredBytes": 100,
            },
        )
    ]


@pytest.mark.parametrize("quote", ["", "not in it"])
def test_a_citation_without_words_of_the_passage_is_of_all_of_it(jar: Jar, quote: str) -> None:
    class Citing:
        def answer(self, *_: object) -> GeneratedAnswer:
            return GeneratedAnswer((AnswerPart("So.", ((0, quote),)),), 1, 1)

    passage = Passage("d", "v", "a.txt", 1, 5, 11, "kimchi", Scores(vector=0.5))
    found = answer("Why?", Retrieval((passage,), 1), "claude", 9, replace(jar.ports, generator=Citing()))
    assert [(each.start, each.end, each.quote) for each in found.citations] == [(5, 11, "kimchi")]


def test_an_execution_of_what_has_waited_has_a_name_of_its_own_that_step_functions_takes(jar: Jar) -> None:
    """Names have 80 characters at most; 48 hexadecimal digits never meet another."""
    waiting, ingestion = FakeWaitingEvents(), FakeWorkflow()
    for noted_by in ("e1", "e2"):
        raw = jar.documents.upload(KEY, b"x")
        waiting.note("acme", WaitingEvent(KEY, "01", noted_by, raw))
        release_uploads(jar.directory.records["acme"], waiting, ingestion)
    names = list(ingestion.started)
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {len("released-") + 48}


def test_a_tenant_that_is_active_again_has_no_reason_any_more(jar: Jar) -> None:
    record = replace(jar.directory.records["acme"], status="provisioning", reason="S3 was down.")
    jar.directory.records["acme"] = record
    activate_tenant(record, FakeLifecycle(jar.directory))
    found = jar.directory.records["acme"]
    assert (found.status, found.reason) == ("active", None)


def test_what_was_looked_at_to_the_end_is_not_looked_at_again(jar: Jar) -> None:
    class OnePage:
        asked = 0

        def uploads(self, _: str | None) -> tuple[list[StoredObject], str | None]:
            self.asked += 1
            return [], None

    objects = OnePage()
    assert carry_over_uploads(jar.tenant, None, objects, jar.ledger) is None  # type: ignore[arg-type]  # one page of nothing
    assert objects.asked == 1
