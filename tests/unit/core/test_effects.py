"""What steps leave behind, whole: receipts, rows, vectors, numbers that are metered."""

from dataclasses import replace
from typing import Any

import pytest

from onggi.domain.chunk import Passage, Scores
from onggi.domain.document import Document, DocumentVersion
from onggi.domain.tenant_data import CopyProgress, ExportProgress
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.ports.models import AnswerPart, GeneratedAnswer
from onggi.ports.tenant_data import StoredObject
from onggi.ports.tenants import DeferredEvent
from onggi.steps.documents.deletion import delete_document
from onggi.steps.documents.uploads import UploadRequest, permit_upload
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.embed_chunks import embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import register_document
from onggi.steps.ingestion.remove_document import remove_document
from onggi.steps.ingestion.retire import Retired, retire_version
from onggi.steps.ingestion.update_metadata import Description, update_metadata
from onggi.steps.questions.answer import Answer, answer
from onggi.steps.questions.retrieve import Retrieval
from onggi.steps.tenancy.copy_tenant_data import copy_tenant_data
from onggi.steps.tenancy.export_tenant_data import export_tenant_data
from onggi.steps.tenancy.offboarding import remove_tenant
from onggi.steps.tenancy.onboarding import activate_tenant
from onggi.steps.tenancy.process_deferred_events import process_deferred_events
from onggi.steps.tenancy.reconcile_uploads import reconcile_uploads
from onggi.steps.tenancy.record_tenant_failure import record_tenant_failure
from tests.unit.core.fakes import (
    OCR_MODEL,
    FakeDeferredEvents,
    FakeExport,
    FakeLifecycle,
    FakeTenant,
    FakeWorkflow,
    LineSplitter,
    PlainReader,
    all_day,
    control_ports,
    one_step,
    try_of,
    version_of,
)
from tests.unit.core.test_steps import MODEL

KEY = "tenants/acme/a.txt"


def registered(acme: FakeTenant, content: bytes = b"kimchi\nsalt") -> DocumentVersion:
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, content))
    return register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100).document


def cut(acme: FakeTenant, document: DocumentVersion) -> None:
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    chunk_text(document, acme.ports, LineSplitter(), "manifests")


def published(acme: FakeTenant, content: bytes = b"kimchi\nsalt") -> DocumentVersion:
    document = registered(acme, content)
    cut(acme, document)
    embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    index_chunks(document, 0, acme.ports)
    publish_document(acme.context, document, PublishedFacts(1, 2, 2, "en"), acme.ports)
    return document


def test_a_deletion_leaves_a_receipt_and_nothing_else(acme: FakeTenant) -> None:
    document = published(acme)
    acme.documents.delete(KEY)
    event = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    removal = register_document(event, "e2", owner_of(event, acme.directory), acme.ports_of, 100)
    receipt = remove_document(acme.context, removal.document, removal.versions, acme.ports)
    assert receipt == {"versions": 1, "vectors": 2, "artifacts": 4, "deleted_at": "2026-11-21T09:00:00.000Z"}
    row = acme.ledger.rows[document.document_id]
    assert (row.status, row.receipt) == ("deleted", receipt)
    assert (acme.index.vectors, acme.artifacts.content, acme.artifacts.manifests) == ({}, {}, {})
    assert (acme.meter.last("StoredVectors"), acme.meter.last("StoredBytes")) == (0, 0)
    events = len(acme.documents.events)
    assert delete_document(document.document_id, acme.ports) == row
    assert len(acme.documents.events) == events, "what is deleted is not deleted again"


