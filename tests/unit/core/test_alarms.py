"""Which failures an operator is called for: faults of ours, and none that a newer event has made needless."""

from typing import Any

import pytest

from onggi.domain.upload import ObjectEvent
from onggi.steps.ingestion.record_failure import Failure, RecordedFailure, record_failure
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import Jar

OURS = Failure("internal", "A fault.", ours=True)
THEIRS = Failure("corrupt", "Broken.", ours=False)


def uploaded(jar: Jar, key: str = "tenants/acme/a.txt") -> ObjectEvent:
    return ObjectEvent.from_eventbridge(jar.documents.upload(key, b"kimchi"))


def recorded(jar: Jar, event: ObjectEvent, failure: Failure, execution: str = "e1") -> RecordedFailure:
    return record_failure(event, execution, failure, jar.directory, jar.ports_of)


@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize("failure", [OURS, THEIRS])
def test_an_operator_is_called_for_a_fault_of_ours_and_not_for_a_bad_document(
    jar: Jar, failure: Failure, *, registered: bool
) -> None:
    event = uploaded(jar)
    if registered:
        register_document(event, "e1", jar.directory, jar.ports_of, 100)
    assert recorded(jar, event, failure) == RecordedFailure("failed", failure.code, alarm=failure.ours)
    assert jar.meter.total("DocumentsFailed") == 1


@pytest.mark.parametrize("failure", [OURS, THEIRS])
def test_nobody_is_called_for_work_that_a_newer_event_has_made_needless(jar: Jar, failure: Failure) -> None:
    event, newer = uploaded(jar), uploaded(jar)
    register_document(newer, "e2", jar.directory, jar.ports_of, 100)
    assert recorded(jar, event, failure) == RecordedFailure("overtaken", failure.code, alarm=False)
    assert jar.meter.total("DocumentsFailed") == 0


def deletion(jar: Jar, kind: str) -> ObjectEvent:
    """A deletion of a document that had been registered, registered itself by e2."""
    event = uploaded(jar)
    register_document(event, "e1", jar.directory, jar.ports_of, 100)
    if kind == "marker":
        jar.documents.delete(event.key)
    else:
        jar.documents.remove_version(event.key, event.version or "")
    deleted = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    assert register_document(deleted, "e2", jar.directory, jar.ports_of, 100).outcome == "remove"
    return deleted


@pytest.mark.parametrize("kind", ["marker", "for good"])
@pytest.mark.parametrize("overtaken", [True, False])
def test_an_operator_is_called_for_a_removal_that_stopped_unless_a_newer_event_came(
    jar: Jar, kind: str, *, overtaken: bool
) -> None:
    deleted = deletion(jar, kind)
    before: Any = jar.ledger.rows.copy()
    if overtaken:
        register_document(uploaded(jar), "e3", jar.directory, jar.ports_of, 100)
        outcome = "overtaken"
    else:
        outcome = "failed"
    found = recorded(jar, deleted, OURS, "e2")
    assert (found.outcome, found.alarm) == (outcome, not overtaken)
    assert jar.meter.total("DocumentsFailed") == 0, "nothing of the document answers any more"
    if not overtaken:
        assert jar.ledger.rows == before, "it keeps its status, and deleting it again starts a new removal"


def test_an_upload_of_nobody_calls_nobody(jar: Jar) -> None:
    event = uploaded(jar, "tenants/nobody/a.txt")
    assert recorded(jar, event, OURS) == RecordedFailure("rejected", "unknown_tenant", alarm=False)
    ((code, message),) = jar.directory.rejections.values()
    assert code == "unknown_tenant"
    assert "tenants/<tenant id>/" in message
