"""Limits of a tenant: which hold, and what is refused because of them."""

from dataclasses import replace

import pytest

from onggi.domain.document import document_id_of
from onggi.domain.errors import BadDocument, QuotaExceeded
from onggi.domain.tenant import ChosenLimits, TenantContext, TenantLimits
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.documents.deletion import delete_document
from onggi.steps.documents.uploads import UploadRequest, permit_upload
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import Registration, register_document
from onggi.steps.ingestion.remove_document import remove_document
from tests.unit.core.fakes import FakeTenant, tenant_named

BASIC = TenantLimits(10_000, 10 * 2**30, 100 * 2**20)
PREMIUM = TenantLimits(1_000_000, 2**40, 256 * 2**20)
INSTALLATION = 1000
"""Bytes of the largest document that the installation processes."""


def limit(acme: FakeTenant, documents: int = 100, stored_bytes: int = 1000, document_bytes: int = 1000) -> None:
    """Gives the tenant other limits, as an operator does."""
    acme.context = replace(acme.context, chosen_limits=ChosenLimits(documents, stored_bytes, document_bytes))
    record = acme.directory.records[acme.context.tenant_id]
    acme.directory.records[acme.context.tenant_id] = replace(record, context=acme.context)


def register(acme: FakeTenant, name: str, size: int) -> Registration:
    event = ObjectEvent.from_eventbridge(acme.documents.upload(acme.context.prefix + name, b"x" * size))
    try:
        return register_document(event, event.sequencer, owner_of(event, acme.directory), acme.ports_of, INSTALLATION)
    except BadDocument as bad:
        record_failure(
            StoppedExecution(event, event.sequencer, Failure(bad.code, bad.message, False)),
            acme.directory,
            acme.ports_of,
        )
        raise


def publish(acme: FakeTenant, registration: Registration) -> None:
    publish_document(acme.context, registration.document, PublishedFacts(1, 1, 1, "en"), acme.ports)


def store(acme: FakeTenant, name: str, size: int = 10) -> None:
    """Uploads a document until it answers."""
    publish(acme, register(acme, name, size))


def delete(acme: FakeTenant, name: str) -> None:
    """Deletes a document until nothing is left of it."""
    delete_document(document_id_of(acme.context, acme.context.prefix + name), acme.ports)
    event = ObjectEvent.from_eventbridge(acme.documents.events[-1])
    removal = register_document(event, event.sequencer, owner_of(event, acme.directory), acme.ports_of, INSTALLATION)
    remove_document(acme.context, removal.document, removal.versions, acme.ports)


def permit(acme: FakeTenant, name: str, size: int) -> None:
    permit_upload(acme.context, UploadRequest(name, "text/plain", size, {}), INSTALLATION, acme.ports)


def assert_refused(acme: FakeTenant, name: str, size: int, limit_named: str) -> None:
    """Neither permitted nor processed, and the uploader reads which limit it was."""
    with pytest.raises(QuotaExceeded, match=limit_named) as early:
        permit(acme, name, size)
    assert early.value.retry_after is None
    with pytest.raises(BadDocument, match=limit_named) as late:
        register(acme, name, size)
    assert late.value.code == "quota_exceeded"
    row = acme.ledger.rows[document_id_of(acme.context, acme.context.prefix + name)]
    assert (row.status, row.error_code, row.error_message) == ("failed", "quota_exceeded", late.value.message)


def test_what_was_not_chosen_is_the_tiers_whichever_that_becomes() -> None:
    tenant = replace(tenant_named(), chosen_limits=ChosenLimits(documents=5))
    largest = 2**40
    assert tenant.limits(largest) == replace(BASIC, documents=5)
    assert replace(tenant, tier="premium").limits(largest) == replace(PREMIUM, documents=5)


@pytest.mark.parametrize("chosen", [ChosenLimits(), ChosenLimits(document_bytes=2**40)])
def test_no_document_may_be_larger_than_the_installation_takes(chosen: ChosenLimits) -> None:
    assert replace(tenant_named(), chosen_limits=chosen).limits(9).document_bytes == 9


