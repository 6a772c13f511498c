"""What is recorded of a failure when the workflow broke down before it knew what it was working on."""

from typing import Any

import pytest

from onggi.domain.document import Document
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.documents.deletion import delete_document
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.record_failure import Failure, RecordedFailure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import FakeTenant

KEY = "tenants/acme/a.txt"
OURS = Failure("unavailable", BAD_DOCUMENT_MESSAGES["unavailable"], ours=True)


def uploaded(acme: FakeTenant, content: bytes) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(acme.documents.upload(KEY, content))


def failed(acme: FakeTenant, event: ObjectEvent, execution: str, claimed: str | None = None) -> RecordedFailure:
    return record_failure(StoppedExecution(event, execution, OURS, claimed), acme.directory, acme.ports_of)


def row(acme: FakeTenant) -> Document:
    (found,) = acme.ledger.rows.values()
    return found


def removal_of_the_newest(acme: FakeTenant, first: ObjectEvent) -> ObjectEvent:
    """The event by which an older version is to be processed again, since a newer one was removed for good."""
    second = uploaded(acme, b"soy sauce for later")
    assert second.version != first.version
    return ObjectEvent.from_eventbridge(acme.documents.remove_version(KEY, second.version or ""))


def refuse(*_: object) -> Any:
    raise AssertionError("must not be called")


def test_the_version_that_was_claimed_fails_where_nobody_knows_the_result_of_the_claim(acme: FakeTenant) -> None:
    """RegisterDocument has claimed what is left after a removal, and its result was lost."""
    first = uploaded(acme, b"kimchi")
    removed = removal_of_the_newest(acme, first)
    register_document(removed, "e1", owner_of(removed, acme.directory), acme.ports_of, 100)
    claimed = row(acme)
    assert failed(acme, removed, "e1") == RecordedFailure("failed", "unavailable", alarm=True)
    found = row(acme)
    assert (found.status, found.version, found.size) == ("failed", first.version, len(b"kimchi"))
    assert found.content_type == claimed.content_type


def test_another_execution_does_not_fail_what_was_claimed(acme: FakeTenant) -> None:
    removed = removal_of_the_newest(acme, uploaded(acme, b"kimchi"))
    register_document(removed, "e1", owner_of(removed, acme.directory), acme.ports_of, 100)
    assert failed(acme, removed, "another").outcome == "overtaken"
    assert row(acme).status == "processing"


def test_a_removal_of_a_version_that_was_never_registered_is_recorded(acme: FakeTenant) -> None:
    removed = removal_of_the_newest(acme, uploaded(acme, b"kimchi"))
    assert failed(acme, removed, "e1").outcome == "failed"
    assert row(acme).status == "failed"


def test_a_deletion_of_what_was_never_registered_is_recorded(acme: FakeTenant) -> None:
    uploaded(acme, b"kimchi")
    acme.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    assert failed(acme, deletion, "e1") == RecordedFailure("failed", "unavailable", alarm=True)
    assert acme.ledger.rows == {}


def test_an_upload_that_was_deleted_by_the_api_meanwhile_is_overtaken(acme: FakeTenant) -> None:
    event = uploaded(acme, b"kimchi")
    document = register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100).document
    acme.ledger.publish(document, PublishedFacts(1, 1, 1, "en"), acme.clock())
    delete_document(document.document_id, acme.ports)
    assert failed(acme, event, "e1") == RecordedFailure("overtaken", "unavailable", alarm=False)
    assert row(acme).status == "deleting"


def test_a_version_that_answers_is_described_again_and_no_other(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure may have left it half described; one that answered before was not touched."""
    event = uploaded(acme, b"kimchi")
    document = register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100).document
    acme.ledger.publish(document, PublishedFacts(1, 0, 1, "en"), acme.clock())
    acme.documents.upload(f"{KEY}.metadata.json", b'{"metadataAttributes": {"year": 2026}}')
    failed(acme, event, "e1", document.version)
    assert row(acme).current_metadata == {"year": 2026}
    second = uploaded(acme, b"soy sauce")
    newer = register_document(second, "e2", owner_of(second, acme.directory), acme.ports_of, 100).document
    monkeypatch.setattr(acme.ledger, "describe", refuse)
    failed(acme, second, "e2", newer.version)
    assert row(acme).current_version == document.version


def test_an_upload_without_a_version_is_rejected_as_one(acme: FakeTenant) -> None:
    acme.documents.upload("tenants/nobody/a.txt", b"x")
    raw = {**acme.documents.events[-1]}
    raw["detail"] = {**raw["detail"], "object": {**raw["detail"]["object"]}}
    raw["detail"]["object"].pop("version-id")
    failed(acme, ObjectEvent.from_eventbridge(raw), "e1")
    assert list(acme.directory.rejections) == [("documents", "tenants/nobody/a.txt", "")]
