"""Uploads of tenants that are not active: whatever interleaves and crashes, each is processed afterwards."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.adapters.aws import AwsSession
from onggi.adapters.deferred_events import DynamoDeferredEvents
from onggi.domain.errors import TransientError
from onggi.domain.upload import ObjectEvent
from onggi.ports.tenants import DeferredEvent, DeferredEvents
from onggi.steps.ingestion.defer_event import defer_event
from onggi.steps.tenancy.process_deferred_events import process_deferred_events
from tests.unit.core.conftest import CONTROL_TABLE
from tests.unit.core.fakes import FakeDeferredEvents, FakeDirectory, FakeTenant, FakeWorkflow, one_step


@pytest.fixture(params=["fake", "dynamodb"])
def waiting(request: pytest.FixtureRequest) -> DeferredEvents:
    if request.param == "fake":
        return FakeDeferredEvents()
    return DynamoDeferredEvents(request.getfixturevalue("aws"), CONTROL_TABLE)


def event_named(
    key: str = "a.txt", sequencer: str = "01", noted_by: str = "e1", bucket: str = "documents"
) -> DeferredEvent:
    s3_object = {"key": key, "sequencer": sequencer, "etag": "김치"}
    detail = {"bucket": {"name": bucket}, "object": s3_object}
    event = {"detail-type": "Object Created", "time": "2026-11-21T09:00:00Z", "detail": detail}
    return DeferredEvent(key, sequencer, noted_by, event)


def test_the_newest_event_of_each_key_waits(waiting: DeferredEvents, unused_tenant_id: str) -> None:
    newest = [event_named("a.txt", "02", "e2"), event_named("b.txt", "01", "e4")]
    for event in (event_named("a.txt", "01", "e1"), *newest, event_named("a.txt", "01", "e3")):
        waiting.note(unused_tenant_id, event)
    found = waiting.some(unused_tenant_id, 10)
    assert sorted(found, key=lambda event: event.key) == newest
    assert len(waiting.some(unused_tenant_id, 1)) == 1
    assert waiting.some("another-tenant", 10) == []


def test_what_was_noted_again_is_not_forgotten(waiting: DeferredEvents, unused_tenant_id: str) -> None:
    first, again = event_named(noted_by="e1"), event_named(noted_by="released-1")
    waiting.note(unused_tenant_id, first)
    waiting.note(unused_tenant_id, again)
    waiting.forget(unused_tenant_id, first)
    assert waiting.some(unused_tenant_id, 10) == [again]
    for _ in range(2):
        waiting.forget(unused_tenant_id, again)
    assert waiting.some(unused_tenant_id, 10) == []


def test_a_key_may_be_as_long_as_s3_allows(aws: AwsSession, unused_tenant_id: str) -> None:
    waiting = DynamoDeferredEvents(aws, CONTROL_TABLE)
    waiting.note(unused_tenant_id, event_named("x" * 1024))
    assert [event.key for event in waiting.some(unused_tenant_id, 1)] == ["x" * 1024]


class Suspending(FakeDirectory):
    """A directory in which the status changes between one look and the next."""

    def __init__(self, acme: FakeTenant, *statuses: str) -> None:
        super().__init__()
        self._acme, self._statuses = acme, list(statuses)

    def find(self, tenant_id: str) -> Any:
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        record = self._acme.directory.records.get(tenant_id)
        return replace(record, status=status) if record and status != "gone" else None  # type: ignore[arg-type]  # statuses


@pytest.mark.parametrize(
    ("statuses", "admission", "notes"),
    [
        (["active"], "admitted", 0),
        (["suspended"], "deferred", 1),
        (["provisioning"], "deferred", 1),
        (["failed"], "deferred", 1),
        (["removing"], "ignored", 0),
        (["suspended", "active"], "admitted", 0),
        (["suspended", "removing"], "ignored", 0),
        (["suspended", "gone"], "ignored", 0),
    ],
)
def test_an_event_is_let_in_waits_or_goes_with_its_tenant(
    acme: FakeTenant, statuses: list[str], admission: str, notes: int
) -> None:
    raw = acme.documents.upload("tenants/acme/a.txt", b"kimchi")
    waiting = FakeDeferredEvents()
    event = ObjectEvent.from_eventbridge(raw)
    assert defer_event(event, raw, "e1", Suspending(acme, *statuses), waiting).outcome == admission
    assert len(waiting.noted) == notes


def test_of_what_belongs_to_nobody_uploads_are_told_and_deletions_are_not(acme: FakeTenant) -> None:
    raw = acme.documents.upload("tenants/nobody/a.txt", b"kimchi")
    event = ObjectEvent.from_eventbridge(raw)
    for kind, admission in (("created", "admitted"), ("deleted", "ignored"), ("version_removed", "ignored")):
        told = replace(event, kind=kind)  # type: ignore[arg-type]  # kinds of events
        assert defer_event(told, raw, "e1", acme.directory, FakeDeferredEvents()).outcome == admission


class CrashError(Exception): ...


class CrashingEvents(FakeDeferredEvents):
    """Crashes before it forgets, when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.crashes: list[bool] = []

    def forget(self, tenant_id: str, waiting: DeferredEvent) -> None:
        if self.crashes and self.crashes.pop(0):
            raise CrashError
        super().forget(tenant_id, waiting)


