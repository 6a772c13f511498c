"""An execution that was stopped, timed out or failed leaves no document `processing`, once."""

import json
from typing import Any

import pytest

from onggi.domain.document import Document, DocumentVersion
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument, NotFound
from onggi.domain.tenant import TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.record_interruption import (
    STOPPED_MESSAGE,
    ExecutionStatus,
    RecordedInterruption,
    event_of_input,
    record_interruption,
)
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import OCR_MODEL, FakeTenant, LineSplitter, PlainReader

KEY = "tenants/acme/a.txt"
ENDS: tuple[ExecutionStatus, ...] = ("ABORTED", "TIMED_OUT", "FAILED")
OURS = Failure("unavailable", BAD_DOCUMENT_MESSAGES["unavailable"], ours=True)


def uploaded(acme: FakeTenant, content: bytes = b"kimchi\nsalt") -> ObjectEvent:
    return ObjectEvent.from_eventbridge(acme.documents.upload(KEY, content))


def registered(acme: FakeTenant, event: ObjectEvent, execution: str = "e1") -> DocumentVersion:
    registration = register_document(event, execution, owner_of(event, acme.directory), acme.ports_of, 100)
    assert registration.outcome == "process"
    return registration.document


def ended(
    acme: FakeTenant, event: ObjectEvent | None, status: ExecutionStatus, execution: str = "e1"
) -> RecordedInterruption:
    return record_interruption(event, execution, status, acme.directory, acme.ports_of)


def row(acme: FakeTenant) -> Document:
    (found,) = acme.ledger.rows.values()
    return found


@pytest.mark.parametrize("status", ENDS)
def test_a_document_that_was_being_processed_has_failed(acme: FakeTenant, status: ExecutionStatus) -> None:
    event = uploaded(acme)
    document = registered(acme, event)
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    recorded = ended(acme, event, status)
    assert recorded == RecordedInterruption("failed", alarm=status != "FAILED"), "a failed execution has its own alarm"
    assert (row(acme).status, row(acme).error_code) == ("failed", "internal")
    expected = BAD_DOCUMENT_MESSAGES["internal"] if status == "FAILED" else STOPPED_MESSAGE
    assert row(acme).error_message == expected
    assert acme.artifacts.content == {}
    assert acme.meter.total("DocumentsFailed") == 1


@pytest.mark.parametrize("status", ENDS)
def test_a_second_event_changes_nothing_and_counts_nothing(acme: FakeTenant, status: ExecutionStatus) -> None:
    event = uploaded(acme)
    registered(acme, event)
    ended(acme, event, status)
    before = row(acme)
    assert ended(acme, event, status).outcome == "recorded"
    assert row(acme) == before
    assert acme.meter.total("DocumentsFailed") == 1


@pytest.mark.parametrize("status", ENDS)
def test_a_failure_that_was_recorded_keeps_its_reason_and_raises_no_second_alarm(
    acme: FakeTenant, status: ExecutionStatus
) -> None:
    event = uploaded(acme)
    registered(acme, event)
    record_failure(StoppedExecution(event, "e1", OURS), acme.directory, acme.ports_of)
    before = row(acme)
    assert ended(acme, event, status) == RecordedInterruption("recorded", alarm=False)
    assert row(acme) == before
    assert acme.meter.total("DocumentsFailed") == 1


def test_what_a_try_that_broke_down_has_left_is_removed_by_the_next(acme: FakeTenant) -> None:
    event = uploaded(acme)
    document = registered(acme, event)
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    acme.ledger.fail(document, "e1", "internal", STOPPED_MESSAGE)
    assert ended(acme, event, "ABORTED") == RecordedInterruption("recorded", alarm=True)
    assert ended(acme, event, "FAILED") == RecordedInterruption("recorded", alarm=False)
    assert acme.artifacts.content == {}


def test_a_document_that_a_newer_event_has_claimed_is_left_alone(acme: FakeTenant) -> None:
    old, new = uploaded(acme), uploaded(acme, b"soy sauce")
    registered(acme, old)
    newer = registered(acme, new, "e2")
    extract_text(acme.context, newer, acme.ports, PlainReader(), OCR_MODEL)
    before, artifacts = row(acme), dict(acme.artifacts.content)
    assert ended(acme, old, "ABORTED") == RecordedInterruption("overtaken", alarm=False)
    assert row(acme).status == "processing"
    assert (row(acme).execution, row(acme).version) == (before.execution, before.version)
    assert acme.artifacts.content == artifacts
    assert acme.meter.total("DocumentsFailed") == 0


def test_a_document_that_answers_already_goes_on_answering(acme: FakeTenant) -> None:
    event = uploaded(acme)
    document = registered(acme, event)
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    artifacts = dict(acme.artifacts.content)
    acme.ledger.publish(document, PublishedFacts(1, 0, 1, "en"), acme.clock())
    assert ended(acme, event, "ABORTED") == RecordedInterruption("overtaken", alarm=False)
    assert (row(acme).status, row(acme).current_version) == ("ready", document.version)
    assert acme.artifacts.content == artifacts


