"""One contract for the progress store in DynamoDB and for the fake that other tests rest on."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from hypothesis import given
from hypothesis import strategies as st
from moto.core.botocore_stubber import BotocoreStubber

from onggi.adapters.aws import AwsSession
from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.adapters.progress import DynamoProgressStore
from onggi.domain.document import Document, DocumentVersion
from onggi.domain.errors import TransientError
from onggi.domain.progress import Progress
from onggi.domain.tenant import TenantContext
from onggi.ports.ledger import ProgressStore
from onggi.ports.models import Embedding
from onggi.steps.documents.shown import shown
from onggi.steps.ingestion.counting_embedder import CountingEmbedder
from tests.unit.core.conftest import TENANT_TABLE
from tests.unit.core.fakes import FakeProgress, FakeTenant, FixedClock, tenant_named, version_of
from tests.unit.core.served import as_json, session_answered_by

NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def tenant(unused_tenant_id: str) -> TenantContext:
    return tenant_named(unused_tenant_id)


@pytest.fixture(params=["fake", "dynamodb"])
def store(request: pytest.FixtureRequest, tenant: TenantContext) -> ProgressStore:
    if request.param == "fake":
        return FakeProgress()
    return DynamoProgressStore(request.getfixturevalue("aws"), TENANT_TABLE, tenant, lambda: NOW)


def row_of(version: DocumentVersion) -> Document:
    """The ledger's row while a version is processed."""
    return Document(
        version.document_id,
        version.key,
        version.name,
        version.version,
        version.sequencer,
        "processing",
        version.size,
        version.content_type,
        version.uploaded_at,
    )


def progress_of(store: ProgressStore, version: DocumentVersion) -> Progress | None:
    return store.of([row_of(version)]).get(version.document_id)


def test_nothing_is_known_before_the_text_is(store: ProgressStore, tenant: TenantContext) -> None:
    version = version_of(tenant)
    store.plan(version, 70)
    store.embed(version, 0, 32)
    assert progress_of(store, version) is None


def test_a_version_goes_from_pages_over_chunks_to_vectors(store: ProgressStore, tenant: TenantContext) -> None:
    version = version_of(tenant)
    store.begin(version, 307)
    assert progress_of(store, version) == Progress(307)
    store.plan(version, 70)
    assert progress_of(store, version) == Progress(307, 70)
    for batch, chunks in ((1, 32), (0, 32), (2, 6)):
        store.embed(version, batch, chunks)
    assert progress_of(store, version) == Progress(307, 70, 70)


def test_what_is_stored_again_changes_nothing(store: ProgressStore, tenant: TenantContext) -> None:
    version = version_of(tenant)
    store.begin(version, 3)
    store.plan(version, 70)
    for _ in range(3):
        store.embed(version, 1, 32)
        store.plan(version, 70)
        store.begin(version, 3)
    assert progress_of(store, version) == Progress(3, 70, 32)


def test_a_newer_version_begins_from_nothing_and_cannot_be_disturbed(
    store: ProgressStore, tenant: TenantContext
) -> None:
    old, new = version_of(tenant), version_of(tenant, "v2", "02")
    store.begin(old, 3)
    store.plan(old, 70)
    store.embed(old, 0, 32)
    store.begin(new, 5)
    store.begin(old, 3)
    store.plan(old, 70)
    store.embed(old, 1, 32)
    assert progress_of(store, new) == Progress(5)
    store.plan(new, 40)
    store.embed(new, 0, 32)
    store.embed(old, 1, 32)
    assert progress_of(store, new) == Progress(5, 40, 32)


def test_a_version_that_was_overtaken_is_not_shown_as_the_newer_one(
    store: ProgressStore, tenant: TenantContext
) -> None:
    old, new = version_of(tenant), version_of(tenant, "v2", "02")
    store.begin(old, 3)
    assert progress_of(store, new) is None


def test_many_documents_are_read_at_once(store: ProgressStore, tenant: TenantContext) -> None:
    versions = [version_of(tenant, key=f"{number}.txt") for number in range(120)]
    for number, version in enumerate(versions[:110]):
        store.begin(version, number)
    found = store.of(row_of(version) for version in versions)
    assert [found.get(version.document_id) for version in versions] == [
        *(Progress(number) for number in range(110)),
        *[None] * 10,
    ]
    assert store.of([]) == {}


@pytest.fixture
def one_request_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """DynamoDB changes an item by one request at a time; moto does not, and fails where threads meet."""
    lock, answer = threading.Lock(), BotocoreStubber.__call__

    def answer_alone(*request: Any, **more: Any) -> Any:
        with lock:
            return answer(*request, **more)

    monkeypatch.setattr(BotocoreStubber, "__call__", answer_alone)


@pytest.mark.usefixtures("one_request_at_a_time")
def test_batches_of_a_document_may_end_at_the_same_time(aws: AwsSession, tenant: TenantContext) -> None:
    store = DynamoProgressStore(aws, TENANT_TABLE, tenant, lambda: NOW)
    version = version_of(tenant)
    store.begin(version, 9)
    store.plan(version, 400)
    with ThreadPoolExecutor(4) as children:
        list(children.map(lambda number: store.embed(version, number % 40, 10), range(80)))
    assert progress_of(store, version) == Progress(9, 400, 400)


