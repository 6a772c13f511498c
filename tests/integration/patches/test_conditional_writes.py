"""S3: what a bucket that takes new objects only refuses."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.local_cloud import ACCOUNT, REGION
from tests.integration.patches.conftest import Stack
from tests.integration.patches.test_tenant_isolation import refused

DENIED = "AccessDenied"
OTHER_ACCOUNT = "111122223333"


@pytest.fixture(scope="module")
def place(stack: Stack) -> str:
    """A versioned bucket that takes new objects only and loses none."""
    s3, name = stack.cloud.client("s3"), "contract-new-objects-only"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    objects = f"arn:aws:s3:::{name}/*"
    everyone = {"Effect": "Deny", "Principal": "*", "Resource": objects}
    statements = [
        everyone | {"Action": "s3:PutObject", "Condition": {"Null": {"s3:if-none-match": "true"}}},
        everyone | {"Action": ["s3:DeleteObject", "s3:DeleteObjectVersion"]},
    ]
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return name


@pytest.fixture(scope="module")
def writer(stack: Stack) -> Any:
    """A role that its own policy allows everything."""
    return stack.cloud.client("s3", stack.role_session("contract-writer", ["s3:*"], "*"))


@pytest.fixture
def kept(writer: Any, place: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An object that is there, and is unchanged after the test."""
    key = f"kept/{request.node.name}"
    writer.put_object(Bucket=place, Key=key, Body=b"first", IfNoneMatch="*")
    yield key
    assert writer.get_object(Bucket=place, Key=key)["Body"].read() == b"first"
    assert len(writer.list_object_versions(Bucket=place, Prefix=key)["Versions"]) == 1


def test_a_second_object_of_a_name_does_not_meet_the_condition(writer: Any, place: str, kept: str) -> None:
    again = {"Bucket": place, "Key": kept, "Body": b"second"}
    assert refused(writer.put_object, **again, IfNoneMatch="*") == "PreconditionFailed"


WITHOUT: dict[str, Callable[[Any, str, str], Any]] = {
    "put": lambda s3, bucket, key: s3.put_object(Bucket=bucket, Key=key, Body=b"second"),
    "put if it is there": lambda s3, bucket, key: s3.put_object(Bucket=bucket, Key=key, Body=b"second", IfMatch="*"),
    "copy": lambda s3, bucket, key: s3.copy_object(Bucket=bucket, Key=key, CopySource={"Bucket": bucket, "Key": key}),
    "start parts": lambda s3, bucket, key: s3.create_multipart_upload(Bucket=bucket, Key=key),
    "delete": lambda s3, bucket, key: s3.delete_object(Bucket=bucket, Key=key),
    "delete in a batch": lambda s3, bucket, key: s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": key}]}
    ),  # the emulator denies the batch, AWS each of its objects
    "delete the version": lambda s3, bucket, key: s3.delete_object(
        Bucket=bucket, Key=key, VersionId=s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    ),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_a_policy_denies_every_write_without_the_condition(writer: Any, place: str, kept: str, name: str) -> None:
    assert refused(WITHOUT[name], s3=writer, bucket=place, key=kept) == DENIED


def test_the_condition_has_one_value(writer: Any, place: str, kept: str) -> None:
    again = {"Bucket": place, "Key": kept, "Body": b"second"}
    assert refused(writer.put_object, **again, IfNoneMatch="anything") == "NotImplemented"


def test_without_the_policy_all_of_that_replaces(writer: Any, stack: Stack) -> None:
    """Else the refusals above would say nothing."""
    bucket = stack["Documents"]
    writer.put_object(Bucket=bucket, Key="open", Body=b"first")
    for act in WITHOUT.values():
        writer.put_object(Bucket=bucket, Key="open", Body=b"first")
        assert act(writer, bucket, "open")["ResponseMetadata"]["HTTPStatusCode"] in {200, 204}


@pytest.mark.parametrize(
    ("case", "condition", "allowed"),
    [
        ("any", {}, True),
        ("theirs", {"StringEquals": {"aws:ResourceAccount": OTHER_ACCOUNT}}, True),
        ("ours", {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, False),
    ],
)
def test_a_policy_tells_another_accounts_bucket(
    stack: Stack, case: str, condition: dict[str, Any], allowed: bool
) -> None:
    """A bucket of a name that a pattern matches, made by another account, which lets everybody write."""
    name, role = f"contract-silo-{case}-documents", f"contract-account-{case}"
    other = stack.cloud.client("s3", stack.cloud.session({"AccessKeyId": OTHER_ACCOUNT, "SecretAccessKey": "test"}))
    other.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    public = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{name}/*"}
    other.delete_public_access_block(Bucket=name)
    other.put_bucket_policy(Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [public]}))
    session = stack.role_session(role, ["s3:PutObject"], "arn:aws:s3:::contract-silo-*")
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::contract-silo-*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]})
    stack.cloud.client("iam").put_role_policy(RoleName=role, PolicyName="only", PolicyDocument=document)
    write = {"Bucket": name, "Key": "taken", "Body": b"a tenant's text"}
    s3 = stack.cloud.client("s3", session)
    if allowed:
        s3.put_object(**write)
    else:
        assert refused(s3.put_object, **write) == DENIED
    assert ("Contents" in other.list_objects_v2(Bucket=name)) == allowed


def test_a_policy_knows_the_own_accounts_bucket(stack: Stack) -> None:
    role = "contract-account-own"
    session = stack.role_session(role, ["s3:PutObject"], "*")
    statement = {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{stack['Documents']}/*",
        "Condition": {"StringEquals": {"aws:ResourceAccount": ACCOUNT}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stack.cloud.client("iam").put_role_policy(RoleName=role, PolicyName="only", PolicyDocument=document)
    stack.cloud.client("s3", session).put_object(Bucket=stack["Documents"], Key="own account", Body=b"")
