"""Session policies, versions of objects in policies, and keys whose own policy says who uses them."""

import json
import re
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.integration.local_cloud import ACCOUNT, LocalCloud
from tests.integration.patches.conftest import Stack

type Json = dict[str, Any]

DENIED = {"AccessDenied", "AccessDeniedException"}


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def allowed(action: str | list[str], resource: str, **conditions: Any) -> Json:
    condition = {"Condition": conditions} if conditions else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **condition}


def document_of(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def bucket(stack: Stack) -> str:
    return stack["Documents"]


@pytest.fixture(scope="module")
def role(stack: Stack, bucket: str) -> str:
    """A role that reads and writes what lies below `own/` in a bucket, and lists the bucket."""
    stack.role_session("contract-narrowed", ["s3:*"], f"arn:aws:s3:::{bucket}/own/*")
    iam = stack.cloud.client("iam")
    lists = document_of(allowed("s3:ListBucketVersions", f"arn:aws:s3:::{bucket}"))
    iam.put_role_policy(RoleName="contract-narrowed", PolicyName="lists", PolicyDocument=lists)
    return str(iam.get_role(RoleName="contract-narrowed")["Role"]["Arn"])


def narrowed(stack: Stack, role: str, *statements: Json) -> Any:
    """S3 under a session of the role that is narrowed by a policy, if there is one."""
    policy = {"Policy": document_of(*statements)} if statements else {}
    reply = stack.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="narrowed", **policy)
    return stack.cloud.client("s3", stack.cloud.session(reply["Credentials"]))


def test_a_session_may_do_what_its_policy_and_its_role_allow(stack: Stack, bucket: str, role: str) -> None:
    root = stack.cloud.client("s3")
    for key in ("own/a", "own/b", "foreign/a"):
        root.put_object(Bucket=bucket, Key=key, Body=b"text")
    s3 = narrowed(stack, role, allowed("s3:GetObject", f"arn:aws:s3:::{bucket}/*/a"))
    assert s3.get_object(Bucket=bucket, Key="own/a")["Body"].read() == b"text"
    assert refused(s3.get_object, Bucket=bucket, Key="own/b") in DENIED, "the session's policy does not"
    assert refused(s3.get_object, Bucket=bucket, Key="foreign/a") in DENIED, "the role does not"
    assert refused(s3.put_object, Bucket=bucket, Key="own/a", Body=b"") in DENIED
    assert narrowed(stack, role).get_object(Bucket=bucket, Key="own/b")["Body"].read() == b"text"


def test_a_policy_opens_one_version(stack: Stack, bucket: str, role: str) -> None:
    root = stack.cloud.client("s3")
    first, second, other = (
        root.put_object(Bucket=bucket, Key=key, Body=key.encode())["VersionId"]
        for key in ("own/versions", "own/versions", "own/other")
    )
    actions, condition = ["s3:GetObject", "s3:GetObjectVersion"], {"StringEquals": {"s3:VersionId": [first]}}
    s3 = narrowed(stack, role, allowed(actions, f"arn:aws:s3:::{bucket}/*", **condition))
    assert s3.get_object(Bucket=bucket, Key="own/versions", VersionId=first)["Body"].read() == b"own/versions"
    assert s3.head_object(Bucket=bucket, Key="own/versions", VersionId=first)["VersionId"] == first
    assert refused(s3.get_object, Bucket=bucket, Key="own/versions", VersionId=second) in DENIED
    assert refused(s3.get_object, Bucket=bucket, Key="own/versions") in DENIED
    assert refused(s3.get_object, Bucket=bucket, Key="own/other", VersionId=other) in DENIED


@pytest.mark.parametrize("name", ["a*b", "a?b", "${aws:username}", "$", "a${b}c"])
def test_escaped_characters_mean_themselves(stack: Stack, bucket: str, role: str, name: str) -> None:
    escaped = re.sub(r"[*?$]", r"${\g<0>}", name)
    condition = {"StringLike": {"s3:prefix": f"own/{escaped}"}}
    s3 = narrowed(stack, role, allowed("s3:ListBucketVersions", f"arn:aws:s3:::{bucket}", **condition))
    s3.list_object_versions(Bucket=bucket, Prefix=f"own/{name}")
    for other in ("own/axb", "own/", "own/axxb"):
        assert refused(s3.list_object_versions, Bucket=bucket, Prefix=other) in DENIED


