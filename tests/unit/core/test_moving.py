"""Moves in AWS, as moto plays it: objects between buckets, places in the control table, stacks, what is left behind."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from onggi.adapters import moving
from onggi.adapters.aws import AwsSession
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.dynamodb import to_item
from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.adapters.lifecycle import POOLS, DynamoTenantLifecycle
from onggi.adapters.moving import S3MovingObjects
from onggi.adapters.purger import AwsTenantPurger, PurgedLocations
from onggi.adapters.s3vectors import S3VectorsIndex
from onggi.adapters.stacks import CloudFormationTenantStacks
from onggi.domain.document import Document
from onggi.domain.errors import Conflict, TransientError
from onggi.domain.tenant import Move, Placement, Receipt, TenantContext, TenantRecord
from onggi.ports.ledger import PublishedFacts
from tests.unit.core.conftest import CONTROL_TABLE, TENANT_TABLE
from tests.unit.core.fakes import FixedClock, counted, one_step, tenant_named, version_of

OWN = Placement("own-documents", "own-artifacts", "own-vectors", "acme", "onggi-silo-1", generation=1)


@pytest.fixture
def tenant(unused_tenant_id: str) -> TenantContext:
    return tenant_named(unused_tenant_id)


@pytest.fixture
def objects(aws: AwsSession, tenant: TenantContext, monkeypatch: pytest.MonkeyPatch) -> S3MovingObjects:
    monkeypatch.setattr(moving, "OBJECTS_A_PAGE", 3)
    return S3MovingObjects(aws, tenant, tenant.placement, OWN)


def put(aws: AwsSession, key: str, content: bytes = b"kimchi", bucket: str = "documents", **more: Any) -> str:
    return str(aws.client("s3").put_object(Bucket=bucket, Key=key, Body=content, **more)["VersionId"])


# ── Objects ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_newest_of_each_upload_is_listed(aws: AwsSession, tenant: TenantContext) -> None:
    objects = S3MovingObjects(aws, tenant, tenant.placement, OWN)
    keys = [f"{tenant.prefix}{name}" for name in ("a.txt", "b/김치 +%.txt", "d.txt")]
    newest = [[put(aws, key, content) for content in (b"one", b"two")][-1] for key in keys]
    aws.client("s3").delete_object(Bucket="documents", Key=keys[2])
    put(aws, f"tenants/{tenant.tenant_id}-b/foreign.txt")
    found, after = objects.uploads(None)
    assert after is None
    assert [(each.key, each.is_deleted) for each in found] == [(keys[0], False), (keys[1], False), (keys[2], True)]
    assert [each.version for each in found[:2]] == newest[:2]
    assert all(datetime.fromisoformat(each.modified).tzinfo == UTC for each in found)
    assert objects.copied(None, keys[-1]) == []


def test_uploads_are_listed_page_by_page(aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext) -> None:
    keys = [f"{tenant.prefix}{number}.txt" for number in range(7)]
    for key in keys:
        put(aws, key)
    pages, after = [], None
    for _ in keys:
        page, after = objects.uploads(after)
        pages.append([each.key for each in page])
        if after is None:
            break
    assert pages == [keys[:3], keys[3:6], keys[6:]]


def test_a_page_begins_behind_the_last_key_however_many_versions_that_has(
    aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext
) -> None:
    """As S3 does with a key and no version as the marker; moto goes on at the same key."""
    key, moment = tenant.prefix + "a.txt", datetime.now(UTC)
    entries = [
        {"Key": key, "VersionId": f"v{number}", "IsLatest": number == 3, "LastModified": moment} for number in (3, 2, 1)
    ]
    more = {"IsTruncated": True, "NextKeyMarker": key, "NextVersionIdMarker": "v1"}
    asked = {"Bucket": "documents", "Prefix": tenant.prefix, "MaxKeys": 3}
    with Stubber(aws.client("s3")) as s3:
        s3.add_response("list_object_versions", {"Versions": entries, **more}, asked)
        s3.add_response("list_object_versions", {"IsTruncated": False}, {**asked, "KeyMarker": key})
        page, after = objects.uploads(None)
        assert ([each.version for each in page], after) == (["v3"], key)
        assert objects.uploads(after) == ([], None)


def test_what_was_copied_is_listed_between_two_keys(
    aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext
) -> None:
    for name in "abcdefgh":
        put(aws, f"{tenant.prefix}{name}", bucket="own-documents")
    found = objects.copied(f"{tenant.prefix}a", f"{tenant.prefix}f")
    assert [each.key.removeprefix(tenant.prefix) for each in found] == list("bcdef")


def test_uploads_are_copied_version_by_version_with_their_attributes(
    aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext
) -> None:
    s3, key, other = aws.client("s3"), tenant.prefix + "김치 +%.txt", tenant.prefix + "b.txt"
    first = put(aws, key, b"one", ContentType="text/markdown", Metadata={"year": "2026"}, Tagging="a=b")
    second = put(aws, key, b"two")
    newest = put(aws, other, b"three")
    answers = objects.copy_uploads([(key, first), (key, "never-there"), (key, second), (other, None)])
    assert [copy is None for copy in answers] == [False, True, False, False]
    copies = [str(copy) for copy in answers if copy]
    assert not {first, second, newest} & set(copies)
    copied = [s3.get_object(Bucket="own-documents", Key=key, VersionId=copy) for copy in copies[:2]]
    assert [each["Body"].read() for each in copied] == [b"one", b"two"]
    assert (copied[0]["ContentType"], copied[0]["Metadata"]) == ("text/markdown", {"year": "2026"})
    assert s3.get_object_tagging(Bucket="own-documents", Key=key, VersionId=copies[0])["TagSet"] == []
    assert s3.get_object(Bucket="own-documents", Key=key)["Body"].read() == b"two", "the newest one lies above"
    assert s3.get_object(Bucket="own-documents", Key=other)["Body"].read() == b"three"
    s3.delete_object(Bucket="documents", Key=other)
    assert objects.copy_uploads([(other, None)]) == [None], "it was deleted meanwhile"


@pytest.mark.usefixtures("denied_what_is_missing")
def test_what_is_gone_is_left_out_where_s3_denies_it(
    aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext
) -> None:
    there, gone = tenant.prefix + "a.txt", tenant.prefix + "b.txt"
    put(aws, there + ".longer")
    put(aws, gone + ".longer")
    old, newest = put(aws, there, b"old"), put(aws, there, b"new")
    aws.client("s3").delete_object(Bucket="documents", Key=there, VersionId=old)
    copies = objects.copy_uploads([(there, old), (there, newest), (gone, None)])
    assert [copy is None for copy in copies] == [True, False, True]
    put(aws, tenant.prefix + "d/v/there.txt", bucket="artifacts")
    objects.copy_artifacts(["d/v/gone.txt", "d/v/there.txt"])
    listed = aws.client("s3").list_objects_v2(Bucket="own-artifacts", Prefix=tenant.prefix)["Contents"]
    assert [each["Key"].removeprefix(tenant.prefix) for each in listed] == ["d/v/there.txt"]


def test_what_is_there_and_denied_stops_a_copy(
    aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, client = tenant.prefix + "a.txt", aws.client("s3")
    version = put(aws, key)
    put(aws, tenant.prefix + "d/v/text.txt", bucket="artifacts")

    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CopyObject")

    monkeypatch.setattr(client, "copy_object", deny)
    for attempt in (
        lambda: objects.copy_uploads([(key, version)]),
        lambda: objects.copy_uploads([(key, None)]),
        lambda: objects.copy_artifacts(["d/v/text.txt"]),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            attempt()


def test_a_deletion_is_repeated_by_a_marker(aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext) -> None:
    key = tenant.prefix + "a.txt"
    put(aws, key, bucket="own-documents")
    objects.delete(key)
    (found,) = objects.copied(None, key)
    assert found.is_deleted
    assert len(aws.client("s3").list_object_versions(Bucket="own-documents", Prefix=key)["Versions"]) == 1


def test_artifacts_are_listed_and_copied_by_name(
    aws: AwsSession, objects: S3MovingObjects, tenant: TenantContext
) -> None:
    names = [f"d{number}/v1/text.txt" for number in range(7)]
    for name in names:
        put(aws, tenant.prefix + name, name.encode(), bucket="artifacts")
    found: list[str] = []
    after: str | None = None
    for _ in names:
        page, after = objects.artifacts(after)
        found += page
        if after is None:
            break
    assert found == names
    for _ in range(2):
        objects.copy_artifacts([*names[:2], "gone/v1/text.txt"])
    listed = aws.client("s3").list_objects_v2(Bucket="own-artifacts", Prefix=tenant.prefix)["Contents"]
    assert [each["Key"].removeprefix(tenant.prefix) for each in listed] == names[:2]
    body = aws.client("s3").get_object(Bucket="own-artifacts", Key=tenant.prefix + names[1])["Body"].read()
    assert body == names[1].encode()


# ── The ledger ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_copies_are_noted_in_their_order(aws: AwsSession, tenant: TenantContext) -> None:
    ledger = DynamoDocumentLedger(aws, TENANT_TABLE, tenant)

    def row() -> Document:
        found = ledger.get(version_of(tenant).document_id)
        assert found is not None
        return found

    ledger.claim(version_of(tenant, "v1", "01"), "e1")
    ledger.publish(version_of(tenant, "v1", "01"), PublishedFacts(1, 1, 1, "en"), datetime.now(UTC))
    assert ledger.note_copies(row(), {"c2": "v1", "c1": "v1"})
    assert row().objects_of("v1") == ["c1", "c2", "v1"]
    assert [row().version_of(each) for each in ("c1", "v1", "x")] == ["v1", "v1", "x"]
    known = row()
    ledger.claim(version_of(tenant, "v2", "02"), "e2")
    assert not ledger.note_copies(known, {"c3": "v1"}), "the row has changed"
    assert row().copies == known.copies, "a newer version keeps them"
    ledger.fail(version_of(tenant, "v2", "02"), "e2", "corrupt", "It is.")
    assert ledger.note_copies(row(), {"c4": "v2"})
    assert row().copies == {"c2": "v1", "c1": "v1", "c4": "v2"}
    ledger.claim(version_of(tenant, "v3", "03"), "e3")
    ledger.publish(version_of(tenant, "v3", "03"), PublishedFacts(1, 1, 1, "en"), datetime.now(UTC))
    assert ledger.note_copies(row(), {"c5": "v3"})
    assert row().copies == {"c5": "v3"}, "those of versions that are gone are forgotten"


# ── Places in the control table ───────────────────────────────────────────────────────────────────────────────────────


class Control:
    """The control table, and one tenant in it."""

    def __init__(self, aws: AwsSession, tenant_id: str) -> None:
        self._aws = aws
        self.tenant_id = tenant_id
        self.pool = f"pool-of-{tenant_id}"
        self.directory = DynamoTenantDirectory(aws, CONTROL_TABLE, FixedClock())
        self.lifecycle = DynamoTenantLifecycle(aws, CONTROL_TABLE)
        context = tenant_named(tenant_id)
        unplaced = replace(context, placement=replace(context.placement, vector_bucket=""))
        self.directory.create(TenantRecord(unplaced, "active", "2026-11-20T09:00:00.000Z"))
        self.place()

    @property
    def record(self) -> TenantRecord:
        found = self.directory.find(self.tenant_id)
        assert found is not None
        return found

    @property
    def count(self) -> int:
        key = to_item({"pk": POOLS, "sk": self.pool})
        item = self._aws.client("dynamodb").get_item(TableName=CONTROL_TABLE, Key=key)["Item"]
        return int(item["index_count"]["N"])

    def place(self) -> TenantRecord:
        placed = self.lifecycle.place(self.record, self.pool, 10)
        assert placed == self.record
        return self.record

    def move(self, other: Placement) -> TenantRecord:
        move = Move("premium", replace(other, index=self.tenant_id), "leaving", "r1", "A reason.")
        changed = self.lifecycle.change(self.record, replace(self.record, move=move))
        assert self.record == changed
        return changed

    def switch(self) -> TenantRecord:
        known = self.record
        assert known.move
        context = replace(known.context, placement=known.move.other)
        move = replace(known.move, other=known.context.placement, reason=None)
        return self.lifecycle.change(known, replace(known, context=context, move=move))


@pytest.fixture
def control(aws: AwsSession, unused_tenant_id: str) -> Control:
    return Control(aws, unused_tenant_id)


def test_a_move_is_kept_as_it_is_and_gives_the_pool_its_place_back(control: Control) -> None:
    record = control.move(OWN)
    assert record.move
    assert (record.move.other.generation, record.move.reason, control.count) == (1, "A reason.", 1)
    switched = control.switch()
    with pytest.raises(Conflict):
        control.lifecycle.end_move(record)
    assert control.count == 1
    ended = control.lifecycle.end_move(switched)
    assert control.record == ended
    assert (ended.move, ended.context.placement.vector_bucket, control.count) == (None, "own-vectors", 0)
    with pytest.raises(Conflict):
        control.lifecycle.end_move(switched)
    assert control.count == 0


def test_the_way_back_counts_the_place_that_is_taken(control: Control) -> None:
    control.move(OWN)
    control.lifecycle.end_move(control.switch())
    known = control.move(Placement("documents", "artifacts", "", control.tenant_id, generation=2))
    placed = control.place()
    assert placed.move
    assert (placed.move.other.vector_bucket, placed.context, control.count) == (control.pool, known.context, 1)
    with pytest.raises(Conflict):
        control.lifecycle.place(known, control.pool, 10)
    assert control.lifecycle.place(placed, control.pool, 1) is None, "it is full"
    assert control.count == 1
    ended = control.lifecycle.end_move(control.switch())
    assert (ended.context.placement.vector_bucket, control.count) == (control.pool, 1)


@pytest.mark.parametrize("placed", [True, False])
def test_a_way_back_that_was_given_up_gives_back_what_it_has_taken(control: Control, placed: bool) -> None:
    control.move(OWN)
    control.lifecycle.end_move(control.switch())
    control.move(Placement("documents", "artifacts", "", control.tenant_id, generation=2))
    if placed:
        control.place()
    assert control.count == int(placed)
    control.lifecycle.end_move(control.record)
    assert (control.count, control.record.context.placement.stack) == (0, OWN.stack)


@pytest.mark.parametrize("switched", [True, False])
def test_a_tenant_that_goes_while_it_moves_gives_both_places_back(control: Control, switched: bool) -> None:
    control.move(OWN)
    if switched:
        control.switch()
    receipt = Receipt(control.tenant_id, "then", "2026-11-21T09:00:00.000Z", {"uploads": 2}, {"uploads": 0})
    control.lifecycle.remove(control.record, receipt)
    assert control.directory.find(control.tenant_id) is None
    assert (control.count, control.lifecycle.receipt(control.tenant_id)) == (0, receipt)


# ── Stacks ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def cloudformation(aws: AwsSession) -> Iterator[Stubber]:
    with Stubber(aws.client("cloudformation")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def stacks(aws: AwsSession) -> CloudFormationTenantStacks:
    return CloudFormationTenantStacks(
        aws, "Resources: {}", "arn:aws:iam::123456789012:role/silo", {"RetentionDays": "30"}
    )


MISSING = {
    "service_error_code": "ValidationError",
    "service_message": "Stack with id onggi-silo-1 does not exist",
    "http_status_code": 400,
}


def stands_as(stubber: Stubber, status: str | None) -> None:
    expected = {"StackName": "onggi-silo-1"}
    if status is None:
        stubber.add_client_error("describe_stacks", **MISSING, expected_params=expected)  # type: ignore[arg-type]  # of all kinds
        return
    stack = {"StackName": "onggi-silo-1", "CreationTime": datetime.now(UTC), "StackStatus": status}
    stubber.add_response("describe_stacks", {"Stacks": [stack]}, expected)


def was_left_by(stubber: Stubber, run: str) -> None:
    numbers = itertools.count()
    events = [
        {
            "StackId": "s",
            "EventId": str(next(numbers)),
            "StackName": "onggi-silo-1",
            "Timestamp": datetime.now(UTC),
            "ClientRequestToken": token,
        }
        for token in (run, "earlier")
    ]
    stubber.add_response("describe_stack_events", {"StackEvents": events}, {"StackName": "onggi-silo-1"})


OF_ACME = replace(tenant_named(), placement=OWN)
CREATION = {
    "StackName": "onggi-silo-1",
    "TemplateBody": "Resources: {}",
    "Parameters": [
        {"ParameterKey": "TenantId", "ParameterValue": "acme"},
        {"ParameterKey": "RetentionDays", "ParameterValue": "30"},
    ],
    "RoleARN": "arn:aws:iam::123456789012:role/silo",
    "Tags": [{"Key": "TenantId", "Value": "acme"}],
    "ClientRequestToken": "r1",
}


def test_a_stack_is_made_once_and_waited_for(stacks: CloudFormationTenantStacks, cloudformation: Stubber) -> None:
    stands_as(cloudformation, None)
    cloudformation.add_response("create_stack", {"StackId": "s"}, CREATION)
    assert not stacks.provide(OF_ACME, "r1")
    stands_as(cloudformation, None)
    cloudformation.add_client_error("create_stack", "AlreadyExistsException", expected_params=CREATION)
    assert not stacks.provide(OF_ACME, "r1"), "another call was quicker"
    for status in ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"):
        stands_as(cloudformation, status)
        assert not stacks.provide(OF_ACME, "r1")
    for status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        stands_as(cloudformation, status)
        assert stacks.provide(OF_ACME, "r1")


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED"])
def test_a_run_does_not_try_again_what_it_has_failed_at(
    stacks: CloudFormationTenantStacks, cloudformation: Stubber, status: str
) -> None:
    stands_as(cloudformation, status)
    was_left_by(cloudformation, "r1")
    with pytest.raises(Conflict, match=f"onggi-silo-1 ended as {status}"):
        stacks.provide(OF_ACME, "r1")
    stands_as(cloudformation, status)
    was_left_by(cloudformation, "r1")
    cloudformation.add_response("delete_stack", {}, {"StackName": "onggi-silo-1"})
    assert not stacks.provide(OF_ACME, "r2"), "the next run removes it first"


def test_what_cloudformation_refuses_otherwise_is_told(
    stacks: CloudFormationTenantStacks, cloudformation: Stubber
) -> None:
    cloudformation.add_client_error("describe_stacks", "Throttling", http_status_code=400)
    with pytest.raises(TransientError):
        stacks.provide(OF_ACME, "r1")


# ── What is left ──────────────────────────────────────────────────────────────────────────────────────────────────────


class StoredIndexes:
    """Vector indexes of two pages, of four vectors and of three, in some vector buckets; moto has none."""

    def __init__(self, session: AwsSession, *vector_buckets: str) -> None:
        self.session = session
        self.there = list(vector_buckets)

    def at(self, placement: Placement) -> S3VectorsIndex:
        return StoredIndex(self, placement)


class StoredIndex(S3VectorsIndex):
    def __init__(self, stored: StoredIndexes, placement: Placement) -> None:
        super().__init__(stored.session, placement)
        self._stored = stored
        self._bucket = placement.vector_bucket

    def count_page(self, cursor: str | None) -> tuple[int, str | None] | None:
        if self._bucket not in self._stored.there:
            return None
        return (3, None) if cursor else (4, "after the fourth")

    def drop(self) -> None:
        if self._bucket in self._stored.there:
            self._stored.there.remove(self._bucket)


def moving_record(tenant: TenantContext, other: Placement = OWN) -> TenantRecord:
    move = Move("premium", replace(other, index=tenant.tenant_id), "copying", "r1")
    return TenantRecord(tenant, "removing", "then", run="r2", move=move)


def fill(aws: AwsSession, tenant: TenantContext, *buckets: str) -> None:
    for bucket in buckets:
        put(aws, tenant.prefix + "a", bucket=bucket)
        aws.client("s3").delete_object(Bucket=bucket, Key=tenant.prefix + "a")


def test_what_is_left_of_a_tenant_that_moves_lies_at_both_places(aws: AwsSession, tenant: TenantContext) -> None:
    indexes = StoredIndexes(aws, "vectors", "own-vectors")
    fill(aws, tenant, "documents", "artifacts", "own-documents", "own-artifacts")
    record = moving_record(tenant, replace(OWN, stack=""))
    places = PurgedLocations.of_tenant(record, "manifests", TENANT_TABLE, CONTROL_TABLE)
    remains = AwsTenantPurger(aws, aws, places, indexes.at, None, "r2")
    counts = counted(remains)
    assert (counts["uploads"], counts["artifacts"], counts["indexes"], counts["vectors"]) == (4, 4, 2, 14)
    while remains.purge_batch(one_step):
        pass
    assert set(counted(remains).values()) == {0}
    assert indexes.there == []


def test_only_the_place_that_is_not_in_use_is_cleared(aws: AwsSession, tenant: TenantContext) -> None:
    indexes = StoredIndexes(aws, "vectors", "own-vectors")
    fill(aws, tenant, "documents", "artifacts", "own-documents", "own-artifacts")
    aws.client("dynamodb").put_item(TableName=TENANT_TABLE, Item=to_item({"pk": tenant.tenant_id, "sk": "DOCUMENT#1"}))
    record = moving_record(tenant, replace(OWN, stack=""))
    assert record.move
    left = AwsTenantPurger(aws, aws, PurgedLocations.of_placements(tenant, record.move.other), indexes.at, None, "r1")
    assert counted(left) == {"uploads": 2, "artifacts": 2, "indexes": 1, "vectors": 7, "stacks": 0}
    while left.purge_batch(one_step):
        pass
    assert set(counted(left).values()) == {0}
    assert indexes.there == ["vectors"]
    whole = AwsTenantPurger(
        aws,
        aws,
        PurgedLocations.of_tenant(record, "manifests", TENANT_TABLE, CONTROL_TABLE),
        indexes.at,
        None,
        "r2",
    )
    there = counted(whole)
    assert (there["uploads"], there["artifacts"], there["ledger_items"]) == (2, 2, 1)


def test_buckets_that_were_never_made_or_went_with_their_stack_hold_nothing(
    aws: AwsSession, tenant: TenantContext, cloudformation: Stubber
) -> None:
    indexes = StoredIndexes(aws)
    never = replace(OWN, documents_bucket="never-made-documents", artifacts_bucket="never-made-artifacts")
    left = AwsTenantPurger(aws, aws, PurgedLocations.of_placements(tenant, never), indexes.at, None, "r1")
    for _ in range(2):
        stands_as(cloudformation, None)
    assert set(counted(left).values()) == {0}
    assert not left.purge_batch(one_step)


def test_a_place_without_a_vector_bucket_has_no_index_to_look_at(tenant: TenantContext) -> None:
    unplaced = replace(OWN, vector_bucket="", stack="")
    places = PurgedLocations.of_tenant(moving_record(tenant, unplaced), "manifests", TENANT_TABLE, CONTROL_TABLE)
    assert places.placements == (tenant.placement,)
    assert places.objects["uploads"] == (("documents", tenant.prefix), ("own-documents", tenant.prefix))


def test_a_stack_goes_last_and_is_waited_for(aws: AwsSession, tenant: TenantContext, cloudformation: Stubber) -> None:
    indexes = StoredIndexes(aws)
    fill(aws, tenant, "own-documents")
    left = AwsTenantPurger(aws, aws, PurgedLocations.of_placements(tenant, OWN), indexes.at, None, "r1")
    stands_as(cloudformation, "CREATE_COMPLETE")
    assert counted(left)["stacks"] == 1
    stands_as(cloudformation, "CREATE_COMPLETE")
    cloudformation.add_response("delete_stack", {}, {"StackName": OWN.stack, "ClientRequestToken": "r1"})
    assert left.purge_batch(one_step)
    assert aws.client("s3").list_object_versions(Bucket="own-documents", Prefix=tenant.prefix).get("Versions", []) == []
    stands_as(cloudformation, "DELETE_IN_PROGRESS")
    assert left.purge_batch(one_step)
    stands_as(cloudformation, "DELETE_FAILED")
    was_left_by(cloudformation, "r1")
    with pytest.raises(Conflict, match="DELETE_FAILED"):
        left.purge_batch(one_step)
    stands_as(cloudformation, "DELETE_FAILED")
    was_left_by(cloudformation, "r0")
    cloudformation.add_response("delete_stack", {}, {"StackName": OWN.stack, "ClientRequestToken": ANY})
    assert left.purge_batch(one_step), "another run tries it again"
    stands_as(cloudformation, None)
    assert not left.purge_batch(one_step)
