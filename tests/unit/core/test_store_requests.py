"""What goes out to S3, DynamoDB and the other services that keep something: each request whole."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from onggi.adapters.audit import S3AuditTrail
from onggi.adapters.aws import AwsSession
from onggi.adapters.deferred_events import DynamoDeferredEvents
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.dynamodb import to_item
from onggi.adapters.export import S3TenantExport
from onggi.adapters.keys import DynamoKeyRing
from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.adapters.moving import S3MovingObjects
from onggi.adapters.purger import AwsTenantPurger, PurgedLocations
from onggi.adapters.s3 import S3ArtifactStore, S3DocumentStore
from onggi.adapters.s3vectors import S3VectorsIndex
from onggi.adapters.stacks import CloudFormationTenantStacks
from onggi.adapters.users import CognitoTenantUsers
from onggi.adapters.workflows import StepFunctionsWorkflow
from onggi.domain.access import ApiKey
from onggi.domain.audit import AuditEntry, Author
from onggi.domain.errors import TransientError
from onggi.domain.tenant import Placement, TenantRecord
from onggi.domain.tenant_data import ExportProgress
from onggi.ports.tenants import DeferredEvent
from tests.unit.core.fakes import FixedClock, all_day, one_step, tenant_named
from tests.unit.core.recorded import RecordedAws

TENANT = tenant_named()
OWN = Placement("own-documents", "own-artifacts", "own-vectors", "acme", "onggi-silo-1", generation=1)
ROLE = "arn:aws:iam::123456789012:role/deployment"
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
KEY = "tenants/acme/a.txt"
WAITING = DeferredEvent("a.txt", "01", "e1", {"a": "김치"})


def ledger(session: AwsSession) -> DynamoDocumentLedger:
    return DynamoDocumentLedger(session, "tenant", TENANT)


def export(session: AwsSession) -> S3TenantExport:
    return S3TenantExport(session, "tenant", TENANT, S3VectorsIndex(session, TENANT.placement), "manifests", "run-1")


def moving(session: AwsSession) -> S3MovingObjects:
    return S3MovingObjects(session, TENANT, TENANT.placement, OWN)


def directory(session: AwsSession) -> DynamoTenantDirectory:
    return DynamoTenantDirectory(session, "control", FixedClock())


def stacks(session: AwsSession) -> CloudFormationTenantStacks:
    return CloudFormationTenantStacks(session, "Resources: {}", ROLE, {"Key": "value"})


def item(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


LISTED = {"Bucket": "documents", "Prefix": "tenants/acme/"}
CASES: dict[str, tuple[str, Callable[[AwsSession], object], str, dict[str, Any]]] = {
    "the newest version is looked at": (
        "s3",
        lambda s: S3DocumentStore(s, TENANT).delete(KEY),
        "DeleteObject",
        {"Bucket": "documents", "Key": KEY},
    ),
    "an artifact is written": (
        "s3",
        lambda s: S3ArtifactStore(s, TENANT, "manifests").write("d/v/text.txt", b"x"),
        "PutObject",
        {"Bucket": "artifacts", "Key": "tenants/acme/d/v/text.txt", "Body": b"x"},
    ),
    "a manifest is written": (
        "s3",
        lambda s: S3ArtifactStore(s, TENANT, "manifests").write_manifest("d", "v", [{"batch": 0}]),
        "PutObject",
        {"Bucket": "manifests", "Key": "manifests/acme/d/v.jsonl", "Body": b'{"batch": 0}\n'},
    ),
    "a manifest is deleted": (
        "s3",
        lambda s: S3ArtifactStore(s, TENANT, "manifests").delete_manifest("d", "v"),
        "DeleteObjects",
        {"Bucket": "manifests", "Delete": {"Objects": [{"Key": "manifests/acme/d/v.jsonl"}], "Quiet": True}},
    ),
    "artifacts are listed": (
        "s3",
        lambda s: S3ArtifactStore(s, TENANT, "manifests").names("d/v/"),
        "ListObjectsV2",
        {"Bucket": "artifacts", "Prefix": "tenants/acme/d/v/"},
    ),
    "uploads to move are listed": (
        "s3",
        lambda s: moving(s).uploads(KEY),
        "ListObjectVersions",
        {**LISTED, "MaxKeys": 100, "KeyMarker": KEY},
    ),
    "artifacts to move are listed": (
        "s3",
        lambda s: moving(s).artifacts("d/v"),
        "ListObjectsV2",
        {"Bucket": "artifacts", "Prefix": "tenants/acme/", "MaxKeys": 100, "StartAfter": "tenants/acme/d/v"},
    ),
    "an upload is moved without its tags": (
        "s3",
        lambda s: moving(s).copy_uploads([(KEY, "v1")]),
        "CopyObject",
        {
            "Bucket": "own-documents",
            "Key": KEY,
            "CopySource": {"Bucket": "documents", "Key": KEY, "VersionId": "v1"},
            "TaggingDirective": "REPLACE",
        },
    ),
    "uploads to export are listed": (
        "s3",
        lambda s: export(s).some(ExportProgress(more=True, stage="uploads", token="t")),
        "ListObjectsV2",
        {**LISTED, "MaxKeys": 100, "ContinuationToken": "t"},
    ),
    "texts to export are listed": (
        "s3",
        lambda s: export(s).some(ExportProgress(more=True, stage="texts")),
        "ListObjectsV2",
        {"Bucket": "artifacts", "Prefix": "tenants/acme/", "MaxKeys": 1000},
    ),
    "vectors are exported with all that is known of them": (
        "s3vectors",
        lambda s: export(s).some(ExportProgress(more=True, stage="vectors", token="t")),
        "ListVectors",
        {
            "vectorBucketName": "vectors",
            "indexName": "acme",
            "maxResults": 100,
            "returnData": True,
            "returnMetadata": True,
            "nextToken": "t",
        },
    ),
    "rows are exported": (
        "dynamodb",
        lambda s: export(s).some(ExportProgress(more=True, stage="rows", token="DOCUMENT#d")),
        "Query",
        {
            "TableName": "tenant",
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "acme"}},
            "ConsistentRead": True,
            "Limit": 1000,
            "ExclusiveStartKey": item("acme", "DOCUMENT#d"),
        },
    ),
    "exported objects are listed": (
        "s3",
        lambda s: export(s).page(40, "uploads/a"),
        "ListObjectsV2",
        {
            "Bucket": "manifests",
            "Prefix": "exports/acme/run-1/",
            "MaxKeys": 40,
            "StartAfter": "exports/acme/run-1/uploads/a",
        },
    ),
    "a document's row is read": (
        "dynamodb",
        lambda s: ledger(s).get("d"),
        "GetItem",
        {"TableName": "tenant", "Key": item("acme", "DOCUMENT#d"), "ConsistentRead": True},
    ),
    "what is stored is read": (
        "dynamodb",
        lambda s: ledger(s).stored(),
        "GetItem",
        {"TableName": "tenant", "Key": item("acme", "STORED"), "ConsistentRead": True},
    ),
    "rows of passages are read": (
        "dynamodb",
        lambda s: ledger(s).get_many(["d"]),
        "BatchGetItem",
        {"RequestItems": {"tenant": {"Keys": [item("acme", "DOCUMENT#d")], "ConsistentRead": True}}},
    ),
    "documents are listed": (
        "dynamodb",
        lambda s: ledger(s).page(None, 25, None),
        "Query",
        {
            "TableName": "tenant",
            "IndexName": "by_upload",
            "KeyConditionExpression": "pk = :pk",
            "FilterExpression": "#status <> :status",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {":pk": {"S": "acme"}, ":status": {"S": "deleted"}},
            "ScanIndexForward": False,
            "Limit": 200,
        },
    ),
    "documents of a status are listed": (
        "dynamodb",
        lambda s: ledger(s).page("failed", 25, None),
        "Query",
        {
            "TableName": "tenant",
            "IndexName": "by_upload",
            "KeyConditionExpression": "pk = :pk",
            "FilterExpression": "#status = :status",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {":pk": {"S": "acme"}, ":status": {"S": "failed"}},
            "ScanIndexForward": False,
            "Limit": 200,
        },
    ),
    "a key is found": (
        "dynamodb",
        lambda s: DynamoKeyRing(s, "control", "acme").find("k"),
        "GetItem",
        {"TableName": "control", "Key": item("KEYS#acme", "k"), "ConsistentRead": True},
    ),
    "a key is added": (
        "dynamodb",
        lambda s: DynamoKeyRing(s, "control", "acme").add(ApiKey("k", "00", "11", "2026-11-21T09:00:00.000Z")),
        "PutItem",
        {
            "TableName": "control",
            "Item": {
                **item("KEYS#acme", "k"),
                "salt": {"S": "00"},
                "secret_hash": {"S": "11"},
                "created_at": {"S": "2026-11-21T09:00:00.000Z"},
                "role": {"S": "writer"},
            },
            "ConditionExpression": "attribute_not_exists(pk)",
        },
    ),
    "the use of a key is noted": (
        "dynamodb",
        lambda s: DynamoKeyRing(s, "control", "acme").note_use("k", NOW, NOW - timedelta(hours=1)),
        "UpdateItem",
        {
            "TableName": "control",
            "Key": item("KEYS#acme", "k"),
            "UpdateExpression": "SET last_used_at = :now",
            "ConditionExpression": (
                "attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :since)"
            ),
            "ExpressionAttributeValues": {
                ":now": {"S": "2026-11-21T09:30:00.000Z"},
                ":since": {"S": "2026-11-21T08:30:00.000Z"},
            },
        },
    ),
    "a change is noted once": (
        "s3",
        lambda s: S3AuditTrail(s, "audit", "control", "acme").record(
            AuditEntry("2026-11-21T09:30:00.250Z", Author("arn:operator", "r1"), "tenant.created", None, {"a": "김치"})
        ),
        "PutObject",
        {
            "Bucket": "audit",
            "Key": "acme/8204746599749_2026-11-21T093000.250Z_r1_tenant.created.json",
            "Body": (
                '{"at": "2026-11-21T09:30:00.250Z", "author": {"name": "arn:operator", "request_id": "r1"}, '
                '"action": "tenant.created", "before": null, "after": {"a": "김치"}}'
            ).encode(),
            "ContentType": "application/json",
            "IfNoneMatch": "*",
        },
    ),
    "a tenant is found": (
        "dynamodb",
        lambda s: directory(s).find("acme"),
        "GetItem",
        {"TableName": "control", "Key": item("TENANTS", "acme"), "ConsistentRead": True},
    ),
    "waiting events are read": (
        "dynamodb",
        lambda s: DynamoDeferredEvents(s, "control").some("acme", 50),
        "Query",
        {
            "TableName": "control",
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": "WAITING#acme"}},
            "ConsistentRead": True,
            "Limit": 50,
        },
    ),
    "users are looked for": (
        "cognito-idp",
        lambda s: CognitoTenantUsers(s, "pool", TENANT).count_page(None),
        "ListUsers",
        {"UserPoolId": "pool"},
    ),
    "an execution is started": (
        "stepfunctions",
        lambda s: StepFunctionsWorkflow(s, "arn:aws:states:r:1:stateMachine:x").start("run", {"이름": "김"}),
        "StartExecution",
        {"stateMachineArn": "arn:aws:states:r:1:stateMachine:x", "name": "run", "input": '{"이름": "김"}'},
    ),
}
ANSWERS = {
    "ListObjectsV2": {"IsTruncated": False},
    "ListObjectVersions": {"IsTruncated": False},
    "Query": {"Items": []},
    "BatchGetItem": {"Responses": {}},
    "ListVectors": {"vectors": []},
    "ListUsers": {"Users": []},
}


@pytest.mark.parametrize("case", CASES)
def test_a_request(case: str) -> None:
    service, call, operation, request = CASES[case]
    aws = RecordedAws([service], **ANSWERS)
    call(aws.session)
    assert aws.requests == [(operation, request)]


def test_an_upload_is_asked_for_by_its_version_where_one_is_named() -> None:
    head = {"VersionId": "v1", "ContentLength": 5, "LastModified": NOW}
    aws = RecordedAws(["s3"], HeadObject=head)
    documents = S3DocumentStore(aws.session, TENANT)
    facts = documents.facts(KEY, "v1")
    assert facts is not None
    assert facts.content_type == "application/octet-stream", "what S3 says where an uploader has said nothing"
    documents.facts(KEY)
    where = {"Bucket": "documents", "Key": KEY}
    assert aws.requests == [("HeadObject", {**where, "VersionId": "v1"}), ("HeadObject", where)]


def test_an_upload_form_is_good_for_the_seconds_given() -> None:
    before = datetime.now(UTC)
    upload = S3DocumentStore(RecordedAws(["s3"]).session, TENANT).presign_upload(KEY, "text/plain", 5, {}, 900)
    policy = json.loads(base64.b64decode(upload.fields["policy"]))
    ends = datetime.fromisoformat(policy["expiration"])
    assert before + timedelta(seconds=899) <= ends <= datetime.now(UTC) + timedelta(seconds=900)


def test_a_link_to_an_exported_object_is_good_for_15_minutes() -> None:
    listed = {"Contents": [{"Key": "exports/acme/run-1/uploads/a", "Size": 3}], "IsTruncated": False}
    found, more = export(RecordedAws(["s3"], ListObjectsV2=listed).session).page(40, None)
    assert [(each.name, each.size) for each in found] == [("uploads/a", 3)]
    assert "/manifests/exports/acme/run-1/uploads/a?" in found[0].url or "manifests.s3" in found[0].url
    assert "X-Amz-Expires=900&" in found[0].url
    assert more is None


@pytest.mark.parametrize(("count", "sizes"), [(1000, [1000]), (1001, [1000, 1])])
def test_artifacts_are_deleted_as_many_at_a_time_as_s3_takes(count: int, sizes: list[int]) -> None:
    """DeleteObjects takes 1,000 keys (S3 API reference)."""
    aws = RecordedAws(["s3"])
    S3ArtifactStore(aws.session, TENANT, "manifests").delete(map(str, range(count)))
    assert aws.sizes("DeleteObjects", "Delete", "Objects") == sizes


@pytest.mark.parametrize(("count", "sizes"), [(100, [100]), (101, [100, 1])])
def test_rows_are_read_as_many_at_a_time_as_dynamodb_gives(count: int, sizes: list[int]) -> None:
    """BatchGetItem takes 100 keys (DynamoDB API reference)."""
    aws = RecordedAws(["dynamodb"], BatchGetItem={"Responses": {}})
    ledger(aws.session).get_many(f"{number:03}" for number in range(count))
    assert aws.sizes("BatchGetItem", "RequestItems", "tenant", "Keys") == sizes


PAGES: dict[str, tuple[Callable[[AwsSession], Any], dict[str, Any], str]] = {
    "keys": (
        lambda s: DynamoKeyRing(s, "control", "acme"),
        {"pk": "KEYS#acme", "salt": "s", "secret_hash": "h", "created_at": "t"},
        "key_id",
    ),
    "tenants": (
        directory,
        {"pk": "TENANTS", "context": json.dumps(TENANT.to_dict()), "status": "active"},
        "created_at",
    ),
}


def table_of(names: list[str], row: dict[str, Any], field: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A table's answers to queries, as DynamoDB gives them: a full page names where it ended, whether more follows."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        after = request.get("ExclusiveStartKey", {"sk": {"S": ""}})["sk"]["S"]
        found = [name for name in names if name > after][: request["Limit"]]
        items = [to_item(row | {"sk": name} | ({field: name} if field != "key_id" else {})) for name in found]
        full = len(found) == request["Limit"]
        return {"Items": items} | ({"LastEvaluatedKey": item(row["pk"], found[-1])} if full else {})

    return answer


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize(("count", "pages"), [(0, [0]), (3, [3]), (4, [3, 1]), (6, [3, 3])])
def test_a_listing_has_a_cursor_where_more_follows_and_nowhere_else(kind: str, count: int, pages: list[int]) -> None:
    make, row, field = PAGES[kind]
    names = [f"n{number}" for number in range(count)]
    aws = RecordedAws(["dynamodb"], Query=table_of(names, row, field))
    listing, sizes, listed, cursor = make(aws.session), [], [], None
    while True:
        found, cursor = listing.page(3, cursor)
        sizes.append(len(found))
        listed += [getattr(each, field) if hasattr(each, field) else each for each in found]
        if cursor is None:
            break
    assert (sizes, listed) == (pages, names)
    for _, request in aws.requests:
        assert request["TableName"] == "control"
        assert request["ExpressionAttributeValues"] == {":pk": {"S": row["pk"]}}


def removal(session: AwsSession) -> AwsTenantPurger:
    record = TenantRecord(TENANT, "removing", "2026-11-21T09:00:00.000Z")
    places = PurgedLocations.of_tenant(record, "manifests", "tenant", "control")
    return AwsTenantPurger(session, session, places, partial(S3VectorsIndex, session), None, "run-1")


def versions(count: int, *, more: bool = False) -> dict[str, Any]:
    found = [{"Key": f"k{number}", "VersionId": "v"} for number in range(count)]
    return {"Versions": found, "IsTruncated": more}


def items(count: int, *, more: bool = False) -> dict[str, Any]:
    return {"Items": [item("p", "s")] * count, **({"LastEvaluatedKey": item("p", "s")} if more else {})}


REMAINS = {
    "ListObjectVersions": [versions(1000, more=True), versions(1), versions(0)],
    "Query": items(0),
    "ListVectors": {"vectors": []},
}


def test_remains_are_removed_batch_by_batch() -> None:
    queries = [items(25, more=True), items(1), items(0)]
    aws = RecordedAws(["s3", "dynamodb", "s3vectors"], **REMAINS | {"Query": queries})
    assert not removal(aws.session).purge_batch(all_day)
    assert aws.sizes("DeleteObjects", "Delete", "Objects") == [1000, 1]
    assert aws.sizes("BatchWriteItem", "RequestItems", "tenant") == [25, 1], "BatchWriteItem takes 25 items"
    assert all(request["Delete"]["Quiet"] for name, request in aws.requests if name == "DeleteObjects")
    listed = [request for name, request in aws.requests if name == "Query"]
    assert [each["ExpressionAttributeValues"][":pk"]["S"] for each in listed] == [
        "acme",
        "acme",
        "KEYS#acme",
        "WAITING#acme",
    ]
    assert {(each["ConsistentRead"], each["Limit"]) for each in listed} == {(True, 25)}
    assert ("DeleteIndex", {"vectorBucketName": "vectors", "indexName": "acme"}) in aws.requests


def test_a_call_without_time_for_a_second_batch_removes_one() -> None:
    aws = RecordedAws(["s3", "dynamodb", "s3vectors"], **REMAINS)
    assert removal(aws.session).purge_batch(one_step)
    assert aws.sizes("DeleteObjects", "Delete", "Objects") == [1000]


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("DeleteObjects", {"Errors": [{"Code": "InternalError", "Key": "k", "Message": "no"}]}),
        ("BatchWriteItem", {"UnprocessedItems": {"tenant": [{"DeleteRequest": {"Key": item("p", "s")}}]}}),
    ],
)
def test_what_was_not_removed_is_removed_by_the_next_call(operation: str, answer: dict[str, Any]) -> None:
    answers = REMAINS | {"Query": {"Items": [item("p", "s")]}, operation: answer}
    with pytest.raises(TransientError):
        removal(RecordedAws(["s3", "dynamodb", "s3vectors"], **answers).session).purge_batch(all_day)


@pytest.mark.parametrize(("count", "more"), [(999, False), (1000, True)])
def test_a_thousand_users_are_removed_by_one_call(count: int, *, more: bool) -> None:
    """Cognito deletes some 25 users a second, and a function has its time."""
    own = [{"Name": "custom:tenant_id", "Value": "acme"}]
    users = [{"Username": f"u{number}", "Attributes": own} for number in range(count)]
    others = [{"Username": "other", "Attributes": [{"Name": "custom:tenant_id", "Value": "acme-2"}]}]
    aws = RecordedAws(["cognito-idp"], ListUsers={"Users": [*others, *users]})
    assert CognitoTenantUsers(aws.session, "pool", TENANT).purge_batch() is more
    removed = [request for name, request in aws.requests if name == "AdminDeleteUser"]
    assert removed == [{"UserPoolId": "pool", "Username": f"u{number}"} for number in range(count)]


def test_a_stack_is_made_for_its_tenant() -> None:
    aws = RecordedAws(["cloudformation"])
    aws.errors["DescribeStacks"] = ("ValidationError", "Stack with id onggi-silo-1 does not exist")
    placed = replace(TENANT, tier="premium", placement=OWN)
    assert not stacks(aws.session).provide(placed, "run-1")
    assert aws.requests == [
        ("DescribeStacks", {"StackName": "onggi-silo-1"}),
        (
            "CreateStack",
            {
                "StackName": "onggi-silo-1",
                "TemplateBody": "Resources: {}",
                "Parameters": [
                    {"ParameterKey": "TenantId", "ParameterValue": "acme"},
                    {"ParameterKey": "Key", "ParameterValue": "value"},
                ],
                "RoleARN": ROLE,
                "Tags": [{"Key": "TenantId", "Value": "acme"}],
                "ClientRequestToken": "run-1",
            },
        ),
    ]


def test_an_execution_is_looked_at_by_its_name() -> None:
    aws = RecordedAws(["stepfunctions"], DescribeExecution={"status": "RUNNING"})
    assert StepFunctionsWorkflow(aws.session, "arn:aws:states:r:1:stateMachine:x").is_running("run")
    assert aws.requests == [("DescribeExecution", {"executionArn": "arn:aws:states:r:1:execution:x:run"})]
