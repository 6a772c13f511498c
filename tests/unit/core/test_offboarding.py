"""How tenants go: shut out at once, removed by their own session, with a receipt that was read back."""

import json
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession
from onggi.adapters.deferred_events import waiting_of
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.dynamodb import to_item
from onggi.adapters.export import S3TenantExport
from onggi.adapters.keys import keys_of
from onggi.adapters.lifecycle import POOLS, DynamoTenantLifecycle
from onggi.adapters.purger import AwsTenantPurger, PurgedLocations
from onggi.adapters.s3vectors import S3VectorsIndex
from onggi.adapters.users import CognitoTenantUsers
from onggi.domain.errors import Conflict, NotFound
from onggi.domain.tenant import Receipt, TenantContext, TenantRecord
from onggi.domain.tenant_data import CountProgress, ExportProgress
from onggi.steps.tenancy.export_tenant_data import export_tenant_data
from onggi.steps.tenancy.offboarding import (
    close_tenant,
    count_tenant_data,
    exported_tenant,
    remaining_counts,
    remove_tenant,
)
from onggi.steps.tenancy.tenants import execution_name
from tests.unit.core.conftest import CONTROL_TABLE, TENANT_TABLE
from tests.unit.core.fakes import (
    FakeLifecycle,
    FakePurger,
    FakeTenant,
    FakeWorkflow,
    all_day,
    control_ports,
    counted,
    one_step,
    tenant_named,
)
from tests.unit.core.test_tenant_users import Pool

NOT_EXPORTED = ExportProgress(more=False)


@pytest.fixture
def lifecycle(acme: FakeTenant) -> FakeLifecycle:
    return FakeLifecycle(acme.directory)


def record_of(acme: FakeTenant) -> TenantRecord:
    return acme.directory.records["acme"]


@pytest.mark.parametrize("status", ["active", "suspended", "failed"])
def test_a_tenant_is_shut_out_at_once(acme: FakeTenant, lifecycle: FakeLifecycle, status: Any) -> None:
    acme.directory.set_status("acme", status)
    workflow = FakeWorkflow()
    remove_tenant(record_of(acme), 960, control_ports(acme.directory, lifecycle, acme.clock, workflow))
    assert record_of(acme).status == "removing"
    assert list(workflow.started) == [execution_name(record_of(acme))]
    remove_tenant(record_of(acme), 960, control_ports(acme.directory, lifecycle, acme.clock, workflow))
    assert len(workflow.started) == 1, "it is being removed already"


def test_a_removal_that_stopped_is_resumed(acme: FakeTenant, lifecycle: FakeLifecycle) -> None:
    workflow = FakeWorkflow()
    for number in range(1, 4):
        acme.clock.advance(seconds=1)
        remove_tenant(record_of(acme), 960, control_ports(acme.directory, lifecycle, acme.clock, workflow))
        assert len(workflow.started) == number
        workflow.ended.add(execution_name(record_of(acme)))
        if number == 2:  # once aborted without a word, once with a reason
            acme.directory.records["acme"] = replace(record_of(acme), reason="S3 was down.")
    assert record_of(acme).reason is None


def test_a_tenant_that_comes_in_is_not_removed(acme: FakeTenant, lifecycle: FakeLifecycle) -> None:
    acme.directory.set_status("acme", "provisioning")
    with pytest.raises(Conflict):
        remove_tenant(record_of(acme), 960, control_ports(acme.directory, lifecycle, acme.clock, FakeWorkflow()))


def test_documents_in_work_are_waited_for_while_their_executions_run() -> None:
    remains, ingestion = FakePurger(uploads=1), FakeWorkflow()
    remains.executions = ["aborted", "running"]
    ingestion.start("running", {})
    busy = count_tenant_data(remains, ingestion, CountProgress(), all_day, counting=True)
    assert (busy.more, busy.counts) == (True, {})
    ingestion.ended.add("running")
    done = count_tenant_data(remains, ingestion, busy, all_day, counting=True)
    assert (done.more, done.counts) == (False, {"uploads": 1})