def test_a_version_is_retired_once_and_what_another_has_retired_meanwhile_is_no_fault(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = registered(acme)
    cut(acme, document)
    assert retire_version(document.document_id, document.version, acme.ports) == Retired(0, 0), "it is needed"
    acme.ledger.rows.clear()
    monkeypatch.setattr(VersionArtifacts, "batch_numbers", lambda _: [7, 0])
    assert retire_version(document.document_id, document.version, acme.ports) == Retired(2, 3)
    monkeypatch.setattr(VersionArtifacts, "batch_numbers", lambda _: [])
    assert retire_version(document.document_id, document.version, acme.ports) == Retired(0, 0)


def test_a_description_that_a_removal_has_overtaken_takes_its_vectors_back(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = published(acme)
    put = acme.index.put

    def slowly(chunks: Any) -> None:
        acme.ledger.rows.clear()
        acme.index.vectors.clear()
        put(chunks)

    monkeypatch.setattr(acme.index, "put", slowly)
    monkeypatch.setattr(acme.ledger, "describe", lambda *_: True)
    assert update_metadata(document.document_id, acme.ports) == Description("described", 2)
    assert acme.index.vectors == {}


def test_a_version_that_answers_is_cut_again_without_reuse_of_itself(acme: FakeTenant) -> None:
    document = published(acme)
    cut(acme, document)
    batch = VersionArtifacts(acme.artifacts, document.document_id, document.version).read_chunks(0)
    assert batch.reuse_version is None
    assert [planned.reuse for planned in batch.chunks] == [None, None]


def test_a_newer_version_is_cut_with_the_place_of_each_embedding_that_there_is(acme: FakeTenant) -> None:
    before = published(acme)
    document = registered(acme, b"pepper\nsalt")
    cut(acme, document)
    batch = VersionArtifacts(acme.artifacts, document.document_id, document.version).read_chunks(0)
    assert batch.reuse_version == before.version
    assert [planned.reuse for planned in batch.chunks] == [None, (0, 1)]


def test_what_fails_before_anybody_has_looked_at_it_has_the_type_of_what_is_unknown(acme: FakeTenant) -> None:
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, b"x", "text/csv"))
    record_failure(
        StoppedExecution(event, "e1", Failure("internal", "Fault.", ours=True)), acme.directory, acme.ports_of
    )
    (row,) = acme.ledger.rows.values()
    assert (row.content_type, row.size, row.name) == ("application/octet-stream", 1, "a.txt")


def test_what_fails_after_its_registration_keeps_what_is_known_of_it(acme: FakeTenant) -> None:
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, b"xy", "text/csv"))
    register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100)
    record_failure(
        StoppedExecution(event, "e1", Failure("internal", "Fault.", ours=True)), acme.directory, acme.ports_of
    )
    (row,) = acme.ledger.rows.values()
    assert (row.content_type, row.size, row.status, row.version) == ("text/csv", 2, "failed", event.version)


