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
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, record_failure
from onggi.steps.ingestion.register_document import Registration, register_document
from onggi.steps.ingestion.remove_document import remove_document
from tests.unit.core.fakes import Jar, tenant_named

BASIC = TenantLimits(10_000, 10 * 2**30, 100 * 2**20)
PREMIUM = TenantLimits(1_000_000, 2**40, 256 * 2**20)
INSTALLATION = 1000
"""Bytes of the largest document that the installation processes."""


def limit(jar: Jar, documents: int = 100, stored_bytes: int = 1000, document_bytes: int = 1000) -> None:
    """Gives the tenant other limits, as an operator does."""
    jar.tenant = replace(jar.tenant, chosen_limits=ChosenLimits(documents, stored_bytes, document_bytes))
    record = jar.directory.records[jar.tenant.tenant_id]
    jar.directory.records[jar.tenant.tenant_id] = replace(record, context=jar.tenant)


def register(jar: Jar, name: str, size: int) -> Registration:
    event = ObjectEvent.from_eventbridge(jar.documents.upload(jar.tenant.prefix + name, b"x" * size))
    try:
        return register_document(event, event.sequencer, jar.directory, jar.ports_of, INSTALLATION)
    except BadDocument as bad:
        record_failure(event, event.sequencer, Failure(bad.code, bad.message, False), jar.directory, jar.ports_of)
        raise


def publish(jar: Jar, registration: Registration) -> None:
    publish_document(jar.tenant, registration.document, PublishedFacts(1, 1, 1, "en"), jar.ports)


def store(jar: Jar, name: str, size: int = 10) -> None:
    """Uploads a document until it answers."""
    publish(jar, register(jar, name, size))


def delete(jar: Jar, name: str) -> None:
    """Deletes a document until nothing is left of it."""
    delete_document(document_id_of(jar.tenant, jar.tenant.prefix + name), jar.ports)
    event = ObjectEvent.from_eventbridge(jar.documents.events[-1])
    removal = register_document(event, event.sequencer, jar.directory, jar.ports_of, INSTALLATION)
    remove_document(jar.tenant, removal.document, removal.versions, jar.ports)


def permit(jar: Jar, name: str, size: int) -> None:
    permit_upload(jar.tenant, UploadRequest(name, "text/plain", size, {}), INSTALLATION, jar.ports)


def assert_refused(jar: Jar, name: str, size: int, limit_named: str) -> None:
    """Neither permitted nor processed, and the uploader reads which limit it was."""
    with pytest.raises(QuotaExceeded, match=limit_named) as early:
        permit(jar, name, size)
    assert early.value.retry_after is None
    with pytest.raises(BadDocument, match=limit_named) as late:
        register(jar, name, size)
    assert late.value.code == "quota_exceeded"
    row = jar.ledger.rows[document_id_of(jar.tenant, jar.tenant.prefix + name)]
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


def test_a_document_more_than_the_limit_is_refused(jar: Jar) -> None:
    limit(jar, documents=2)
    store(jar, "a.txt")
    permit(jar, "b.txt", 10)
    store(jar, "b.txt")
    assert_refused(jar, "c.txt", 10, "limit of 2 documents")


def test_bytes_more_than_the_limit_are_refused(jar: Jar) -> None:
    limit(jar, stored_bytes=1000)
    store(jar, "a.txt", 900)
    permit(jar, "b.txt", 100)
    assert_refused(jar, "b.txt", 101, "limit of 1,000 bytes")
    assert_refused(jar, "never-seen.txt", 101, "limit of 1,000 bytes")
    store(jar, "b.txt", 100)


def test_a_larger_document_than_the_limit_is_refused(jar: Jar) -> None:
    limit(jar, document_bytes=10)
    store(jar, "a.txt", 10)
    for refused in (permit, register):
        with pytest.raises(BadDocument) as caught:
            refused(jar, "a.txt", 11)
        assert caught.value.code == "too_large"


def test_a_replacement_counts_once(jar: Jar) -> None:
    limit(jar, documents=1, stored_bytes=100)
    store(jar, "a.txt", 90)
    permit(jar, "a.txt", 100)
    store(jar, "a.txt", 100)
    assert_refused(jar, "a.txt", 101, "limit of 100 bytes")
    row = jar.ledger.rows[document_id_of(jar.tenant, "tenants/acme/a.txt")]
    assert (row.current_size, jar.ledger.stored().bytes) == (100, 100), "the version before answers still"


def test_below_what_there_is_only_growth_is_refused(jar: Jar) -> None:
    for name in ("a.txt", "b.txt"):
        store(jar, name, 50)
    limit(jar, documents=1, stored_bytes=10)
    store(jar, "a.txt", 50)
    store(jar, "a.txt", 40)
    assert_refused(jar, "a.txt", 41, "limit of 10 bytes")
    assert_refused(jar, "c.txt", 1, "limit of 1 documents")


def test_what_was_deleted_or_has_failed_does_not_count(jar: Jar) -> None:
    limit(jar, documents=1, stored_bytes=10)
    store(jar, "a.txt")
    assert_refused(jar, "b.txt", 1, "limit of 1 documents")
    delete(jar, "a.txt")
    assert jar.ledger.stored().documents == 0
    permit(jar, "c.txt", 10)
    store(jar, "c.txt", 10)


def test_after_a_limit_is_raised_the_same_upload_is_taken(jar: Jar) -> None:
    limit(jar, documents=1)
    store(jar, "a.txt")
    assert_refused(jar, "b.txt", 10, "limit of 1 documents")
    limit(jar, documents=2)
    permit(jar, "b.txt", 10)
    store(jar, "b.txt")
    assert jar.ledger.stored().documents == 2


def test_what_is_on_its_way_does_not_count_yet(jar: Jar) -> None:
    limit(jar, documents=1)
    first, second = (register(jar, name, 10) for name in ("a.txt", "b.txt"))
    publish(jar, first)
    publish(jar, second)
    assert jar.ledger.stored().documents == 2
    assert_refused(jar, "c.txt", 10, "limit of 1 documents")


def test_a_repeated_registration_is_refused_again(jar: Jar) -> None:
    limit(jar, documents=1)
    store(jar, "a.txt")
    event = ObjectEvent.from_eventbridge(jar.documents.upload("tenants/acme/b.txt", b"x"))
    for _ in range(2):
        with pytest.raises(BadDocument, match="quota_exceeded"):
            register_document(event, "e1", jar.directory, jar.ports_of, INSTALLATION)