def test_counting_goes_on_where_the_slice_before_has_ended() -> None:
    remains, ingestion = FakePurger(uploads=5, keys=0, vectors=3), FakeWorkflow()
    remains.executions = ["ended"] * 4
    progress, slices = CountProgress(), 0
    while progress.more:
        again = count_tenant_data(remains, ingestion, progress, one_step, counting=True)
        progress = CountProgress(**json.loads(json.dumps(asdict(progress))))
        progress = count_tenant_data(remains, ingestion, progress, one_step, counting=True)
        assert progress == again, "a slice that is repeated counts nothing twice"
        slices += 1
    assert progress.counts == {"uploads": 5, "keys": 0, "vectors": 3}
    assert slices == 4 + 8


def test_a_move_looks_for_documents_under_way_and_counts_nothing() -> None:
    remains = FakePurger(uploads=5)
    assert count_tenant_data(remains, FakeWorkflow(), CountProgress(), all_day, counting=False).more is False
    assert count_tenant_data(remains, FakeWorkflow(), CountProgress(), all_day, counting=False).counts == {}


def test_pages_without_a_document_under_way_are_looked_at_once() -> None:
    remains, ingestion = FakePurger(), FakeWorkflow()
    remains.executions = ["ended", "running"]
    ingestion.start("running", {})
    busy = count_tenant_data(remains, ingestion, CountProgress(), all_day, counting=True)
    assert busy == CountProgress(cursor="1")
    remains.executions[0] = "never looked at again"
    ingestion.start("never looked at again", {})
    ingestion.ended.add("running")
    assert not count_tenant_data(remains, ingestion, busy, all_day, counting=True).more


def test_there_is_no_receipt_while_anything_is_left(acme: FakeTenant, lifecycle: FakeLifecycle) -> None:
    remains = FakePurger(uploads=0, keys=1)
    assert (
        close_tenant(record_of(acme), {"uploads": 5}, NOT_EXPORTED, "exports", remains, lifecycle, acme.clock) is None
    )
    assert "acme" in acme.directory.records
    remains.purge_batch(one_step)
    receipt = close_tenant(record_of(acme), {"uploads": 5}, NOT_EXPORTED, "exports", remains, lifecycle, acme.clock)
    assert receipt == lifecycle.receipt("acme")
    assert receipt is not None
    assert (receipt.before, receipt.after) == ({"uploads": 5}, {"uploads": 0, "keys": 0})
    assert "acme" not in acme.directory.records


def test_a_receipt_takes_the_place_of_the_record(aws: AwsSession, acme: FakeTenant, unused_tenant_id: str) -> None:
    directory = DynamoTenantDirectory(aws, CONTROL_TABLE, acme.clock)
    lifecycle = DynamoTenantLifecycle(aws, CONTROL_TABLE)
    counts = []
    for removed_at in ("2026-11-21T09:00:00.000Z", "2026-11-22T09:00:00.000Z"):
        context = tenant_named(unused_tenant_id)
        unplaced = replace(context, placement=replace(context.placement, vector_bucket=""))
        directory.create(TenantRecord(unplaced, "removing", "2026-11-20T09:00:00.000Z"))
        known = directory.find(unused_tenant_id)
        assert known is not None
        record = lifecycle.place(known, "counted", 10)
        assert record is not None
        receipt = Receipt(unused_tenant_id, record.created_at, removed_at, {"uploads": 2}, {"uploads": 0})
        with pytest.raises(Conflict):
            lifecycle.remove(known, receipt)
        assert directory.find(unused_tenant_id) == record
        lifecycle.remove(record, receipt)
        assert directory.find(unused_tenant_id) is None
        assert lifecycle.receipt(unused_tenant_id) == receipt
        key = to_item({"pk": POOLS, "sk": "counted"})
        counts.append(aws.client("dynamodb").get_item(TableName=CONTROL_TABLE, Key=key)["Item"]["index_count"]["N"])
    assert counts == ["0", "0"]
    assert lifecycle.receipt("never-there") is None


