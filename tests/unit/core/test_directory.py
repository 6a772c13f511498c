"""One contract for the directory of tenants in DynamoDB and for the fake."""

import uuid
from datetime import UTC, datetime

import pytest

from onggi.adapters.aws import AwsSession
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.domain.errors import Conflict, InvalidRequest
from onggi.domain.tenant import TenantRecord
from onggi.ports.tenants import TenantDirectory
from tests.unit.core.conftest import CONTROL_TABLE
from tests.unit.core.fakes import FakeDirectory, FixedClock, tenant_named


@pytest.fixture(params=["fake", "dynamodb"])
def directory(request: pytest.FixtureRequest) -> TenantDirectory:
    if request.param == "fake":
        return FakeDirectory()
    aws: AwsSession = request.getfixturevalue("aws")
    client = aws.client("dynamodb")
    for item in client.scan(TableName=CONTROL_TABLE)["Items"]:
        client.delete_item(TableName=CONTROL_TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    return DynamoTenantDirectory(aws, CONTROL_TABLE, FixedClock())


def record(tenant_id: str) -> TenantRecord:
    return TenantRecord(tenant_named(tenant_id), "provisioning", "2026-11-21T09:00:00.000Z")


def test_a_tenant_is_found_as_created(directory: TenantDirectory) -> None:
    assert directory.find("acme") is None
    directory.create(record("acme"))
    assert directory.find("acme") == record("acme")


def test_an_id_is_taken_once(directory: TenantDirectory) -> None:
    directory.create(record("acme"))
    with pytest.raises(Conflict):
        directory.create(record("acme"))


def test_tenants_are_listed_by_id(directory: TenantDirectory) -> None:
    for tenant_id in ("carol", "alice", "bobby"):
        directory.create(record(tenant_id))
    seen: list[str] = []
    cursor = None
    for _ in range(4):
        records, cursor = directory.page(2, cursor)
        seen += [listed.context.tenant_id for listed in records]
        if cursor is None:
            break
    assert seen == ["alice", "bobby", "carol"]
    with pytest.raises(InvalidRequest):
        directory.page(2, "nonsense")


def test_a_rejected_upload_is_noted_for_a_while_however_long_its_key_is(aws: AwsSession) -> None:
    client = aws.client("dynamodb")
    key = uuid.uuid4().hex + "키" * 300
    directory = DynamoTenantDirectory(aws, CONTROL_TABLE, FixedClock())
    for _ in range(2):
        directory.record_rejection("b" * 63, key, "v" * 1024, "unknown_tenant", "Nobody's.")
    query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": "REJECTED"}}}
    noted = [item for item in client.query(TableName=CONTROL_TABLE, **query)["Items"] if item["key"]["S"] == key]
    assert len(noted) == 1
    assert noted[0]["bucket"]["S"] == "b" * 63
    expires = datetime.fromtimestamp(int(noted[0]["expires_at"]["N"]), UTC)
    assert (expires - FixedClock()()).days == 90