@given(
    keys=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=8),
    crashes=st.lists(st.booleans(), max_size=6),
    suspended_again=st.booleans(),
)
def test_nothing_is_lost_and_nothing_starts_twice(keys: list[str], crashes: list[bool], suspended_again: bool) -> None:
    acme, waiting, ingestion = FakeTenant(), CrashingEvents(), FakeWorkflow()
    acme.directory.set_status("acme", "suspended")
    newest: dict[str, dict[str, Any]] = {}
    for number, key in enumerate(keys):
        raw = acme.documents.upload(f"tenants/acme/{key}", str(number).encode())
        newest[key] = raw
        assert admit(acme, raw, f"e{number}", waiting) == "deferred"
    if suspended_again:  # what was started meets a tenant that is suspended once more, and waits again
        process_deferred_events(acme.directory.records["acme"], waiting, ingestion, one_step)
        for name, started in list(ingestion.started.items()):
            assert admit(acme, started, name, waiting) == "deferred"
            ingestion.ended.add(name)
    acme.directory.set_status("acme", "active")
    before = set(ingestion.started)
    waiting.crashes = crashes
    while True:
        try:
            if not process_deferred_events(acme.directory.records["acme"], waiting, ingestion, one_step):
                break
        except CrashError:
            ingestion.ended |= set(ingestion.started)
    admitted = [event for name, event in ingestion.started.items() if name not in before]
    assert sorted(map(str, admitted)) == sorted(map(str, newest.values()))


def admit(acme: FakeTenant, raw: Any, execution: str, waiting: DeferredEvents) -> str:
    return defer_event(ObjectEvent.from_eventbridge(raw), raw, execution, acme.directory, waiting).outcome


def test_many_are_released_batch_by_batch(acme: FakeTenant) -> None:
    """50 executions are started within seconds; the workflow calls until nothing waits."""
    waiting, ingestion = FakeDeferredEvents(), FakeWorkflow()
    for number in range(101):
        waiting.note("acme", event_named(f"{number}.txt"))
    released = []
    for _ in range(4):
        more = process_deferred_events(acme.directory.records["acme"], waiting, ingestion, one_step)
        released.append((more, len(ingestion.started)))
    assert released == [(True, 50), (True, 100), (True, 101), (False, 101)]


def test_half_a_minute_is_enough_for_more_batches(acme: FakeTenant) -> None:
    waiting, ingestion = FakeDeferredEvents(), FakeWorkflow()
    for number in range(101):
        waiting.note("acme", event_named(f"{number}.txt"))
    assert process_deferred_events(acme.directory.records["acme"], waiting, ingestion, lambda: 30.0) is False
    assert len(ingestion.started) == 101


def test_a_workflow_that_cannot_be_started_keeps_the_event(acme: FakeTenant) -> None:
    waiting, ingestion = FakeDeferredEvents(), FakeWorkflow()
    waiting.note("acme", event_named())
    ingestion.fault = TransientError("down")
    with pytest.raises(TransientError):
        process_deferred_events(acme.directory.records["acme"], waiting, ingestion, one_step)
    assert len(waiting.noted) == 1