def purger_of(aws: AwsSession, record: TenantRecord, pool: Pool, run: str = "run-1") -> AwsTenantPurger:
    places = PurgedLocations.of_tenant(record, "artifacts", TENANT_TABLE, CONTROL_TABLE)
    users = CognitoTenantUsers(pool, "pool", record.context)  # type: ignore[arg-type]  # all that is used of a session
    return AwsTenantPurger(aws, aws, places, partial(S3VectorsIndex, aws), users, run)


def fill(aws: AwsSession, tenant: TenantContext) -> None:
    s3, dynamodb = aws.client("s3"), aws.client("dynamodb")
    for bucket, prefix in (
        ("documents", tenant.prefix),
        ("artifacts", tenant.prefix),
        ("artifacts", f"manifests/{tenant.tenant_id}/"),
    ):
        for content in (b"one", b"two"):
            s3.put_object(Bucket=bucket, Key=f"{prefix}a", Body=content)
        s3.delete_object(Bucket=bucket, Key=f"{prefix}a")
    for table, partition, number in (
        (TENANT_TABLE, tenant.tenant_id, 60),
        (CONTROL_TABLE, keys_of(tenant.tenant_id), 2),
        (CONTROL_TABLE, waiting_of(tenant.tenant_id), 1),
    ):
        for each in range(number):
            status = {"status": "processing", "execution": f"e{each % 2}"} if each < 3 else {"status": "ready"}
            dynamodb.put_item(TableName=table, Item=to_item({"pk": partition, "sk": f"s{each:03}", **status}))


def test_everything_of_the_tenant_goes_and_nothing_of_its_neighbour(aws: AwsSession, unused_tenant_id: str) -> None:
    tenants = [
        replace(context, placement=replace(context.placement, vector_bucket=""))
        for context in (tenant_named(unused_tenant_id), tenant_named(f"{unused_tenant_id}-b"))
    ]
    for tenant in tenants:
        fill(aws, tenant)
    pool = Pool(a=unused_tenant_id, b=unused_tenant_id, c=f"{unused_tenant_id}-b", d=f"{unused_tenant_id}-b")
    own, neighbour = (purger_of(aws, TenantRecord(tenant, "removing", "then"), pool) for tenant in tenants)
    there = {
        "uploads": 3,
        "artifacts": 3,
        "manifests": 3,
        "indexes": 0,
        "vectors": 0,
        "ledger_items": 60,
        "keys": 2,
        "deferred_events": 1,
        "users": 2,
        "stacks": 0,
    }
    assert counted(own) == there
    assert own.unfinished_page(None) == (["e0", "e1"], None)
    while own.purge_batch(one_step):
        pass
    assert set(counted(own).values()) == {0}
    assert not own.purge_batch(one_step)
    assert counted(neighbour) == there


