"""Which version RegisterDocument takes an event for."""

from dataclasses import replace

from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.register_document import register_document, unseen_version
from tests.unit.core.fakes import Jar, tenant_named

KEY = "tenants/acme/a.txt"


def uploaded(jar: Jar, content: bytes) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(jar.documents.upload(KEY, content))


def test_an_event_is_about_its_own_version_and_not_the_newest(jar: Jar) -> None:
    first, second = uploaded(jar, b"kimchi"), uploaded(jar, b"soy sauce")
    registration = register_document(first, "e1", jar.directory, jar.ports_of, 100)
    assert (registration.outcome, registration.document.version) == ("process", first.version)
    assert registration.document.size == len(b"kimchi")
    assert second.version != first.version


def test_a_late_deletion_removes_what_was_there_before_and_not_what_came_after(jar: Jar) -> None:
    first = uploaded(jar, b"kimchi")
    document = register_document(first, "e1", jar.directory, jar.ports_of, 100).document
    jar.ledger.publish(document, PublishedFacts(1, 1, 1, "en"), jar.clock())
    jar.documents.delete(KEY)
    deletion = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    uploaded(jar, b"soy sauce")
    assert register_document(deletion, "e2", jar.directory, jar.ports_of, 100).outcome == "remove"


def test_an_upload_that_is_gone_is_stale_after_a_move_too(jar: Jar) -> None:
    moved = replace(jar.tenant, placement=replace(jar.tenant.placement, generation=1))
    jar.directory.records["acme"] = replace(jar.directory.records["acme"], context=moved)
    event = uploaded(jar, b"kimchi")
    jar.documents.remove_version(KEY, event.version or "")
    assert register_document(event, "e1", jar.directory, lambda _: jar.ports, 100).outcome == "stale"


def test_an_event_of_a_bucket_without_versions_names_none(jar: Jar) -> None:
    event = replace(uploaded(jar, b"kimchi"), version=None)
    assert unseen_version(event, tenant_named()).version == ""
