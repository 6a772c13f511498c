"""One contract for keys in DynamoDB, audit trails in S3 and for the fakes."""

import base64
import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from onggi.adapters.audit import S3AuditTrail, _name
from onggi.adapters.aws import AwsSession
from onggi.adapters.keys import DynamoKeyRing
from onggi.domain.access import ApiKey
from onggi.domain.audit import AuditEntry, Author
from onggi.domain.errors import InvalidRequest, NotFound, TransientError
from onggi.domain.timestamps import timestamp
from onggi.ports.access import AuditTrail, KeyRing
from tests.unit.core.conftest import AUDIT_BUCKET, CONTROL_TABLE
from tests.unit.core.fakes import FakeAccess, FixedClock
from tests.unit.core.recorded import RecordedAws

CLOCK = FixedClock()
NOW = CLOCK()
KEY = ApiKey("0123456789ab", "00", "hash", timestamp(NOW))


@pytest.fixture(params=["fake", "dynamodb"])
def ring_of(request: pytest.FixtureRequest) -> Callable[[str], KeyRing]:
    if request.param == "fake":
        return FakeAccess(CLOCK).ring
    aws: AwsSession = request.getfixturevalue("aws")
    return lambda tenant_id: DynamoKeyRing(aws, CONTROL_TABLE, tenant_id)


@pytest.fixture(params=["fake", "s3"])
def trail_of(request: pytest.FixtureRequest) -> Callable[[str], AuditTrail]:
    if request.param == "fake":
        return FakeAccess(CLOCK).trail
    aws: AwsSession = request.getfixturevalue("aws")
    return lambda tenant_id: S3AuditTrail(aws, AUDIT_BUCKET, CONTROL_TABLE, tenant_id)


def test_keys_belong_to_one_tenant(ring_of: Callable[[str], KeyRing], unused_tenant_id: str) -> None:
    ring, other = ring_of(unused_tenant_id), ring_of(f"{unused_tenant_id}-b")
    ring.add(KEY)
    assert ring.find(KEY.key_id) == KEY
    assert ring.find("ba9876543210") is None
    assert other.find(KEY.key_id) is None
    assert other.page(10, None) == ([], None)
    with pytest.raises(NotFound):
        other.revoke(KEY.key_id, NOW)
    other.note_use(KEY.key_id, NOW, NOW)
    assert other.find(KEY.key_id) is None
    assert ring.find(KEY.key_id) == KEY


def test_everything_of_a_key_is_kept(ring_of: Callable[[str], KeyRing], unused_tenant_id: str) -> None:
    times = [timestamp(NOW + timedelta(days=days)) for days in range(3)]
    key = ApiKey("ffffffffffff", "00", "hash", timestamp(NOW), "owner", "이름", *times)
    ring_of(unused_tenant_id).add(key)
    assert ring_of(unused_tenant_id).find(key.key_id) == key


def test_a_key_from_before_there_were_roles_is_a_writers(aws: AwsSession, unused_tenant_id: str) -> None:
    texts = {"pk": f"KEYS#{unused_tenant_id}", "sk": KEY.key_id, "salt": "00", "secret_hash": "hash"}
    row = {name: {"S": text} for name, text in (texts | {"created_at": KEY.created_at}).items()}
    aws.client("dynamodb").put_item(TableName=CONTROL_TABLE, Item=row)
    found = DynamoKeyRing(aws, CONTROL_TABLE, unused_tenant_id).find(KEY.key_id)
    assert found == KEY
    assert KEY.role == "writer"


def test_the_table_never_forgets_a_key_by_itself(aws: AwsSession, unused_tenant_id: str) -> None:
    ring = DynamoKeyRing(aws, CONTROL_TABLE, unused_tenant_id)
    ring.add(ApiKey("aaaaaaaaaaaa", "00", "hash", timestamp(NOW), expires_at=timestamp(NOW)))
    row = {"pk": {"S": f"KEYS#{unused_tenant_id}"}, "sk": {"S": "aaaaaaaaaaaa"}}
    assert "expires_at" not in aws.client("dynamodb").get_item(TableName=CONTROL_TABLE, Key=row)["Item"]


def test_a_key_is_revoked_once(ring_of: Callable[[str], KeyRing], unused_tenant_id: str) -> None:
    ring = ring_of(unused_tenant_id)
    ring.add(KEY)
    revoked = ring.revoke(KEY.key_id, NOW)
    assert revoked.revoked_at == timestamp(NOW)
    assert ring.revoke(KEY.key_id, NOW + timedelta(hours=1)) == revoked == ring.find(KEY.key_id)
    with pytest.raises(NotFound):
        ring.revoke("ba9876543210", NOW)
    assert ring.find("ba9876543210") is None


def test_a_use_is_noted_unless_one_is_noted_already(ring_of: Callable[[str], KeyRing], unused_tenant_id: str) -> None:
    ring = ring_of(unused_tenant_id)
    ring.add(KEY)
    hour = timedelta(hours=1)
    expected = []
    for moment in (NOW, NOW + hour / 2, NOW + hour):
        ring.note_use(KEY.key_id, moment, moment - hour)
        found = ring.find(KEY.key_id)
        assert found is not None
        expected.append(found.last_used_at)
    assert expected == [timestamp(NOW), timestamp(NOW), timestamp(NOW + hour)]
    ring.note_use("ba9876543210", NOW, NOW)
    assert ring.find("ba9876543210") is None