def test_a_context_keeps_what_was_chosen_only_and_one_from_before_has_its_tiers_limits() -> None:
    kept = replace(tenant_named(), chosen_limits=ChosenLimits(stored_bytes=7)).to_dict()
    assert kept["chosen_limits"] == {"stored_bytes": 7}
    del kept["chosen_limits"]
    assert TenantContext.from_dict(kept).limits(2**40) == BASIC


def test_a_document_more_than_the_limit_is_refused(acme: FakeTenant) -> None:
    limit(acme, documents=2)
    store(acme, "a.txt")
    permit(acme, "b.txt", 10)
    store(acme, "b.txt")
    assert_refused(acme, "c.txt", 10, "limit of 2 documents")


def test_bytes_more_than_the_limit_are_refused(acme: FakeTenant) -> None:
    limit(acme, stored_bytes=1000)
    store(acme, "a.txt", 900)
    permit(acme, "b.txt", 100)
    assert_refused(acme, "b.txt", 101, "limit of 1,000 bytes")
    assert_refused(acme, "never-seen.txt", 101, "limit of 1,000 bytes")
    store(acme, "b.txt", 100)


def test_a_larger_document_than_the_limit_is_refused(acme: FakeTenant) -> None:
    limit(acme, document_bytes=10)
    store(acme, "a.txt", 10)
    for refused in (permit, register):
        with pytest.raises(BadDocument) as caught:
            refused(acme, "a.txt", 11)
        assert caught.value.code == "too_large"


def test_a_replacement_counts_once(acme: FakeTenant) -> None:
    limit(acme, documents=1, stored_bytes=100)
    store(acme, "a.txt", 90)
    permit(acme, "a.txt", 100)
    store(acme, "a.txt", 100)
    assert_refused(acme, "a.txt", 101, "limit of 100 bytes")
    row = acme.ledger.rows[document_id_of(acme.context, "tenants/acme/a.txt")]
    assert (row.current_size, acme.ledger.stored().bytes) == (100, 100), "the version before answers still"


def test_below_what_there_is_only_growth_is_refused(acme: FakeTenant) -> None:
    for name in ("a.txt", "b.txt"):
        store(acme, name, 50)
    limit(acme, documents=1, stored_bytes=10)
    store(acme, "a.txt", 50)
    store(acme, "a.txt", 40)
    assert_refused(acme, "a.txt", 41, "limit of 10 bytes")
    assert_refused(acme, "c.txt", 1, "limit of 1 documents")


def test_what_was_deleted_or_has_failed_does_not_count(acme: FakeTenant) -> None:
    limit(acme, documents=1, stored_bytes=10)
    store(acme, "a.txt")
    assert_refused(acme, "b.txt", 1, "limit of 1 documents")
    delete(acme, "a.txt")
    assert acme.ledger.stored().documents == 0
    permit(acme, "c.txt", 10)
    store(acme, "c.txt", 10)


def test_after_a_limit_is_raised_the_same_upload_is_taken(acme: FakeTenant) -> None:
    limit(acme, documents=1)
    store(acme, "a.txt")
    assert_refused(acme, "b.txt", 10, "limit of 1 documents")
    limit(acme, documents=2)
    permit(acme, "b.txt", 10)
    store(acme, "b.txt")
    assert acme.ledger.stored().documents == 2


def test_what_is_being_processed_does_not_count_yet(acme: FakeTenant) -> None:
    limit(acme, documents=1)
    first, second = (register(acme, name, 10) for name in ("a.txt", "b.txt"))
    publish(acme, first)
    publish(acme, second)
    assert acme.ledger.stored().documents == 2
    assert_refused(acme, "c.txt", 10, "limit of 1 documents")


def test_a_repeated_registration_is_refused_again(acme: FakeTenant) -> None:
    limit(acme, documents=1)
    store(acme, "a.txt")
    event = ObjectEvent.from_eventbridge(acme.documents.upload("tenants/acme/b.txt", b"x"))
    for _ in range(2):
        with pytest.raises(BadDocument, match="quota_exceeded"):
            register_document(event, "e1", owner_of(event, acme.directory), acme.ports_of, INSTALLATION)
