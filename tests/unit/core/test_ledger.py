"""One contract for the ledger in DynamoDB and for the fake that other tests rest on."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onggi.adapters.aws import AwsSession
from onggi.adapters.dynamodb import encode_cursor
from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.domain.document import Document, DocumentStatus
from onggi.domain.errors import InvalidRequest, TransientError
from onggi.domain.tenant import TenantContext
from onggi.ports.ledger import DocumentLedger, PublishedFacts, Stored
from tests.unit.core.conftest import TENANT_TABLE
from tests.unit.core.fakes import FakeLedger, tenant_named, version_of

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
FACTS = PublishedFacts(pages=2, chunks=7, tokens=90, language="ko")


@pytest.fixture
def tenant(unused_tenant_id: str) -> TenantContext:
    return tenant_named(unused_tenant_id)


@pytest.fixture(params=["fake", "dynamodb"])
def ledger(request: pytest.FixtureRequest, tenant: TenantContext) -> DocumentLedger:
    if request.param == "fake":
        return FakeLedger()
    return DynamoDocumentLedger(request.getfixturevalue("aws"), TENANT_TABLE, tenant)


def row_of(ledger: DocumentLedger, document_id: str) -> Document:
    row = ledger.get(document_id)
    assert row is not None
    return row


def publish(ledger: DocumentLedger, tenant: TenantContext, **facts: Any) -> Document:
    version = version_of(tenant, **facts)
    assert ledger.claim(version, "e-" + version.version) == "claimed"
    published = ledger.publish(version, FACTS, NOW)
    assert published is not None
    return published


def test_a_claim_is_the_documents_first_row(ledger: DocumentLedger, tenant: TenantContext) -> None:
    version = version_of(tenant, metadata={"부서": "법무", "year": 2026, "tags": ["a", "b"]})
    assert ledger.claim(version, "e1") == "claimed"
    row = row_of(ledger, version.document_id)
    assert (row.status, row.version, row.execution, row.current_version) == ("processing", "v1", "e1", None)
    assert (row.name, row.key, row.size, row.metadata) == (version.name, version.key, 100, version.metadata)
    assert row.versions == {"v1"}
    assert ledger.stored() == Stored(0, 0, 0)


@pytest.mark.parametrize(
    ("sequencer", "execution", "outcome"),
    [
        ("02", "e2", "claimed"),
        ("01", "e1", "claimed"),
        ("01", "e2", "duplicate"),
        ("0100", "e2", "duplicate"),
        ("00FF", "e1", "stale"),
    ],
)
def test_a_second_claim(
    ledger: DocumentLedger, tenant: TenantContext, sequencer: str, execution: str, outcome: str
) -> None:
    ledger.claim(version_of(tenant), "e1")
    assert ledger.claim(version_of(tenant, "v2", sequencer), execution) == outcome


@pytest.mark.parametrize(
    ("sequencer", "execution", "is_released"), [(None, "e1", True), (None, "e2", False), ("0" * 64, "e1", False)]
)
def test_a_released_claim_is_anybodys(
    ledger: DocumentLedger, tenant: TenantContext, sequencer: str | None, execution: str, *, is_released: bool
) -> None:
    version = version_of(tenant)
    ledger.claim(version, "e1")
    ledger.release(version.document_id, sequencer or version.sequencer, execution)
    assert ledger.claim(version, "another") == ("claimed" if is_released else "duplicate")
    assert row_of(ledger, version.document_id).execution == ("another" if is_released else "e1")
    assert ledger.claim(version, "a third") == "duplicate"


def test_what_was_published_cannot_be_released(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    ledger.release(published.document_id, published.sequencer, published.execution)
    assert ledger.claim(version_of(tenant), "another") == "duplicate"


def test_a_claim_of_what_is_published_is_a_duplicate_even_for_its_own_execution(
    ledger: DocumentLedger, tenant: TenantContext
) -> None:
    published = publish(ledger, tenant)
    assert ledger.claim(version_of(tenant), "e-v1") == "duplicate"
    assert row_of(ledger, published.document_id).status == "ready"


def test_the_old_version_answers_until_the_new_one_is_published(ledger: DocumentLedger, tenant: TenantContext) -> None:
    publish(ledger, tenant)
    newer = version_of(tenant, "v2", "02", size=300)
    ledger.claim(newer, "e2")
    row = row_of(ledger, newer.document_id)
    assert (row.version, row.status, row.current_version, row.chunks) == ("v2", "processing", "v1", 7)
    assert row.versions == {"v1", "v2"}
    published = ledger.publish(newer, replace(FACTS, chunks=2), NOW)
    assert published == row_of(ledger, newer.document_id)
    assert (published.current_version, published.chunks, published.current_size) == ("v2", 2, 300)
    assert ledger.stored() == Stored(2, 300, 1)


def test_publishing_twice_counts_once(ledger: DocumentLedger, tenant: TenantContext) -> None:
    first = publish(ledger, tenant)
    again = ledger.publish(version_of(tenant), FACTS, NOW + timedelta(minutes=1))
    assert again == first
    assert ledger.stored() == Stored(7, 100, 1)


def test_an_overtaken_version_is_not_published(ledger: DocumentLedger, tenant: TenantContext) -> None:
    ledger.claim(version_of(tenant), "e1")
    ledger.claim(version_of(tenant, "v2", "02"), "e2")
    assert ledger.publish(version_of(tenant), FACTS, NOW) is None
    assert ledger.stored() == Stored(0, 0, 0)


def test_an_unknown_or_failed_version_is_not_published(ledger: DocumentLedger, tenant: TenantContext) -> None:
    version = version_of(tenant)
    assert ledger.publish(version, FACTS, NOW) is None
    ledger.claim(version, "e1")
    ledger.fail(version, "e1", "corrupt", "Broken.")
    assert ledger.publish(version, FACTS, NOW) is None


def test_a_version_claimed_again_by_a_newer_event_is_published_by_that_event_only(
    ledger: DocumentLedger, tenant: TenantContext
) -> None:
    ledger.claim(version_of(tenant), "e1")
    ledger.claim(version_of(tenant, sequencer="05"), "e5")
    assert ledger.publish(version_of(tenant), FACTS, NOW) is None
    assert ledger.publish(version_of(tenant, sequencer="05"), FACTS, NOW) is not None


def test_confirming_moves_a_published_version_past_older_events(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    assert ledger.confirm(version_of(tenant, sequencer="05"))
    assert ledger.claim_deletion(published.document_id, published.key, published.name, "04", "e4") == "stale"
    assert row_of(ledger, published.document_id).current_version == "v1"
    assert not ledger.confirm(version_of(tenant, sequencer="03"))


def test_only_the_published_version_can_be_confirmed(ledger: DocumentLedger, tenant: TenantContext) -> None:
    assert not ledger.confirm(version_of(tenant))
    assert ledger.get(version_of(tenant).document_id) is None
    ledger.claim(version_of(tenant), "e1")
    assert not ledger.confirm(version_of(tenant, sequencer="05"))
    publish(ledger, tenant, sequencer="06")
    assert not ledger.confirm(version_of(tenant, "v0", "07"))


def test_nothing_answers_once_a_deletion_is_registered(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    outcome = ledger.claim_deletion(published.document_id, published.key, published.name, "02", "e2")
    row = row_of(ledger, published.document_id)
    assert (outcome, row.status, row.current_version) == ("claimed", "deleting", None)
    assert row.versions == {"v1"}
    assert ledger.claim_deletion(published.document_id, published.key, published.name, "02", "e2") == "claimed"
    assert ledger.claim_deletion(published.document_id, published.key, published.name, "02", "e3") == "duplicate"
    assert ledger.claim_deletion(published.document_id, published.key, published.name, "01", "e3") == "stale"


def test_a_deletion_ends_with_its_receipt_and_nothing_stored(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    sequencer = version_of(tenant, sequencer="02").sequencer
    ledger.claim_deletion(published.document_id, published.key, published.name, sequencer, "e2")
    ledger.forget_version(published.document_id, "v1")
    assert ledger.mark_deleted(published.document_id, sequencer, {"vectors": 7}, NOW)
    assert ledger.mark_deleted(published.document_id, sequencer, {"vectors": 0}, NOW), "a repetition changes nothing"
    row = row_of(ledger, published.document_id)
    assert (row.status, row.receipt, row.versions, row.chunks) == ("deleted", {"vectors": 7}, frozenset(), 0)
    assert ledger.stored() == Stored(0, 0, 0)


def test_the_deletion_of_what_was_never_seen_is_kept_against_late_uploads(
    ledger: DocumentLedger, tenant: TenantContext
) -> None:
    late = version_of(tenant)
    sequencer = version_of(tenant, sequencer="02").sequencer
    assert ledger.claim_deletion(late.document_id, late.key, late.name, sequencer, "e2") == "claimed"
    assert ledger.claim(late, "e1") == "stale"
    assert ledger.mark_deleted(late.document_id, sequencer, {"vectors": 0}, NOW)
    assert row_of(ledger, late.document_id).uploaded_at == "2026-11-21T09:30:00.000Z"


def test_an_overtaken_deletion_does_not_end(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    sequencer = version_of(tenant, sequencer="02").sequencer
    ledger.claim_deletion(published.document_id, published.key, published.name, sequencer, "e2")
    newer = publish(ledger, tenant, version="v3", sequencer="03", size=5)
    assert not ledger.mark_deleted(published.document_id, sequencer, {}, NOW)
    assert row_of(ledger, published.document_id) == newer
    assert ledger.stored() == Stored(7, 5, 1)


def test_a_new_upload_of_a_deleted_document_forgets_the_receipt(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    sequencer = version_of(tenant, sequencer="02").sequencer
    ledger.claim_deletion(published.document_id, published.key, published.name, sequencer, "e2")
    ledger.mark_deleted(published.document_id, sequencer, {"vectors": 7}, NOW)
    ledger.claim(version_of(tenant, "v3", "03"), "e3")
    assert row_of(ledger, published.document_id).receipt is None


def test_a_failure_is_told_and_the_version_before_still_answers(ledger: DocumentLedger, tenant: TenantContext) -> None:
    publish(ledger, tenant)
    newer = version_of(tenant, "v2", "02")
    ledger.claim(newer, "e2")
    assert ledger.fail(newer, "e2", "corrupt", "Broken.")
    assert ledger.fail(newer, "e2", "corrupt", "Broken."), "a repetition is no other failure"
    row = row_of(ledger, newer.document_id)
    assert (row.status, row.error_code, row.error_message) == ("failed", "corrupt", "Broken.")
    assert (row.current_version, row.chunks) == ("v1", 7)
    assert ledger.stored() == Stored(7, 100, 1)


def test_a_version_may_fail_before_it_is_registered(ledger: DocumentLedger, tenant: TenantContext) -> None:
    version = version_of(tenant)
    assert ledger.fail(version, "e1", "invalid_metadata", "Bad.")
    row = row_of(ledger, version.document_id)
    assert (row.status, row.version, row.size, row.uploaded_at) == ("failed", "v1", 100, version.uploaded_at)
    newer = version_of(tenant, "v2", "02", size=3, uploaded_at="2026-11-22T00:00:00.000Z")
    assert ledger.fail(newer, "e2", "invalid_metadata", "Bad.")
    row = row_of(ledger, version.document_id)
    assert (row.version, row.size, row.uploaded_at) == ("v2", 3, "2026-11-22T00:00:00.000Z")


@pytest.mark.parametrize(
    "overtaken",
    ["by another execution", "by a newer version", "by a deletion", "by its publication", "by a request to delete"],
)
def test_what_has_moved_on_does_not_fail(ledger: DocumentLedger, tenant: TenantContext, overtaken: str) -> None:
    version = version_of(tenant)
    ledger.claim(version, "e1")
    execution = "e1"
    match overtaken:
        case "by another execution":
            execution = "e9"
        case "by a newer version":
            ledger.claim(version_of(tenant, "v2", "02"), "e2")
        case "by a deletion":
            ledger.claim_deletion(version.document_id, version.key, version.name, "1", "e2")
        case "by its publication":
            ledger.publish(version, FACTS, NOW)
        case _:
            ledger.mark_deleting(version.document_id, version.version)
    before = row_of(ledger, version.document_id)
    assert not ledger.fail(version, execution, "internal", "Fault.")
    assert row_of(ledger, version.document_id) == before


def test_a_failure_after_a_deletion_leaves_nothing_stored(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    ledger.claim_deletion(published.document_id, published.key, published.name, "02", "e2")
    newer = version_of(tenant, "v3", "03")
    ledger.claim(newer, "e3")
    assert ledger.fail(newer, "e3", "corrupt", "Broken.")
    assert ledger.stored() == Stored(0, 0, 0)
    assert row_of(ledger, newer.document_id).chunks == 0


def test_a_failure_clears_the_receipt_of_the_deletion_before(ledger: DocumentLedger, tenant: TenantContext) -> None:
    version = version_of(tenant)
    ledger.claim_deletion(version.document_id, version.key, version.name, version.sequencer, "e1")
    ledger.mark_deleted(version.document_id, version.sequencer, {"vectors": 0}, NOW)
    ledger.fail(version_of(tenant, "v2", "02"), "e2", "invalid_metadata", "Bad.")
    row = row_of(ledger, version.document_id)
    assert (row.status, row.receipt) == ("failed", None)


def test_a_request_to_delete_stops_the_answers_at_once(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    deleting = ledger.mark_deleting(published.document_id, "v1")
    assert deleting is not None
    assert (deleting.status, deleting.current_version) == ("deleting", None)
    assert ledger.mark_deleting(published.document_id, "v1") == deleting


def test_a_request_to_delete_an_older_version_changes_nothing(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant)
    assert ledger.mark_deleting(published.document_id, "v0") is None
    assert ledger.mark_deleting("f" * 32, "v0") is None
    assert row_of(ledger, published.document_id) == published
    assert ledger.get("f" * 32) is None


def test_a_request_to_delete_that_comes_after_the_deletion_finds_it_done(
    ledger: DocumentLedger, tenant: TenantContext
) -> None:
    version = version_of(tenant)
    ledger.claim_deletion(version.document_id, version.key, version.name, version.sequencer, "e1")
    ledger.mark_deleted(version.document_id, version.sequencer, {"vectors": 0}, NOW)
    deleted = ledger.mark_deleting(version.document_id, "")
    assert deleted is not None
    assert deleted.status == "deleted"


def test_forgetting_a_version_of_no_document_makes_no_row(ledger: DocumentLedger) -> None:
    ledger.forget_version("f" * 32, "v1")
    assert ledger.get("f" * 32) is None


def test_a_description_is_what_the_document_is_found_by(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant, metadata={"year": 1})
    assert published.current_metadata == {"year": 1}
    assert ledger.describe(published, {"부서": "법무", "tags": ["a"]}, None)
    row = row_of(ledger, published.document_id)
    expected: dict[str, Any] = {"부서": "법무", "tags": ["a"]}
    assert row == replace(published, metadata=expected, current_metadata=expected, descriptions=1)
    assert ledger.stored() == Stored(7, 100, 1)


def test_a_fault_of_a_sidecar_is_told_until_it_is_corrected(ledger: DocumentLedger, tenant: TenantContext) -> None:
    published = publish(ledger, tenant, metadata={"year": 1})
    assert ledger.describe(published, {"year": 1}, "It is broken.")
    row = row_of(ledger, published.document_id)
    assert (row.status, row.error_code, row.error_message) == ("ready", "invalid_metadata", "It is broken.")
    assert ledger.describe(row, {"year": 2}, None)
    row = row_of(ledger, published.document_id)
    assert (row.metadata, row.error_code, row.error_message, row.descriptions) == ({"year": 2}, None, None, 2)


@pytest.mark.parametrize("described_before", [True, False])
@pytest.mark.parametrize(
    "overtaken", ["by another description", "by a newer version", "by a newer event", "by a deletion"]
)
def test_an_overtaken_description_is_not_noted(
    ledger: DocumentLedger, tenant: TenantContext, overtaken: str, *, described_before: bool
) -> None:
    published = publish(ledger, tenant)
    if described_before:
        assert ledger.describe(published, {"year": 0}, None)
        published = row_of(ledger, published.document_id)
    match overtaken:
        case "by another description":
            assert ledger.describe(published, {}, None)
        case "by a newer version":
            publish(ledger, tenant, version="v2", sequencer="02")
        case "by a newer event":
            assert ledger.confirm(version_of(tenant, sequencer="05"))
        case _:
            ledger.mark_deleting(published.document_id, "v1")
    before = row_of(ledger, published.document_id)
    assert not ledger.describe(published, {"year": 1}, None)
    assert row_of(ledger, published.document_id) == before


def test_while_a_newer_version_comes_and_fails_only_the_live_version_is_described(
    ledger: DocumentLedger, tenant: TenantContext
) -> None:
    publish(ledger, tenant, metadata={"year": 1})
    newer = version_of(tenant, "v2", "02", metadata={"year": 2})
    ledger.claim(newer, "e2")
    processing = row_of(ledger, newer.document_id)
    assert ledger.describe(processing, {"year": 3}, "Broken.")
    described = row_of(ledger, newer.document_id)
    assert described == replace(processing, current_metadata={"year": 3}, descriptions=1)
    ledger.fail(newer, "e2", "corrupt", "Broken.")
    latest = version_of(tenant, "v3", "03")
    ledger.fail(latest, "e3", "corrupt", "Broken.")
    row = row_of(ledger, newer.document_id)
    assert (row.current_version, row.current_metadata, row.descriptions) == ("v1", {"year": 3}, 1)


def pending(tenant: TenantContext) -> Document:
    version = version_of(tenant)
    return Document(
        version.document_id, version.key, version.name, "", "", "pending", 10, "text/plain", version.uploaded_at
    )


def test_an_expected_upload_is_pending_until_its_event_comes(ledger: DocumentLedger, tenant: TenantContext) -> None:
    ledger.expect(pending(tenant), NOW)
    assert row_of(ledger, pending(tenant).document_id) == pending(tenant)
    publish(ledger, tenant)
    ledger.expect(pending(tenant), NOW)
    assert row_of(ledger, pending(tenant).document_id).status == "ready"


@pytest.mark.parametrize("event", ["claim", "deletion", "failure"])
def test_an_expected_upload_expires_only_while_it_is_pending(
    aws: AwsSession, tenant: TenantContext, event: str
) -> None:
    ledger = DynamoDocumentLedger(aws, TENANT_TABLE, tenant)
    ledger.expect(pending(tenant), NOW)
    key = {"pk": {"S": tenant.tenant_id}, "sk": {"S": "DOCUMENT#" + pending(tenant).document_id}}

    def expires_at() -> dict[str, str] | None:
        item = aws.client("dynamodb").get_item(TableName=TENANT_TABLE, Key=key)["Item"]
        return item.get("expires_at")  # type: ignore[no-any-return]  # the SDK has no types

    assert expires_at() == {"N": str(int(NOW.timestamp()))}
    version = version_of(tenant)
    match event:
        case "claim":
            ledger.claim(version, "e1")
        case "deletion":
            ledger.claim_deletion(version.document_id, version.key, version.name, version.sequencer, "e1")
        case _:
            ledger.fail(version, "e1", "corrupt", "Broken.")
    assert expires_at() is None


def list_all(ledger: DocumentLedger, status: DocumentStatus | None, limit: int) -> Iterator[list[str]]:
    cursor = None
    while True:
        documents, cursor = ledger.page(status, limit, cursor)
        assert len(documents) <= limit
        yield [document.name for document in documents]
        if cursor is None:
            return


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_hold_the_newest_first_and_each_once(ledger: DocumentLedger, tenant: TenantContext, limit: int) -> None:
    for number in (2, 0, 3, 1):
        version = version_of(tenant, key=f"{number}.txt", uploaded_at=f"2026-11-2{number}T00:00:00.000Z")
        ledger.claim(version, "e1")
        if number == 2:
            ledger.fail(version, "e1", "corrupt", "Broken.")
        if number == 1:
            ledger.claim_deletion(version.document_id, version.key, version.name, "1", "e2")
            ledger.mark_deleted(version.document_id, "1", {"vectors": 0}, NOW)
    assert [*chain(*list_all(ledger, None, limit))] == ["3.txt", "2.txt", "0.txt"]
    assert [*chain(*list_all(ledger, "failed", limit))] == ["2.txt"]
    assert [*chain(*list_all(ledger, "deleted", limit))] == ["1.txt"]
    assert [*chain(*list_all(ledger, "ready", limit))] == []


def test_a_page_of_a_rare_status_reads_a_bounded_number_of_rows(
    aws: AwsSession, tenant: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onggi.adapters.ledger.PAGE_READ", 2)
    monkeypatch.setattr("onggi.adapters.ledger.READS_A_PAGE", 3)
    ledger = DynamoDocumentLedger(aws, TENANT_TABLE, tenant)
    for day in range(10, 25):
        version = version_of(tenant, key=f"{day}.txt", uploaded_at=f"2026-11-{day}T00:00:00.000Z")
        ledger.claim(version, "e1")
        if day in {12, 13}:
            ledger.fail(version, "e1", "corrupt", "Broken.")
    queries: list[int] = []
    events = aws.client("dynamodb").meta.events
    events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: queries.append(params["Limit"]), "reads"
    )
    try:
        pages: list[list[str]] = []
        for page in list_all(ledger, "failed", 5):
            pages.append(page)
            assert sum(queries) <= 6
            queries.clear()
    finally:
        events.unregister("provide-client-params.dynamodb.Query", unique_id="reads")
    assert pages == [[], ["13.txt"], ["12.txt"]], "15 rows, newest first, six a page"
    assert [*chain(*list_all(ledger, "failed", 1))] == ["13.txt", "12.txt"]
    assert [*chain(*list_all(ledger, "ready", 5))] == []


@pytest.mark.parametrize(
    "cursor", ["nonsense", "W10=", "bnVsbA==", "WzEsMl0=", "WyIiLCIiXQ==", "eyJhIjoxfQ==", "한글", "WyJhIl0="]
)
def test_a_cursor_of_another_make_is_refused(ledger: DocumentLedger, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        ledger.page(None, 10, cursor)


def test_a_forged_cursor_never_leaves_the_tenants_partition(aws: AwsSession, tenant: TenantContext) -> None:
    other = tenant_named(tenant.tenant_id + "-other")
    for owner in (tenant, other):
        ledger = DynamoDocumentLedger(aws, TENANT_TABLE, owner)
        for day in (1, 2, 3):
            ledger.claim(version_of(owner, key=f"{owner.tenant_id}-{day}", uploaded_at=f"2026-11-0{day}"), "e1")
    _, cursor = DynamoDocumentLedger(aws, TENANT_TABLE, other).page(None, 1, None)
    forged = encode_cursor(
        {"sk": {"S": "DOCUMENT#x"}, "uploaded_at": {"S": "2027"}, "pk": {"S": other.tenant_id}}, "sk", "uploaded_at"
    )
    for taken in (cursor, forged):
        documents, _ = DynamoDocumentLedger(aws, TENANT_TABLE, tenant).page(None, 10, taken)
        assert documents
        assert all(document.name.startswith(tenant.tenant_id + "-") for document in documents)
        assert not any("other" in document.name for document in documents)


def test_many_rows_are_read_at_once(ledger: DocumentLedger, tenant: TenantContext) -> None:
    versions = [version_of(tenant, key=f"{number}.txt") for number in range(102)]
    for version in versions:
        ledger.claim(version, "e1")
    ids = [version.document_id for version in versions]
    found = ledger.get_many([*ids, ids[0], "f" * 32])
    assert set(found) == set(ids)
    assert found[ids[5]].name == "5.txt"
    assert ledger.get_many([]) == {}


def test_tenants_do_not_see_each_other(aws: AwsSession, tenant: TenantContext) -> None:
    publish(DynamoDocumentLedger(aws, TENANT_TABLE, tenant), tenant)
    other = DynamoDocumentLedger(aws, TENANT_TABLE, tenant_named(tenant.tenant_id + "x"))
    assert other.get(version_of(tenant).document_id) is None
    assert other.get_many([version_of(tenant).document_id]) == {}
    assert other.page(None, 10, None) == ([], None)
    assert other.stored() == Stored(0, 0, 0)


histories = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *["claim", "claim", "publish", "publish", "describe", "fail"],
                *["delete", "deleted", "mark deleting", "confirm"],
            ]
        ),
        st.integers(1, 4),
        st.integers(0, 1),
    ),
    max_size=14,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories)
def test_any_history_is_told_alike_and_summed_up_exactly(
    aws: AwsSession, next_tenant: Callable[[], TenantContext], history: list[tuple[str, int, int]]
) -> None:
    tenant = next_tenant()
    fake, dynamo = FakeLedger(), DynamoDocumentLedger(aws, TENANT_TABLE, tenant)
    for act, number, document in history:
        told = [play(ledger, tenant, act, number, document) for ledger in (fake, dynamo)]
        assert told[0] == told[1], act
    assert dynamo.stored() == fake.stored()
    rows = list(fake.rows.values())
    assert {row.document_id: row for row in rows} == dynamo.get_many([row.document_id for row in rows])
    assert fake.stored().vectors == sum(row.chunks for row in rows)
    assert fake.stored().documents == sum(row.is_stored for row in rows)
    assert all(row.chunks == 0 for row in rows if row.status in {"failed", "deleted"} and not row.current_version)


@pytest.fixture(scope="module")
def next_tenant() -> Callable[[], TenantContext]:
    numbers = iter(range(1_000_000))
    return lambda: tenant_named(f"history-{next(numbers)}")


def play(  # noqa: PLR0911 - one answer for each act
    ledger: DocumentLedger, tenant: TenantContext, act: str, number: int, document: int
) -> object:
    version = version_of(tenant, f"v{number}", f"{number:02}", key=f"{document}.txt", size=number * 10)
    execution = f"e{number}"
    match act:
        case "claim":
            return ledger.claim(version, execution)
        case "publish":
            return ledger.publish(version, replace(FACTS, chunks=number), NOW)
        case "fail":
            return ledger.fail(version, execution, "corrupt", "Broken.")
        case "delete":
            return ledger.claim_deletion(version.document_id, version.key, version.name, version.sequencer, execution)
        case "deleted":
            return ledger.mark_deleted(version.document_id, version.sequencer, {"vectors": number}, NOW)
        case "confirm":
            return ledger.confirm(version)
        case "describe":
            known = ledger.get(version.document_id)
            return known and ledger.describe(known, {"number": number}, "Broken." if number == 1 else None)
        case _:
            return ledger.mark_deleting(version.document_id, version.version)


class RefusingClient:
    """Refuses transactions as DynamoDB does while another one is under way on the same item."""

    def __init__(self, client: Any, codes: list[str]) -> None:
        self._client = client
        self._codes = codes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **_: object) -> None:
        response: Any = {
            "Error": {"Code": "TransactionCanceledException", "Message": "Transaction cancelled"},
            "CancellationReasons": [{"Code": code} for code in self._codes],
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(response, "TransactWriteItems")


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_two_documents_published_at_the_same_time_are_tried_again(
    aws: AwsSession, tenant: TenantContext, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    ledger = DynamoDocumentLedger(aws, TENANT_TABLE, tenant)
    ledger.claim(version_of(tenant), "e1")
    refusing = RefusingClient(aws.client("dynamodb"), ["None", code])
    monkeypatch.setattr(aws, "client", lambda _: refusing)
    with pytest.raises(TransientError):
        ledger.publish(version_of(tenant), FACTS, NOW)


def test_a_row_that_changes_all_the_time_is_tried_again_later(
    aws: AwsSession, tenant: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = DynamoDocumentLedger(aws, TENANT_TABLE, tenant)
    ledger.claim(version_of(tenant), "e1")
    refusing = RefusingClient(aws.client("dynamodb"), ["ConditionalCheckFailed", "None"])
    monkeypatch.setattr(aws, "client", lambda _: refusing)
    with pytest.raises(TransientError, match="too often"):
        ledger.publish(version_of(tenant), FACTS, NOW)


def test_a_second_deletion_keeps_the_receipt_and_fences_what_came_before_it(
    ledger: DocumentLedger, tenant: TenantContext
) -> None:
    published = publish(ledger, tenant)
    first, second = version_of(tenant, sequencer="02").sequencer, version_of(tenant, sequencer="05").sequencer
    ledger.claim_deletion(published.document_id, published.key, published.name, first, "e2")
    ledger.mark_deleted(published.document_id, first, {"vectors": 7}, NOW)

    assert ledger.claim_deletion(published.document_id, published.key, published.name, second, "e5") == "duplicate"

    row = row_of(ledger, published.document_id)
    assert (row.status, row.receipt) == ("deleted", {"vectors": 7})
    assert ledger.claim(version_of(tenant, "v4", "04"), "e4") == "stale"


@pytest.mark.parametrize(("limit", "pages"), [(1, [1, 1, 1]), (2, [2, 1]), (3, [3]), (4, [3])])
def test_a_listing_has_a_cursor_where_more_follows_and_nowhere_else(
    ledger: DocumentLedger, tenant: TenantContext, limit: int, pages: list[int]
) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        ledger.claim(version_of(tenant, key=name), "e1")
    sizes, cursor = [], None
    while True:
        found, cursor = ledger.page(None, limit, cursor)
        sizes.append(len(found))
        if cursor is None:
            break
    assert sizes == pages