def test_keys_are_listed_page_by_page(ring_of: Callable[[str], KeyRing], unused_tenant_id: str) -> None:
    ring = ring_of(unused_tenant_id)
    for number in (2, 0, 1):
        ring.add(ApiKey(f"{number:012}", "00", "hash", timestamp(NOW)))
    first, cursor = ring.page(2, None)
    rest, end = ring.page(2, cursor)
    assert [key.key_id for key in first + rest] == [f"{number:012}" for number in range(3)]
    assert end is None
    with pytest.raises(InvalidRequest):
        ring.page(2, "nonsense")


def entry(minutes: int, request_id: str = "r") -> AuditEntry:
    at = timestamp(NOW + timedelta(minutes=minutes))
    return AuditEntry(at, Author("arn:aws:iam::1:root", request_id), "tenant.changed", {"name": "옛"}, None)


def test_a_trail_tells_the_newest_first_and_of_its_own_tenant(
    trail_of: Callable[[str], AuditTrail], unused_tenant_id: str
) -> None:
    trail = trail_of(unused_tenant_id)
    entries = [entry(0), entry(5), entry(5, "s"), entry(2)]
    for each in entries:
        trail.record(each)
    trail_of(f"{unused_tenant_id}-b").record(entry(9))
    first, cursor = trail.page(3, None)
    rest, end = trail.page(3, cursor)
    assert [each.at for each in first + rest] == [entries[index].at for index in (2, 1, 3, 0)]
    assert all(each in first + rest for each in entries)
    assert end is None
    with pytest.raises(InvalidRequest):
        trail.page(2, "nonsense")


def test_what_is_noted_stays_as_it_was(trail_of: Callable[[str], AuditTrail], unused_tenant_id: str) -> None:
    trail, kept = trail_of(unused_tenant_id), entry(0)
    trail.record(kept)
    trail.record(AuditEntry(kept.at, kept.author, kept.action, None, {"name": "other"}))
    assert trail.page(10, None) == ([kept], None)


def keep_row(aws: AwsSession, tenant_id: str, entry: AuditEntry) -> None:
    """Store an entry as a row, as it was before there was a bucket."""
    texts = {
        "pk": f"AUDIT#{tenant_id}",
        "sk": f"{entry.at}#{entry.author.request_id}#{entry.action}",
        "at": entry.at,
        "author": entry.author.name,
        "request_id": entry.author.request_id,
        "action": entry.action,
        "before": json.dumps(entry.before, ensure_ascii=False),
    }
    row = {name: {"S": text} for name, text in texts.items()}
    aws.client("dynamodb").put_item(TableName=CONTROL_TABLE, Item=row)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_entries_from_before_there_was_a_bucket_follow_those_of_the_bucket(
    aws: AwsSession, unused_tenant_id: str, size: int
) -> None:
    trail = S3AuditTrail(aws, AUDIT_BUCKET, CONTROL_TABLE, unused_tenant_id)
    for minutes in (0, 1):
        keep_row(aws, unused_tenant_id, entry(minutes))
    for minutes in (2, 3, 4):
        trail.record(entry(minutes))
    listed, cursor = trail.page(size, None)
    while cursor:
        page, cursor = trail.page(size, cursor)
        assert len(page) in range(1, size + 1)
        listed += page
    assert listed == [entry(minutes) for minutes in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("PreconditionFailed", None),  # a try whose answer was lost has kept it
        ("ConditionalRequestConflict", TransientError),
        ("SlowDown", TransientError),
        ("AccessDenied", ClientError),
    ],
)
def test_an_entry_is_kept_or_its_caller_hears_of_it(code: str, raised: type[Exception] | None) -> None:
    aws = RecordedAws(["s3"])
    aws.errors["PutObject"] = (code, "no")
    trail = S3AuditTrail(aws.session, AUDIT_BUCKET, CONTROL_TABLE, "acme")
    with pytest.raises(raised) if raised else nullcontext():
        trail.record(entry(0))
    assert {name for name, _ in aws.requests} == {"PutObject"}


def test_a_cursor_leads_into_no_other_tenants_trail(aws: AwsSession, unused_tenant_id: str) -> None:
    other = f"{unused_tenant_id}-b"
    S3AuditTrail(aws, AUDIT_BUCKET, CONTROL_TABLE, other).record(entry(1))
    keep_row(aws, other, entry(0))
    trail = S3AuditTrail(aws, AUDIT_BUCKET, CONTROL_TABLE, unused_tenant_id)
    for place in ("", "0", f"../{other}/", f"/{other}/0", "~", f"AUDIT#{other}", "9#"):
        cursor = base64.urlsafe_b64encode(json.dumps([place or "-"]).encode()).decode()
        assert trail.page(10, cursor) == ([], None), place


MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2285, 1, 1))  # noqa: DTZ001 - hypothesis takes naive bounds


@given(MOMENTS, MOMENTS)
def test_names_of_later_entries_sort_before_those_of_earlier_ones(one: datetime, other: datetime) -> None:
    author = Author("arn", "r")
    moments = sorted(timestamp(each.replace(tzinfo=UTC)) for each in (one, other))
    earlier, later = (_name(AuditEntry(at, author, "key.issued", None, None)) for at in moments)
    assert later <= earlier
    assert (later == earlier) == (moments[0] == moments[1])
