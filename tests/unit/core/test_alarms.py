"""Which failures an operator is called for: faults of ours, and none that a newer event has made needless."""

from typing import Any

import pytest

from onggi.domain.upload import ObjectEvent
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.record_failure import Failure, RecordedFailure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import FakeTenant

OURS = Failure("internal", "A fault.", ours=True)
THEIRS = Failure("corrupt", "Broken.", ours=False)


def uploaded(acme: FakeTenant, key: str = "tenants/acme/a.txt") -> ObjectEvent:
    return ObjectEvent.from_eventbridge(acme.documents.upload(key, b"kimchi"))


def recorded(acme: FakeTenant, event: ObjectEvent, failure: Failure, execution: str = "e1") -> RecordedFailure:
    return record_failure(StoppedExecution(event, execution, failure), acme.directory, acme.ports_of)


@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize("failure", [OURS, THEIRS])
def test_an_operator_is_called_for_a_fault_of_ours_and_not_for_a_bad_document(
    acme: FakeTenant, failure: Failure, *, registered: bool
) -> None:
    event = uploaded(acme)
    if registered:
        register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100)
    assert recorded(acme, event, failure) == RecordedFailure("failed", failure.code, alarm=failure.ours)
    assert acme.meter.total("DocumentsFailed") == 1


@pytest.mark.parametrize("failure", [OURS, THEIRS])
def test_nobody_is_called_for_work_that_a_newer_event_has_made_needless(acme: FakeTenant, failure: Failure) -> None:
    event, newer = uploaded(acme), uploaded(acme)
    register_document(newer, "e2", owner_of(newer, acme.directory), acme.ports_of, 100)
    assert recorded(acme, event, failure) == RecordedFailure("overtaken", failure.code, alarm=False)
    assert acme.meter.total("DocumentsFailed") == 0


def deletion(acme: FakeTenant, kind: str) -> ObjectEvent:
    """A deletion of a document that had been registered, registered itself by e2."""
    event = uploaded(acme)
    register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, 100)
    if kind == "marker":
        acme.documents.delete(event.key)
    else:
        acme.documents.remove_version(event.key, event.version or "")
    deleted = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    assert register_document(deleted, "e2", owner_of(deleted, acme.directory), acme.ports_of, 100).outcome == "remove"
    return deleted


@pytest.mark.parametrize("kind", ["marker", "for good"])
@pytest.mark.parametrize("overtaken", [True, False])
def test_an_operator_is_called_for_a_removal_that_stopped_unless_a_newer_event_came(
    acme: FakeTenant, kind: str, *, overtaken: bool
) -> None:
    deleted = deletion(acme, kind)
    before: Any = acme.ledger.rows.copy()
    if overtaken:
        register_document(uploaded(acme), "e3", owner_of(uploaded(acme), acme.directory), acme.ports_of, 100)
        outcome = "overtaken"
    else:
        outcome = "failed"
    found = recorded(acme, deleted, OURS, "e2")
    assert (found.outcome, found.alarm) == (outcome, not overtaken)
    assert acme.meter.total("DocumentsFailed") == 0, "nothing of the document answers any more"
    if not overtaken:
        assert acme.ledger.rows == before, "it keeps its status, and deleting it again starts a new removal"


def test_an_upload_of_nobody_calls_nobody(acme: FakeTenant) -> None:
    event = uploaded(acme, "tenants/nobody/a.txt")
    assert recorded(acme, event, OURS) == RecordedFailure("rejected", "unknown_tenant", alarm=False)
    ((code, message),) = acme.directory.rejections.values()
    assert code == "unknown_tenant"
    assert "tenants/<tenant id>/" in message