@pytest.mark.parametrize(("name", "is_taken"), [("é", True), ("규정", False), ("o" * 2000, False)])
def test_a_session_policy_has_the_length_and_the_characters_that_sts_takes(
    stack: Stack, bucket: str, role: str, name: str, *, is_taken: bool
) -> None:
    statement = allowed("s3:GetObject", f"arn:aws:s3:::{bucket}/own/{name}")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, ensure_ascii=False)
    request = {"RoleArn": role, "RoleSessionName": "narrowed", "Policy": policy}
    sts = stack.cloud.client("sts")
    if is_taken:
        assert sts.assume_role(**request)["Credentials"]
    else:
        assert refused(sts.assume_role, **request) == "ValidationError"


@pytest.fixture(scope="module")
def sessions(stack: Stack) -> dict[str, boto3.Session]:
    """Of two roles whose own policies say nothing of KMS, and of one that may do everything with every key."""
    return {
        "writer": stack.role_session("contract-kms-writer", ["sqs:ListQueues"], "*"),
        "reader": stack.role_session("contract-kms-reader", ["sqs:ListQueues"], "*"),
        "other": stack.role_session("contract-kms-other", ["kms:*"], "*"),
    }


@pytest.fixture(scope="module")
def key(cloud: LocalCloud, sessions: dict[str, boto3.Session]) -> str:
    """A key that one role encrypts with and another decrypts with, both for a document only."""
    iam = cloud.client("iam")
    writer, reader, _ = (iam.get_role(RoleName=f"contract-kms-{name}")["Role"]["Arn"] for name in sessions)
    account = {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
    bound = {"Null": {"kms:EncryptionContext:document": "false"}}
    policy = document_of(
        allowed(["kms:DescribeKey", "kms:PutKeyPolicy"], "*") | account,
        allowed("kms:Encrypt", "*", **bound) | {"Principal": {"AWS": writer}},
        allowed("kms:Decrypt", "*", **bound) | {"Principal": {"AWS": reader}},
    )
    return str(cloud.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def test_the_policy_of_a_key_says_who_uses_it(cloud: LocalCloud, key: str, sessions: dict[str, boto3.Session]) -> None:
    writer, reader, other = (cloud.client("kms", session) for session in sessions.values())
    document = {"document": "d1"}
    secret = writer.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=document)["CiphertextBlob"]
    wanted = {"KeyId": key, "CiphertextBlob": secret, "EncryptionContext": document}
    assert reader.decrypt(**wanted)["Plaintext"] == b"secret"
    assert refused(writer.decrypt, **wanted) in DENIED
    assert refused(other.decrypt, **wanted) in DENIED, "the key's policy leaves its use to nobody else"
    assert refused(reader.encrypt, KeyId=key, Plaintext=b"x", EncryptionContext=document) in DENIED
    assert other.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key


def test_a_key_asks_for_the_context_that_its_policy_names(
    cloud: LocalCloud, key: str, sessions: dict[str, boto3.Session]
) -> None:
    writer, reader = (cloud.client("kms", sessions[name]) for name in ("writer", "reader"))
    assert refused(writer.encrypt, KeyId=key, Plaintext=b"secret") in DENIED
    assert refused(writer.encrypt, KeyId=key, Plaintext=b"secret", EncryptionContext={"tenant": "acme"}) in DENIED
    secret = writer.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"document": "d1"})["CiphertextBlob"]
    other = {"KeyId": key, "CiphertextBlob": secret, "EncryptionContext": {"document": "d2"}}
    assert refused(reader.decrypt, **other) == "InvalidCiphertextException"
    assert refused(reader.decrypt, KeyId=key, CiphertextBlob=secret) in DENIED


@pytest.mark.parametrize(("length", "is_taken"), [(4096, True), (4097, False)])
def test_one_call_encrypts_so_much(
    cloud: LocalCloud, key: str, sessions: dict[str, boto3.Session], length: int, *, is_taken: bool
) -> None:
    writer = cloud.client("kms", sessions["writer"])
    request = {"KeyId": key, "Plaintext": b"x" * length, "EncryptionContext": {"document": "d1"}}
    if is_taken:
        assert writer.encrypt(**request)["CiphertextBlob"]
    else:
        assert refused(writer.encrypt, **request) == "ValidationException"