def test_tenants_do_not_see_one_another(aws: AwsSession, tenant: TenantContext) -> None:
    version = version_of(tenant)
    DynamoProgressStore(aws, TENANT_TABLE, tenant, lambda: NOW).begin(version, 9)
    other = DynamoProgressStore(aws, TENANT_TABLE, tenant_named(f"{tenant.tenant_id}-b"), lambda: NOW)
    other.embed(version, 0, 10)
    assert progress_of(other, version) is None


def test_an_item_is_forgotten_by_itself_and_is_no_document(aws: AwsSession, tenant: TenantContext) -> None:
    version = version_of(tenant)
    DynamoProgressStore(aws, TENANT_TABLE, tenant, lambda: NOW).begin(version, 9)
    key = {"pk": {"S": tenant.tenant_id}, "sk": {"S": f"PROGRESS#{version.document_id}"}}
    item = aws.client("dynamodb").get_item(TableName=TENANT_TABLE, Key=key)["Item"]
    assert item["expires_at"] == {"N": str(int((NOW + timedelta(days=14)).timestamp()))}
    ledger = DynamoDocumentLedger(aws, TENANT_TABLE, tenant)
    assert ledger.page(None, 10, None) == ([], None)


@pytest.mark.parametrize(
    "change",
    [
        lambda store, version: store.begin(version, 1),
        lambda store, version: store.plan(version, 1),
        lambda store, version: store.embed(version, 0, 1),
    ],
)
def test_a_throttled_change_is_given_up_after_the_second_attempt(
    tenant: TenantContext, change: Callable[[ProgressStore, DocumentVersion], None]
) -> None:
    attempts: list[str] = []

    def throttle(request: AWSPreparedRequest) -> Any:
        attempts.append(request.method)
        return as_json(400, {"__type": "ProvisionedThroughputExceededException", "message": "slow down"})

    session = session_answered_by("dynamodb", throttle)
    with pytest.raises(TransientError):
        change(DynamoProgressStore(session, "tenant", tenant, lambda: NOW), version_of(tenant))
    assert len(attempts) == 2


def test_documents_that_are_not_processed_show_no_progress_and_cost_no_call() -> None:
    acme = FakeTenant()
    version = version_of(acme.context)
    acme.ledger.claim(version, "e1")
    acme.progress.begin(version, 4)
    (processing,) = shown([acme.ledger.rows[version.document_id]], acme.ports)
    assert processing["progress"] == {"pages": 4, "chunks": None, "embedded_chunks": 0}
    acme.ledger.fail(version, "e1", "corrupt", "Broken.")
    acme.progress.of = None  # type: ignore[method-assign, assignment]  # whoever asks it fails
    (failed,) = shown([acme.ledger.rows[version.document_id]], acme.ports)
    assert "progress" not in failed
    assert shown([], acme.ports) == []


kinds = st.sampled_from(["begin", "plan", "embed", "embed", "embed"])
acts = st.lists(st.tuples(kinds, st.integers(1, 2), st.integers(0, 3), st.integers(1, 32)))


@pytest.mark.parametrize("kind", ["fake", "dynamodb"])
@given(played=acts)
def test_progress_only_grows_and_counts_each_chunk_once(kind: str, aws: AwsSession, played: list[Any]) -> None:
    """Two executions of one document store what they have done, in any order and more than once."""
    tenant = tenant_named(f"progress-{next(_numbers)}")
    store = FakeProgress() if kind == "fake" else DynamoProgressStore(aws, TENANT_TABLE, tenant, lambda: NOW)
    versions = {1: version_of(tenant), 2: version_of(tenant, "v2", "02")}
    before = Progress()
    began, most = False, dict.fromkeys(range(4), 0)
    for act, number, batch, chunks in played:
        version = versions[number]
        if act == "begin":
            store.begin(version, 10 * number)
            began |= number == 2
        elif act == "plan":
            store.plan(version, 128)
        else:
            store.embed(version, batch, chunks)
            most[batch] = max(most[batch], chunks if began and number == 2 else 0)
        now = progress_of(store, versions[2]) or Progress()
        assert (now.pages or 0) >= (before.pages or 0)
        assert (now.chunks or 0) >= (before.chunks or 0)
        assert now.embedded_chunks >= before.embedded_chunks
        before = now
    assert before.embedded_chunks == sum(most.values())


_numbers = iter(range(1_000_000))


class SlowEmbedder:
    """Embeds a text in so many seconds."""

    def __init__(self, clock: FixedClock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds

    def embed(self, text: str) -> Embedding:
        self._clock.advance(seconds=self._seconds)
        return Embedding([float(len(text))], 1)


@pytest.mark.parametrize(
    ("seconds", "reports"), [(0.1, []), (2.0, [3, 6, 9]), (5.0, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), (0.5, [10])]
)
def test_a_slow_batch_reports_how_far_it_is_every_five_seconds(seconds: float, reports: list[int]) -> None:
    clock = FixedClock()
    reported: list[int] = []
    embedder = CountingEmbedder(SlowEmbedder(clock, seconds), reported.append, clock)
    assert [embedder.embed("a" * length).vector for length in range(10)] == [[float(length)] for length in range(10)]
    assert reported == reports


def test_a_text_that_could_not_be_embedded_does_not_count() -> None:
    class Throttled:
        def embed(self, text: str) -> Embedding:
            raise TransientError(text)

    clock = FixedClock()
    reported: list[int] = []
    embedder = CountingEmbedder(Throttled(), reported.append, clock)
    clock.advance(seconds=60)
    with pytest.raises(TransientError):
        embedder.embed("a")
    assert reported == []
