"""What is recorded of a failure when the workflow broke down before it knew what it was working on."""

from typing import Any

import pytest

from onggi.domain.document import Document
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.documents.deletion import delete_document
from onggi.steps.ingestion.record_failure import Failure, RecordedFailure, record_failure
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import Jar

KEY = "tenants/acme/a.txt"
OURS = Failure("unavailable", BAD_DOCUMENT_MESSAGES["unavailable"], ours=True)


def uploaded(jar: Jar, content: bytes) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(jar.documents.upload(KEY, content))


def failed(jar: Jar, event: ObjectEvent, execution: str, claimed: str | None = None) -> RecordedFailure:
    return record_failure(event, execution, OURS, jar.directory, jar.ports_of, claimed)


def row(jar: Jar) -> Document:
    (found,) = jar.ledger.rows.values()
    return found


def removal_of_the_newest(jar: Jar, first: ObjectEvent) -> ObjectEvent:
    """The event by which an older version is to be processed again, since a newer one was removed for good."""
    second = uploaded(jar, b"soy sauce for later")
    assert second.version != first.version
    return ObjectEvent.from_eventbridge(jar.documents.remove_version(KEY, second.version or ""))


def refuse(*_: object) -> Any:
    raise AssertionError("must not be called")


def test_the_version_that_was_claimed_fails_where_nobody_knows_the_result_of_the_claim(jar: Jar) -> None:
    """RegisterDocument has claimed what is left after a removal, and its result was lost."""
    first = uploaded(jar, b"kimchi")
    removed = removal_of_the_newest(jar, first)
    register_document(removed, "e1", jar.directory, jar.ports_of, 100)
    claimed = row(jar)
    assert failed(jar, removed, "e1") == RecordedFailure("failed", "unavailable", alarm=True)
    found = row(jar)
    assert (found.status, found.version, found.size) == ("failed", first.version, len(b"kimchi"))
    assert found.content_type == claimed.content_type


def test_another_execution_does_not_fail_what_was_claimed(jar: Jar) -> None:
    removed = removal_of_the_newest(jar, uploaded(jar, b"kimchi"))
    register_document(removed, "e1", jar.directory, jar.ports_of, 100)
    assert failed(jar, removed, "another").outcome == "overtaken"
    assert row(jar).status == "processing"


def test_a_removal_of_a_version_that_was_never_registered_is_recorded(jar: Jar) -> None:
    removed = removal_of_the_newest(jar, uploaded(jar, b"kimchi"))
    assert failed(jar, removed, "e1").outcome == "failed"
    assert row(jar).status == "failed"


def test_a_deletion_of_what_was_never_registered_is_recorded(jar: Jar) -> None:
    uploaded(jar, b"kimchi")
    jar.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    assert failed(jar, deletion, "e1") == RecordedFailure("failed", "unavailable", alarm=True)
    assert jar.ledger.rows == {}


def test_an_upload_that_was_deleted_by_the_api_meanwhile_is_overtaken(jar: Jar) -> None:
    event = uploaded(jar, b"kimchi")
    document = register_document(event, "e1", jar.directory, jar.ports_of, 100).document
    jar.ledger.publish(document, PublishedFacts(1, 1, 1, "en"), jar.clock())
    delete_document(document.document_id, jar.ports)
    assert failed(jar, event, "e1") == RecordedFailure("overtaken", "unavailable", alarm=False)
    assert row(jar).status == "deleting"


def test_a_version_that_answers_is_described_again_and_no_other(jar: Jar, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure may have left it half described; one that answered before was not touched."""
    event = uploaded(jar, b"kimchi")
    document = register_document(event, "e1", jar.directory, jar.ports_of, 100).document
    jar.ledger.publish(document, PublishedFacts(1, 0, 1, "en"), jar.clock())
    jar.documents.upload(f"{KEY}.metadata.json", b'{"metadataAttributes": {"year": 2026}}')
    failed(jar, event, "e1", document.version)
    assert row(jar).current_metadata == {"year": 2026}
    second = uploaded(jar, b"soy sauce")
    newer = register_document(second, "e2", jar.directory, jar.ports_of, 100).document
    monkeypatch.setattr(jar.ledger, "describe", refuse)
    failed(jar, second, "e2", newer.version)
    assert row(jar).current_version == document.version


def test_an_upload_without_a_version_is_rejected_as_one(jar: Jar) -> None:
    jar.documents.upload("tenants/nobody/a.txt", b"x")
    raw = {**jar.documents.events[-1]}
    raw["detail"] = {**raw["detail"], "object": {**raw["detail"]["object"]}}
    raw["detail"]["object"].pop("version-id")
    failed(jar, ObjectEvent.from_eventbridge(raw), "e1")
    assert list(jar.directory.rejections) == [("documents", "tenants/nobody/a.txt", "")]