def test_a_document_whose_attributes_were_being_written_has_them_in_the_end(acme: FakeTenant) -> None:
    event = uploaded(acme)
    document = registered(acme, event)
    acme.ledger.publish(document, PublishedFacts(1, 0, 1, "en"), acme.clock())
    acme.documents.upload(f"{KEY}.metadata.json", b'{"metadataAttributes": {"year": 2026}}')
    ended(acme, event, "ABORTED")
    assert row(acme).current_metadata == {"year": 2026}


def test_a_version_that_answers_outlives_the_one_whose_execution_was_stopped(acme: FakeTenant) -> None:
    first = registered(acme, uploaded(acme))
    acme.ledger.publish(first, PublishedFacts(1, 0, 1, "en"), acme.clock())
    second = uploaded(acme, b"soy sauce")
    registered(acme, second, "e2")
    ended(acme, second, "TIMED_OUT", "e2")
    assert (row(acme).status, row(acme).current_version) == ("failed", first.version)


def test_an_execution_that_was_stopped_before_it_registered_anything_is_recorded(acme: FakeTenant) -> None:
    event = uploaded(acme)
    assert ended(acme, event, "ABORTED") == RecordedInterruption("failed", alarm=True)
    assert (row(acme).status, row(acme).error_message) == ("failed", STOPPED_MESSAGE)
    late = register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100)
    assert late.outcome == "duplicate", "a function of it that still runs claims nothing any more"


@pytest.mark.parametrize("status", ENDS)
def test_a_deletion_that_was_stopped_raises_an_alarm(acme: FakeTenant, status: ExecutionStatus) -> None:
    registered(acme, uploaded(acme))
    acme.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    register_document(deletion, "e2", owner_of(deletion, acme.directory), acme.ports_of, 100)
    assert ended(acme, deletion, status, "e2").alarm is (status != "FAILED")
    assert row(acme).status == "deleting", "nothing of it answers, and another deletion starts again"


def test_a_deletion_that_had_come_to_its_end_is_no_alarm(acme: FakeTenant) -> None:
    registered(acme, uploaded(acme))
    acme.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    register_document(deletion, "e2", owner_of(deletion, acme.directory), acme.ports_of, 100)
    acme.ledger.mark_deleted(row(acme).document_id, row(acme).sequencer, {"versions": 1}, acme.clock())
    assert ended(acme, deletion, "ABORTED", "e2") == RecordedInterruption("recorded", alarm=False)
    assert row(acme).status == "deleted"


def test_an_upload_of_nobody_is_rejected(acme: FakeTenant) -> None:
    event = ObjectEvent.from_eventbridge(acme.documents.upload("tenants/nobody/a.txt", b"x"))
    assert ended(acme, event, "ABORTED") == RecordedInterruption("rejected", alarm=False)
    assert len(acme.directory.rejections) == 1


def test_a_function_that_outlives_its_execution_leaves_nothing(acme: FakeTenant) -> None:
    event = uploaded(acme)
    document = registered(acme, event)
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    kept = dict(acme.artifacts.content)
    ended(acme, event, "ABORTED")
    with pytest.raises(NotFound):
        extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    assert acme.artifacts.content == {}
    acme.artifacts.content.update(kept)  # as if it had read the text just before that was removed
    with pytest.raises(NotFound):
        chunk_text(document, acme.ports, LineSplitter(), "artifacts")
    assert (acme.artifacts.content, acme.artifacts.manifests) == ({}, {})


def s3_event() -> dict[str, Any]:
    detail = {"bucket": {"name": "documents"}, "object": {"key": KEY, "version-id": "v1", "sequencer": "01", "size": 1}}
    return {"detail-type": "Object Created", "time": "2026-11-21T09:00:00Z", "detail": detail}


def test_the_input_of_an_execution_is_the_event_of_s3() -> None:
    event = event_of_input(json.dumps(s3_event()))
    assert event == ObjectEvent.from_eventbridge(s3_event())


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "null", "1", "no JSON", json.dumps({"detail-type": "Other"})])
def test_an_execution_about_no_object_concerns_no_document(acme: FakeTenant, text: str | None) -> None:
    """EventBridge leaves out an input above 248 KiB; no event of S3 is nearly as long."""
    event = event_of_input(text)
    assert event is None
    assert ended(acme, event, "ABORTED") == RecordedInterruption("ignored", alarm=False)
    assert acme.ledger.rows == {}


def test_a_bad_document_needs_no_alarm_when_its_execution_is_stopped_at_the_very_end(acme: FakeTenant) -> None:
    event = uploaded(acme)
    registered(acme, event)
    bad = BadDocument("encrypted")
    record_failure(
        StoppedExecution(event, "e1", Failure(bad.code, bad.message, ours=False)), acme.directory, acme.ports_of
    )
    assert ended(acme, event, "ABORTED") == RecordedInterruption("recorded", alarm=False)
    assert row(acme).error_code == "encrypted"


def test_only_the_tenant_of_the_key_is_reached(acme: FakeTenant) -> None:
    asked: list[TenantContext] = []

    def ports_of(tenant: TenantContext) -> Any:
        asked.append(tenant)
        return acme.ports

    record_interruption(uploaded(acme), "e1", "ABORTED", acme.directory, ports_of)
    assert {tenant.tenant_id for tenant in asked} == {"acme"}
