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
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.record_failure import Failure, record_failure
from onggi.steps.ingestion.record_interruption import (
    STOPPED_MESSAGE,
    ExecutionStatus,
    RecordedInterruption,
    event_of_input,
    record_interruption,
)
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import OCR_MODEL, Jar, LineSplitter, PlainReader

KEY = "tenants/acme/a.txt"
ENDS: tuple[ExecutionStatus, ...] = ("ABORTED", "TIMED_OUT", "FAILED")
OURS = Failure("unavailable", BAD_DOCUMENT_MESSAGES["unavailable"], ours=True)


def uploaded(jar: Jar, content: bytes = b"kimchi\nsalt") -> ObjectEvent:
    return ObjectEvent.from_eventbridge(jar.documents.upload(KEY, content))


def registered(jar: Jar, event: ObjectEvent, execution: str = "e1") -> DocumentVersion:
    registration = register_document(event, execution, jar.directory, jar.ports_of, 100)
    assert registration.outcome == "process"
    return registration.document


def ended(jar: Jar, event: ObjectEvent | None, status: ExecutionStatus, execution: str = "e1") -> RecordedInterruption:
    return record_interruption(event, execution, status, jar.directory, jar.ports_of)


def row(jar: Jar) -> Document:
    (found,) = jar.ledger.rows.values()
    return found


@pytest.mark.parametrize("status", ENDS)
def test_a_document_that_was_being_processed_has_failed(jar: Jar, status: ExecutionStatus) -> None:
    event = uploaded(jar)
    document = registered(jar, event)
    extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    recorded = ended(jar, event, status)
    assert recorded == RecordedInterruption("failed", alarm=status != "FAILED"), "a failed execution has its own alarm"
    assert (row(jar).status, row(jar).error_code) == ("failed", "internal")
    expected = BAD_DOCUMENT_MESSAGES["internal"] if status == "FAILED" else STOPPED_MESSAGE
    assert row(jar).error_message == expected
    assert jar.artifacts.content == {}
    assert jar.meter.total("DocumentsFailed") == 1


@pytest.mark.parametrize("status", ENDS)
def test_a_second_event_changes_nothing_and_counts_nothing(jar: Jar, status: ExecutionStatus) -> None:
    event = uploaded(jar)
    registered(jar, event)
    ended(jar, event, status)
    before = row(jar)
    assert ended(jar, event, status).outcome == "recorded"
    assert row(jar) == before
    assert jar.meter.total("DocumentsFailed") == 1


@pytest.mark.parametrize("status", ENDS)
def test_a_failure_that_was_recorded_keeps_its_reason_and_raises_no_second_alarm(
    jar: Jar, status: ExecutionStatus
) -> None:
    event = uploaded(jar)
    registered(jar, event)
    record_failure(event, "e1", OURS, jar.directory, jar.ports_of)
    before = row(jar)
    assert ended(jar, event, status) == RecordedInterruption("recorded", alarm=False)
    assert row(jar) == before
    assert jar.meter.total("DocumentsFailed") == 1


def test_what_a_try_that_broke_down_has_left_is_removed_by_the_next(jar: Jar) -> None:
    event = uploaded(jar)
    document = registered(jar, event)
    extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    jar.ledger.fail(document, "e1", "internal", STOPPED_MESSAGE)
    assert ended(jar, event, "ABORTED") == RecordedInterruption("recorded", alarm=True)
    assert ended(jar, event, "FAILED") == RecordedInterruption("recorded", alarm=False)
    assert jar.artifacts.content == {}


def test_a_document_that_a_newer_event_has_claimed_is_left_alone(jar: Jar) -> None:
    old, new = uploaded(jar), uploaded(jar, b"soy sauce")
    registered(jar, old)
    newer = registered(jar, new, "e2")
    extract_text(jar.tenant, newer, jar.ports, PlainReader(), OCR_MODEL)
    before, artifacts = row(jar), dict(jar.artifacts.content)
    assert ended(jar, old, "ABORTED") == RecordedInterruption("overtaken", alarm=False)
    assert row(jar).status == "processing"
    assert (row(jar).execution, row(jar).version) == (before.execution, before.version)
    assert jar.artifacts.content == artifacts
    assert jar.meter.total("DocumentsFailed") == 0


def test_a_document_that_answers_already_goes_on_answering(jar: Jar) -> None:
    event = uploaded(jar)
    document = registered(jar, event)
    extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    artifacts = dict(jar.artifacts.content)
    jar.ledger.publish(document, PublishedFacts(1, 0, 1, "en"), jar.clock())
    assert ended(jar, event, "ABORTED") == RecordedInterruption("overtaken", alarm=False)
    assert (row(jar).status, row(jar).current_version) == ("ready", document.version)
    assert jar.artifacts.content == artifacts


