"""One tenant over fakes, and AWS as moto plays it."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from onggi.adapters.aws import AwsSession
from tests.unit.core.fakes import FakeTenant

TENANT_TABLE = "tenant"
CONTROL_TABLE = "control"
AUDIT_BUCKET = "audit"

_numbers = itertools.count(1)


@pytest.fixture
def acme() -> FakeTenant:
    return FakeTenant()


@pytest.fixture
def unused_tenant_id() -> str:
    """A tenant that no other test has written anything of."""
    return f"tenant-{next(_numbers)}"


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsSession]:
    """A session on moto with the tables and buckets of the template; one for each module, since clients take long."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            environment.setenv(name, "testing")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        with mock_aws():
            session = AwsSession()
            _create_tables(session)
            for bucket in ("documents", "artifacts", "manifests", "own-documents", "own-artifacts", AUDIT_BUCKET):
                session.client("s3").create_bucket(Bucket=bucket)
                session.client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
            yield session


@pytest.fixture
def denied_what_is_missing(aws: AwsSession) -> Iterator[None]:
    """S3 answers what is missing with 403, as it does to those who may not list the whole bucket."""

    def deny(parsed: dict[str, Any], **_: Any) -> None:
        if parsed.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NoSuchVersion"}:
            parsed["Error"] = {"Code": "AccessDenied", "Message": "Access Denied"}

    events = aws.client("s3").meta.events
    names = [f"after-call.s3.{operation}" for operation in ("HeadObject", "GetObject", "CopyObject")]
    for name in names:
        events.register(name, deny)
    yield
    for name in names:
        events.unregister(name, deny)


def _create_tables(session: AwsSession) -> None:
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    client = session.client("dynamodb")
    client.create_table(
        TableName=CONTROL_TABLE, KeySchema=keys, AttributeDefinitions=attributes, BillingMode="PAY_PER_REQUEST"
    )
    client.create_table(
        TableName=TENANT_TABLE,
        KeySchema=keys,
        AttributeDefinitions=[*attributes, {"AttributeName": "uploaded_at", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_upload",
                "KeySchema": [keys[0], {"AttributeName": "uploaded_at", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
    )