@pytest.mark.parametrize(("advance", "latency"), [({"seconds": 90}, 90_000), ({"hours": -1}, 0)])
def test_the_latency_of_an_ingestion_is_never_less_than_nothing(
    acme: FakeTenant, advance: dict[str, float], latency: float
) -> None:
    document = version_of(acme.context)
    acme.ledger.claim(document, "e1")
    acme.clock.advance(**advance)
    publication = publish_document(acme.context, document, PublishedFacts(3, 7, 50, "ko"), acme.ports)
    assert (publication.outcome, publication.retired_versions) == ("published", 0)
    assert acme.meter.recorded == [
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
def test_a_citation_without_words_of_the_passage_is_of_all_of_it(acme: FakeTenant, quote: str) -> None:
    class Citing:
        def answer(self, *_: object) -> GeneratedAnswer:
            return GeneratedAnswer((AnswerPart("So.", ((0, quote),)),), 1, 1)

    passage = Passage("d", "v", "a.txt", 1, 5, 11, "kimchi", Scores(vector=0.5))
    found = answer("Why?", Retrieval((passage,), 1), "claude", 9, replace(acme.ports, generator=Citing()))
    assert [(each.start, each.end, each.quote) for each in found.citations] == [(5, 11, "kimchi")]


def test_an_execution_of_what_has_waited_has_a_name_of_its_own_that_step_functions_takes(acme: FakeTenant) -> None:
    """Names have 80 characters at most; 48 hexadecimal digits never meet another."""
    waiting, ingestion = FakeDeferredEvents(), FakeWorkflow()
    raw = acme.documents.upload(KEY, b"x")
    for key, sequencer, noted_by in ((KEY, "01", "e1"), (KEY, "01", "e2"), (KEY, "02", "e1"), (KEY + "x", "01", "e1")):
        waiting.note("acme", DeferredEvent(key, sequencer, noted_by, raw))
        process_deferred_events(acme.directory.records["acme"], waiting, ingestion, one_step)
    names = list(ingestion.started)
    assert len(set(names)) == 4
    assert {len(name) for name in names} == {len("released-") + 48}
    assert all(name.startswith("released-") for name in names), "operators see which executions had waited"


def test_a_tenant_that_is_active_again_has_no_reason_any_more(acme: FakeTenant) -> None:
    record = replace(acme.directory.records["acme"], status="provisioning", reason="S3 was down.")
    acme.directory.records["acme"] = record
    activate_tenant(record, FakeLifecycle(acme.directory))
    found = acme.directory.records["acme"]
    assert (found.status, found.reason) == ("active", None)


def test_what_was_looked_at_to_the_end_is_not_looked_at_again(acme: FakeTenant) -> None:
    class OnePage:
        asked = 0

        def uploads(self, _: str | None) -> tuple[list[StoredObject], str | None]:
            self.asked += 1
            return [], None

    objects = OnePage()
    assert not reconcile_uploads(acme.context, None, objects, acme.ledger, one_step).more  # type: ignore[arg-type]  # one page of nothing
    assert objects.asked == 1


def test_what_an_embedding_costs_is_metered(acme: FakeTenant) -> None:
    document = registered(acme, b"red pepper\nsalt")
    cut(acme, document)
    embedded = embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    assert (embedded.batch, embedded.embedded, embedded.reused, embedded.tokens) == (0, 2, 0, 3)
    assert acme.meter.recorded == [("acme", {"EmbeddingTokens": 3, "EstimatedCostUSD": pytest.approx(3e-6)})]


def test_attributes_that_cannot_be_used_any_more_are_described_after_publishing(acme: FakeTenant) -> None:
    document = registered(acme)
    cut(acme, document)
    embed_chunks(acme.context, document, try_of(0), acme.ports, MODEL)
    index_chunks(document, 0, acme.ports)
    facts = PublishedFacts(1, 2, 2, "en")
    assert not publish_document(acme.context, document, facts, acme.ports).describe
    acme.documents.upload(KEY + ".metadata.json", b"{")
    assert publish_document(acme.context, document, facts, acme.ports).describe


@pytest.mark.parametrize("row", ["gone", "of a newer event"])
def test_a_deletion_that_was_overtaken_right_after_its_claim_is_stale(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch, row: str
) -> None:
    document = published(acme)
    acme.documents.delete(KEY)
    event = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    claim = acme.ledger.claim_deletion

    def overtaken(*given: Any) -> Any:
        claimed = claim(*given)
        if row == "gone":
            del acme.ledger.rows[document.document_id]
        else:
            newer = replace(acme.ledger.rows[document.document_id], sequencer="F" * 64)
            acme.ledger.rows[document.document_id] = newer
        return claimed

    monkeypatch.setattr(acme.ledger, "claim_deletion", overtaken)
    registration = register_document(event, "e2", owner_of(event, acme.directory), acme.ports_of, 100)
    assert (registration.outcome, registration.versions) == ("stale", [])


@pytest.mark.parametrize(
    ("status", "run", "noted", "now"),
    [
        ("provisioning", "run-1", True, "failed"),
        ("active", "run-1", True, "active"),
        ("removing", "run-1", True, "removing"),
        ("suspended", "run-1", False, "suspended"),
        ("failed", "run-1", False, "failed"),
        ("removing", "run-2", False, "removing"),
    ],
)
def test_which_failures_of_a_tenants_workflow_are_noted(
    acme: FakeTenant, status: Any, run: str, now: str, *, noted: bool
) -> None:
    acme.directory.set_status("acme", status, run="run-1")
    error = {"Error": "Conflict", "Cause": '{"errorMessage": "Do this."}'}
    assert record_tenant_failure("acme", run, error, acme.directory, FakeLifecycle(acme.directory)) is noted
    record = acme.directory.records["acme"]
    assert (record.status, record.reason) == (now, "Do this." if noted else None)


def test_what_is_as_new_at_both_places_is_reconciled(acme: FakeTenant) -> None:
    """Times have seconds only, so that equal ones tell nothing: an upload that is repeated does no harm."""
    repeated: list[Any] = []

    class Both:
        def uploads(self, _: str | None) -> tuple[list[StoredObject], str | None]:
            return [StoredObject(KEY, "v1", "2026-11-21T09:00:00.000Z", is_deleted=False)], None

        def copied(self, *_: object) -> list[StoredObject]:
            return [StoredObject(KEY, "w1", "2026-11-21T09:00:00.000Z", is_deleted=False)]

        def copy_uploads(self, uploads: list[Any]) -> list[str | None]:
            repeated.extend(uploads)
            return [None] * len(uploads)

    reconcile_uploads(acme.context, None, Both(), acme.ledger, one_step)  # type: ignore[arg-type]  # copies only
    assert repeated == [(KEY, "v1")]


def test_vectors_are_copied_behind_a_document_that_does_not_answer(acme: FakeTenant) -> None:
    document = published(acme)
    pending = replace(
        acme.ledger.rows[document.document_id],
        document_id="0" * 32,
        current_version=None,
        uploaded_at="2026-11-22T09:00:00.000Z",
    )
    acme.ledger.rows[pending.document_id] = pending
    new_place = FakeTenant(artifacts=acme.artifacts, ledger=acme.ledger)
    nothing: Any = None  # no objects are looked at
    progress = copy_tenant_data(
        acme.context, CopyProgress(stage="vectors"), nothing, acme.ports, new_place.ports, all_day
    )
    assert not progress.more
    assert new_place.index.vectors == acme.index.vectors


def test_a_failure_of_one_execution_speaks_of_its_own_version(acme: FakeTenant) -> None:
    """Another that has registered the same event is at work; what this one knows is the event alone."""
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, b"xy", "text/csv"))
    register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100)
    failure = Failure("internal", "Fault.", ours=True)
    recorded = record_failure(StoppedExecution(event, "e2", failure), acme.directory, acme.ports_of)
    assert (recorded.outcome, recorded.alarm) == ("overtaken", False)
    (row,) = acme.ledger.rows.values()
    assert (row.status, row.execution, row.content_type) == ("processing", "e1", "text/csv")


