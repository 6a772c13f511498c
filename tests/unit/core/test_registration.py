"""Which version RegisterDocument takes an event for."""

from dataclasses import replace

from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.register_document import register_document, unseen_version
from tests.unit.core.fakes import FakeTenant, tenant_named

KEY = "tenants/acme/a.txt"


def uploaded(acme: FakeTenant, content: bytes) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(acme.documents.upload(KEY, content))


def test_an_event_is_about_its_own_version_and_not_the_newest(acme: FakeTenant) -> None:
    first, second = uploaded(acme, b"kimchi"), uploaded(acme, b"soy sauce")
    registration = register_document(first, "e1", owner_of(first, acme.directory), acme.ports_of, 100)
    assert (registration.outcome, registration.document.version) == ("process", first.version)
    assert registration.document.size == len(b"kimchi")
    assert second.version != first.version


def test_a_late_deletion_removes_what_was_there_before_and_not_what_came_after(acme: FakeTenant) -> None:
    first = uploaded(acme, b"kimchi")
    document = register_document(first, "e1", owner_of(first, acme.directory), acme.ports_of, 100).document
    acme.ledger.publish(document, PublishedFacts(1, 1, 1, "en"), acme.clock())
    acme.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    uploaded(acme, b"soy sauce")
    assert register_document(deletion, "e2", owner_of(deletion, acme.directory), acme.ports_of, 100).outcome == "remove"


def test_an_upload_that_is_gone_is_stale_after_a_move_too(acme: FakeTenant) -> None:
    moved = replace(acme.context, placement=replace(acme.context.placement, generation=1))
    acme.directory.records["acme"] = replace(acme.directory.records["acme"], context=moved)
    event = uploaded(acme, b"kimchi")
    acme.documents.remove_version(KEY, event.version or "")
    assert register_document(event, "e1", owner_of(event, acme.directory), lambda _: acme.ports, 100).outcome == "stale"


def test_an_event_of_a_bucket_without_versions_names_none(acme: FakeTenant) -> None:
    event = replace(uploaded(acme, b"kimchi"), version=None)
    assert unseen_version(event, tenant_named()).version == ""