def test_a_document_whose_attributes_were_being_written_has_them_in_the_end(jar: Jar) -> None:
    event = uploaded(jar)
    document = registered(jar, event)
    jar.ledger.publish(document, PublishedFacts(1, 0, 1, "en"), jar.clock())
    jar.documents.upload(f"{KEY}.metadata.json", b'{"metadataAttributes": {"year": 2026}}')
    ended(jar, event, "ABORTED")
    assert row(jar).current_metadata == {"year": 2026}


def test_a_version_that_answers_outlives_the_one_whose_execution_was_stopped(jar: Jar) -> None:
    first = registered(jar, uploaded(jar))
    jar.ledger.publish(first, PublishedFacts(1, 0, 1, "en"), jar.clock())
    second = uploaded(jar, b"soy sauce")
    registered(jar, second, "e2")
    ended(jar, second, "TIMED_OUT", "e2")
    assert (row(jar).status, row(jar).current_version) == ("failed", first.version)


def test_an_execution_that_was_stopped_before_it_registered_anything_is_recorded(jar: Jar) -> None:
    event = uploaded(jar)
    assert ended(jar, event, "ABORTED") == RecordedInterruption("failed", alarm=True)
    assert (row(jar).status, row(jar).error_message) == ("failed", STOPPED_MESSAGE)
    late = register_document(event, "e1", jar.directory, jar.ports_of, 100)
    assert late.outcome == "duplicate", "a function of it that still runs claims nothing any more"


@pytest.mark.parametrize("status", ENDS)
def test_a_deletion_that_was_stopped_raises_an_alarm(jar: Jar, status: ExecutionStatus) -> None:
    registered(jar, uploaded(jar))
    jar.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    register_document(deletion, "e2", jar.directory, jar.ports_of, 100)
    assert ended(jar, deletion, status, "e2").alarm is (status != "FAILED")
    assert row(jar).status == "deleting", "nothing of it answers, and another deletion starts again"


def test_a_deletion_that_had_come_to_its_end_is_no_alarm(jar: Jar) -> None:
    registered(jar, uploaded(jar))
    jar.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    register_document(deletion, "e2", jar.directory, jar.ports_of, 100)
    jar.ledger.mark_deleted(row(jar).document_id, row(jar).sequencer, {"versions": 1}, jar.clock())
    assert ended(jar, deletion, "ABORTED", "e2") == RecordedInterruption("recorded", alarm=False)
    assert row(jar).status == "deleted"


def test_an_upload_of_nobody_is_rejected(jar: Jar) -> None:
    event = ObjectEvent.from_eventbridge(jar.documents.upload("tenants/nobody/a.txt", b"x"))
    assert ended(jar, event, "ABORTED") == RecordedInterruption("rejected", alarm=False)
    assert len(jar.directory.rejections) == 1


def test_a_function_that_outlives_its_execution_leaves_nothing(jar: Jar) -> None:
    event = uploaded(jar)
    document = registered(jar, event)
    extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    kept = dict(jar.artifacts.content)
    ended(jar, event, "ABORTED")
    with pytest.raises(NotFound):
        extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    assert jar.artifacts.content == {}
    jar.artifacts.content.update(kept)  # as if it had read the text just before that was removed
    with pytest.raises(NotFound):
        chunk_text(document, jar.ports, LineSplitter(), "artifacts")
    assert (jar.artifacts.content, jar.artifacts.manifests) == ({}, {})


def s3_event() -> dict[str, Any]:
    detail = {"bucket": {"name": "documents"}, "object": {"key": KEY, "version-id": "v1", "sequencer": "01", "size": 1}}
    return {"detail-type": "Object Created", "time": "2026-11-21T09:00:00Z", "detail": detail}


def test_the_input_of_an_execution_is_the_event_of_s3() -> None:
    event = event_of_input(json.dumps(s3_event()))
    assert event == ObjectEvent.from_eventbridge(s3_event())


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "null", "1", "no JSON", json.dumps({"detail-type": "Other"})])
def test_an_execution_about_no_object_concerns_no_document(jar: Jar, text: str | None) -> None:
    """EventBridge leaves out an input above 248 KiB; no event of S3 is nearly as long."""
    event = event_of_input(text)
    assert event is None
    assert ended(jar, event, "ABORTED") == RecordedInterruption("ignored", alarm=False)
    assert jar.ledger.rows == {}


def test_a_bad_document_needs_no_alarm_when_its_execution_is_stopped_at_the_very_end(jar: Jar) -> None:
    event = uploaded(jar)
    registered(jar, event)
    bad = BadDocument("encrypted")
    record_failure(event, "e1", Failure(bad.code, bad.message, ours=False), jar.directory, jar.ports_of)
    assert ended(jar, event, "ABORTED") == RecordedInterruption("recorded", alarm=False)
    assert row(jar).error_code == "encrypted"


def test_only_the_tenant_of_the_key_is_reached(jar: Jar) -> None:
    asked: list[TenantContext] = []

    def ports_of(tenant: TenantContext) -> Any:
        asked.append(tenant)
        return jar.ports

    record_interruption(uploaded(jar), "e1", "ABORTED", jar.directory, ports_of)
    assert {tenant.tenant_id for tenant in asked} == {"acme"}