def test_a_failure_removes_what_every_version_has_left_that_nobody_needs(acme: FakeTenant) -> None:
    first = registered(acme)
    cut(acme, first)
    event = ObjectEvent.from_eventbridge(acme.documents.upload(KEY, b"pepper"))
    second = register_document(event, "e2", owner_of(event, acme.directory), acme.ports_of, 100).document
    cut(acme, second)
    record_failure(
        StoppedExecution(event, "e2", Failure("corrupt", "Broken.", ours=False)), acme.directory, acme.ports_of
    )
    assert acme.artifacts.content == {}
    assert acme.ledger.rows[first.document_id].versions == frozenset()


def test_a_permitted_upload_is_noted_as_it_was_asked_for(acme: FakeTenant) -> None:
    permitted = permit_upload(acme.context, UploadRequest("a.csv", "text/csv", 5, {"year": 2026}), 9, acme.ports)
    assert acme.ledger.rows[permitted["document_id"]] == Document(
        document_id=permitted["document_id"],
        key="tenants/acme/a.csv",
        name="a.csv",
        version="",
        sequencer="",
        status="pending",
        size=5,
        content_type="text/csv",
        uploaded_at="2026-11-21T09:00:00.000Z",
        metadata={"year": 2026},
    )
    assert set(permitted) == {"document_id", "upload", "expires_at"}
    assert permitted["upload"]["url"] == "https://documents.example"


def test_the_model_is_not_asked_where_nothing_was_found_and_that_costs_nothing(acme: FakeTenant) -> None:
    found = answer("Why?", Retrieval((), 1), "claude", 9, acme.ports)
    assert found == Answer("The documents do not hold an answer to this question.", (), 0, 0)
    assert (
        answer("왜?", Retrieval((), 1), "claude", 9, acme.ports).text == "문서에서 이 질문에 대한 답을 찾지 못했습니다."
    )
    assert acme.generator.questions == []


def test_a_removal_under_way_is_left_alone_and_one_that_stopped_gets_a_new_run(acme: FakeTenant) -> None:
    lifecycle, workflow = FakeLifecycle(acme.directory), FakeWorkflow()
    state = {"grace": 960, "export": {"more": False, "stage": "uploads", "token": None, "part": 0, "objects": 0}}
    runs = []
    for reason in (None, None, "S3 was down."):
        known = acme.directory.records["acme"] = replace(acme.directory.records["acme"], reason=reason)
        acme.clock.advance(seconds=1)
        runs.append(remove_tenant(known, 960, control_ports(acme.directory, lifecycle, acme.clock, workflow)).run)
    assert runs[0] == runs[1] != runs[2]
    assert workflow.started == {
        f"acme-{run}": {"tenant_id": "acme", "run": run, **state} for run in dict.fromkeys(runs)
    }


def test_an_export_ends_with_its_last_stage() -> None:
    progress = export_tenant_data(ExportProgress(more=True), FakeExport(), all_day)
    assert progress == ExportProgress(more=False, stage="rows", objects=4)