def test_what_lies_on_many_pages_is_counted_and_removed_page_by_page(
    aws: AwsSession, unused_tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page is a call of its own, so that a function may end after any, and each cursor is JSON text."""
    context = tenant_named(unused_tenant_id)
    tenant = replace(context, placement=replace(context.placement, vector_bucket=""))
    fill(aws, tenant)
    of_few(monkeypatch, aws, 2)
    remains = purger_of(aws, TenantRecord(tenant, "removing", "then"), Pool(a=unused_tenant_id, b="x", c="y"))
    pages, cursor = 0, None
    counts: dict[str, int] = {}
    while pages == 0 or cursor is not None:
        again = remains.count_page(cursor)
        found, cursor = remains.count_page(cursor)
        assert again == (found, cursor)
        assert cursor is None or json.loads(cursor)
        counts = {kind: counts.get(kind, 0) + found.get(kind, 0) for kind in (counts or found)}
        pages += 1
    assert counts == counted(remains)
    assert (counts["uploads"], counts["ledger_items"], counts["users"]) == (3, 60, 1)
    assert pages > 30
    executions, cursor = remains.unfinished_page(None)
    assert (executions, cursor is None) == (["e0", "e1"], False)
    calls = 0
    while remains.purge_batch(one_step):
        calls += 1
    assert calls > 1
    assert set(counted(remains).values()) == {0}


def of_few(monkeypatch: pytest.MonkeyPatch, aws: AwsSession, most: int) -> None:
    """Has S3 and DynamoDB answer few things a page, as they answer a thousand or a megabyte of many."""
    s3, dynamodb = aws.client("s3"), aws.client("dynamodb")
    listed, queried = s3.list_object_versions, dynamodb.query
    monkeypatch.setattr(s3, "list_object_versions", lambda **asked: listed(**asked, MaxKeys=most))
    monkeypatch.setattr(dynamodb, "query", lambda **asked: queried(**{**asked, "Limit": most}))


def test_a_receipt_is_not_kept_from_by_what_is_on_a_later_page() -> None:
    remains = FakePurger(uploads=0, keys=2)
    left = remaining_counts(remains)
    assert left == {"uploads": 0, "keys": 1}, "the first page that holds anything is enough"
    assert remaining_counts(FakePurger(uploads=0, keys=0)) == {"uploads": 0, "keys": 0}


class LatePurger(FakePurger):
    """Pages of which only the last holds anything, as S3 gives them where many versions were removed."""

    def count_page(self, cursor: str | None) -> tuple[dict[str, int], str | None]:
        number = int(cursor or 0)
        return {"uploads": 1 if number == 2 else 0}, str(number + 1) if number < 2 else None


def test_what_is_on_the_last_of_many_empty_pages_is_left() -> None:
    assert remaining_counts(LatePurger()) == {"uploads": 1}


def test_a_receipt_tells_where_the_export_lies(aws: AwsSession, acme: FakeTenant, unused_tenant_id: str) -> None:
    directory = DynamoTenantDirectory(aws, CONTROL_TABLE, acme.clock)
    lifecycle = DynamoTenantLifecycle(aws, CONTROL_TABLE)
    record = TenantRecord(tenant_named(unused_tenant_id), "removing", "2026-11-20T09:00:00.000Z", run="run-1")
    directory.create(record)
    close_tenant(record, {}, ExportProgress(more=False, objects=7), "exports", FakePurger(), lifecycle, acme.clock)
    receipt = lifecycle.receipt(unused_tenant_id)
    assert receipt is not None
    assert receipt.export == {"bucket": "exports", "run": "run-1", "objects": 7}
    tenant, run = exported_tenant(receipt)
    assert (tenant.tenant_id, tenant.placement.artifacts_bucket, run) == (unused_tenant_id, "exports", "run-1")
    assert tenant.tier == "basic", "exports lie in the pool's bucket, whatever the tenant had"
    for without in (None, replace(receipt, export=None)):
        with pytest.raises(NotFound):
            exported_tenant(without)


def test_an_export_holds_everything_page_by_page_and_twice_the_same(aws: AwsSession, unused_tenant_id: str) -> None:
    context = tenant_named(unused_tenant_id)
    tenant = replace(context, placement=replace(context.placement, vector_bucket=""))
    s3, dynamodb = aws.client("s3"), aws.client("dynamodb")
    for number in range(101):  # one more than a page
        s3.put_object(Bucket="documents", Key=f"{tenant.prefix}계약/{number}.txt", Body=str(number).encode())
    s3.put_object(Bucket="documents", Key=f"tenants/{unused_tenant_id}-b/foreign.txt", Body=b"foreign")
    for name in ("d1/v1/text.txt", "d1/v1/chunks.json"):
        s3.put_object(Bucket="artifacts", Key=tenant.prefix + name, Body="김치".encode())
    row = {"pk": unused_tenant_id, "sk": "DOCUMENT#d1", "versions": {"v1"}, "size": 3, "name": "김치"}
    dynamodb.put_item(TableName=TENANT_TABLE, Item=to_item(row))
    export = S3TenantExport(aws, TENANT_TABLE, tenant, S3VectorsIndex(aws, tenant.placement), "manifests", "run-1")
    for _ in range(2):
        progress = ExportProgress(more=True)
        while progress.more:
            progress = export_tenant_data(progress, export, one_step)
        assert progress.objects == 103
    names, cursor = [], None
    while True:
        found, cursor = export.page(40, cursor)
        names += [each.name for each in found]
        assert all("/run-1/" in each.url and "Signature=" in each.url for each in found)
        if cursor is None:
            break
    assert len(names) == len(set(names)) == 103
    assert {"ledger/00000.jsonl", "texts/d1/v1.txt", "uploads/계약/7.txt"} <= set(names)
    prefix = f"exports/{unused_tenant_id}/run-1/"
    exported = s3.get_object(Bucket="manifests", Key=prefix + "ledger/00000.jsonl")["Body"].read()
    assert json.loads(exported) == row | {"versions": ["v1"]}


def export_once(export: S3TenantExport) -> tuple[int, list[str]]:
    """Export everything; returns the number of objects counted, and their names."""
    progress = ExportProgress(more=True)
    while progress.more:
        progress = export_tenant_data(progress, export, one_step)
    return progress.objects, [each.name for each in export.page(100, None)[0]]


@pytest.mark.parametrize("missing", ["denied", "not found"])
def test_what_goes_while_it_is_exported_is_left_out(
    aws: AwsSession,
    unused_tenant_id: str,
    missing: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if missing == "denied":
        request.getfixturevalue("denied_what_is_missing")
    context = tenant_named(unused_tenant_id)
    tenant = replace(context, placement=replace(context.placement, vector_bucket=""))
    s3 = aws.client("s3")
    for name in ("a.txt", "b.txt", "b.txt.longer"):
        s3.put_object(Bucket="documents", Key=tenant.prefix + name, Body=b"x")
    export = S3TenantExport(aws, TENANT_TABLE, tenant, S3VectorsIndex(aws, tenant.placement), "manifests", "run-1")
    listed = s3.list_objects_v2

    def deleted_after_listing(**parameters: Any) -> Any:
        answer = listed(**parameters)
        if parameters["Bucket"] == "documents":
            s3.delete_object(Bucket="documents", Key=tenant.prefix + "b.txt")
        return answer

    monkeypatch.setattr(s3, "list_objects_v2", deleted_after_listing)
    assert export_once(export) == (2, ["uploads/a.txt", "uploads/b.txt.longer"])


def test_an_export_that_is_denied_what_is_there_stops(
    aws: AwsSession, unused_tenant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, s3 = tenant_named(unused_tenant_id), aws.client("s3")
    s3.put_object(Bucket="documents", Key=tenant.prefix + "a.txt", Body=b"x")

    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "CopyObject")

    monkeypatch.setattr(s3, "copy_object", deny)
    with pytest.raises(ClientError, match="AccessDenied"):
        export_once(
            S3TenantExport(aws, TENANT_TABLE, tenant, S3VectorsIndex(aws, tenant.placement), "manifests", "run-1")
        )


def test_nothing_is_exported_unless_it_was_asked_for(aws: AwsSession, unused_tenant_id: str) -> None:
    tenant = tenant_named(unused_tenant_id)
    export = S3TenantExport(aws, TENANT_TABLE, tenant, S3VectorsIndex(aws, tenant.placement), "manifests", "run-1")
    assert export_tenant_data(NOT_EXPORTED, export, all_day) == NOT_EXPORTED
    assert export.page(10, None) == ([], None)
