"""Buckets and vector buckets encrypted with a tenant's key: who may not use the key gets nothing."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.integration.local_cloud import ACCOUNT, REGION, LocalCloud, wait_for
from tests.integration.patches.conftest import FOLDER, Stack, create_stack, failures, finished

type Tenant = Callable[[str], boto3.Session]

DENIED = "AccessDenied"
VECTORS = [{"key": "k", "data": {"float32": [1.0, 0.0]}, "metadata": {"page": 1}}]
SMALL_INDEX = {"dataType": "float32", "dimension": 2, "distanceMetric": "cosine"}


@pytest.fixture(scope="module")
def encrypted(cloud: LocalCloud) -> Stack:
    return create_stack(cloud, "encrypted", (FOLDER / "encrypted.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tenant(encrypted: Stack) -> Tenant:
    """Sessions of one role, each tagged with its tenant; the stack's key is acme's."""
    function = encrypted.role_session("encrypted-function", ["sts:*"], encrypted["DataRole"])
    sts = encrypted.cloud.client("sts", function)

    def session(name: str) -> boto3.Session:
        tags = [{"Key": "TenantId", "Value": name}]
        reply = sts.assume_role(RoleArn=encrypted["DataRole"], RoleSessionName=name, Tags=tags)
        return encrypted.cloud.session(reply["Credentials"])

    return session


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_a_bucket_is_encrypted_as_its_template_says(encrypted: Stack) -> None:
    reply = encrypted.cloud.client("s3").get_bucket_encryption(Bucket=encrypted["Documents"])
    (rule,) = reply["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": encrypted["Key"],
    }
    assert rule["BucketKeyEnabled"] is True


def test_a_template_with_an_unknown_algorithm_fails(cloud: LocalCloud) -> None:
    cloudformation = cloud.client("cloudformation")
    default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "rot13"}}
    properties = {"BucketEncryption": {"ServerSideEncryptionConfiguration": [default]}}
    template = {"Resources": {"Documents": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
    cloudformation.create_stack(StackName="misencrypted", TemplateBody=json.dumps(template))
    stack = wait_for(lambda: finished(cloudformation, "misencrypted"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("MalformedXML" in failure for failure in failures(cloudformation, "misencrypted"))


def test_objects_open_to_those_who_may_use_the_key(encrypted: Stack, tenant: Tenant) -> None:
    acme, beta = (encrypted.cloud.client("s3", tenant(name)) for name in ("acme", "beta"))
    where = {"Bucket": encrypted["Documents"], "Key": "contract"}
    written = acme.put_object(**where, Body=b"text")
    read = acme.get_object(**where)
    assert read["Body"].read() == b"text"
    assert (read["ServerSideEncryption"], read["SSEKMSKeyId"]) == ("aws:kms", encrypted["Key"])
    assert acme.head_object(**where)["SSEKMSKeyId"] == encrypted["Key"]
    assert refused(beta.put_object, **where, Body=b"") == DENIED
    assert refused(beta.get_object, **where) == DENIED
    assert refused(beta.get_object, **where, VersionId=written["VersionId"]) == DENIED
    assert refused(beta.get_object, **where, Range="bytes=0-0") == DENIED
    assert refused(beta.head_object, **where) == "403"
    assert encrypted.cloud.client("s3").get_object(**where)["Body"].read() == b"text"  # the root user


def test_an_object_keeps_its_key_when_the_bucket_gets_another(encrypted: Stack, tenant: Tenant) -> None:
    s3, bucket = encrypted.cloud.client("s3"), encrypted["Documents"] + "-rekeyed"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for name, key in (("acmes", encrypted["Key"]), ("betas", own_key(encrypted, "beta"))):
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key.rpartition("/")[2]}
        rules = {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=rules)
        s3.put_object(Bucket=bucket, Key=name, Body=b"")
        assert s3.get_object(Bucket=bucket, Key=name)["SSEKMSKeyId"] == key
    acme, beta = (encrypted.cloud.client("s3", tenant(name)) for name in ("acme", "beta"))
    acme.get_object(Bucket=bucket, Key="acmes")
    beta.get_object(Bucket=bucket, Key="betas")
    assert refused(acme.get_object, Bucket=bucket, Key="betas") == DENIED
    assert refused(beta.get_object, Bucket=bucket, Key="acmes") == DENIED


def test_a_presigned_form_and_link_need_the_key_of_their_signer(encrypted: Stack, tenant: Tenant) -> None:
    for name, posted, read in (("acme", 204, 200), ("beta", 403, 403)):
        s3 = encrypted.cloud.client("s3", tenant(name))
        form = s3.generate_presigned_post(encrypted["Documents"], "posted")
        fields = {**form["fields"], "file": ("name", b"x", "text/plain")}
        assert urllib3.request("POST", form["url"], fields=fields, retries=False).status == posted
        link = s3.generate_presigned_url("get_object", {"Bucket": encrypted["Documents"], "Key": "posted"})
        assert urllib3.request("GET", link, retries=False).status == read


def test_a_copy_reads_with_one_key_and_writes_with_another(encrypted: Stack, tenant: Tenant) -> None:
    acme, beta = (encrypted.cloud.client("s3", tenant(name)) for name in ("acme", "beta"))
    documents, plain = encrypted["Documents"], encrypted["Plain"]
    acme.put_object(Bucket=documents, Key="source", Body=b"x")
    beta.put_object(Bucket=plain, Key="source", Body=b"x")
    for origin, target in ((documents, plain), (plain, documents), (documents, documents)):
        copy = {"CopySource": {"Bucket": origin, "Key": "source"}, "Bucket": target, "Key": "copy"}
        acme.copy_object(**copy)
        assert refused(beta.copy_object, **copy) == DENIED
    beta.copy_object(CopySource={"Bucket": plain, "Key": "source"}, Bucket=plain, Key="copy")


def test_parts_of_an_upload_need_to_be_decrypted(encrypted: Stack) -> None:
    where = {"Bucket": encrypted["Documents"], "Key": "in parts"}
    clients = {
        action: encrypted.cloud.client("s3", encrypted.role_session(f"only-{action}", ["s3:*", f"kms:{action}"], "*"))
        for action in ("GenerateDataKey", "Decrypt")
    }
    starts, goes_on = clients["GenerateDataKey"], clients["Decrypt"]
    assert refused(goes_on.create_multipart_upload, **where) == DENIED
    upload = {**where, "UploadId": starts.create_multipart_upload(**where)["UploadId"]}
    assert refused(starts.upload_part, **upload, PartNumber=1, Body=b"x") == DENIED
    part = goes_on.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    assert refused(starts.complete_multipart_upload, **upload, MultipartUpload=parts) == DENIED
    goes_on.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert goes_on.get_object(**where)["SSEKMSKeyId"] == encrypted["Key"]
    assert refused(starts.get_object, **where) == DENIED


def own_key(stack: Stack, tenant_id: str, *statements: dict[str, Any]) -> str:
    """The ARN of a new key of a tenant; its policy lets the account decide, and says this as well."""
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    policy = {"Version": "2012-10-17", "Statement": [{**each, "Resource": "*"} for each in (account, *statements)]}
    tags = [{"TagKey": "TenantId", "TagValue": tenant_id}]
    reply = stack.cloud.client("kms").create_key(Policy=json.dumps(policy), Tags=tags)
    return str(reply["KeyMetadata"]["Arn"])


def with_key(key: str) -> dict[str, str]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}


def test_a_key_policy_can_deny(encrypted: Stack, tenant: Tenant) -> None:
    principal = {"AWS": encrypted["DataRole"]}
    key = own_key(encrypted, "acme", {"Effect": "Deny", "Principal": principal, "Action": "kms:Decrypt"})
    acme, where = encrypted.cloud.client("s3", tenant("acme")), {"Bucket": encrypted["Plain"], "Key": "write-only"}
    acme.put_object(**where, **with_key(key))
    assert refused(acme.get_object, **where) == DENIED


def test_keys_that_cannot_be_used(encrypted: Stack, tenant: Tenant) -> None:
    key, kms = own_key(encrypted, "acme"), encrypted.cloud.client("kms")
    where = {"Bucket": encrypted["Plain"], "Key": "locked"}
    clients = [encrypted.cloud.client("s3", session) for session in (tenant("acme"), encrypted.cloud.session())]
    clients[0].put_object(**where, **with_key(key))
    kms.disable_key(KeyId=key)
    for s3 in clients:
        assert refused(s3.get_object, **where) == "KMS.DisabledException"
        assert refused(s3.put_object, **where, **with_key(key)) == "KMS.DisabledException"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    for s3 in clients:
        assert refused(s3.get_object, **where) == "KMS.KMSInvalidStateException"
    missing = key.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
    assert refused(clients[0].put_object, **where, **with_key(missing)) == "KMS.NotFoundException"


def test_a_service_is_known_to_kms(encrypted: Stack) -> None:
    iam = encrypted.cloud.client("iam")
    session = encrypted.role_session("via-s3", ["s3:*"], "*")
    condition = {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName="via-s3", PolicyName="via", PolicyDocument=document)
    encrypted.cloud.client("s3", session).put_object(Bucket=encrypted["Documents"], Key="via", Body=b"")
    direct = encrypted.cloud.client("kms", session).generate_data_key
    assert refused(direct, KeyId=encrypted["Key"], KeySpec="AES_256") == "AccessDeniedException"


def test_vectors_open_to_those_who_may_use_the_key(encrypted: Stack, tenant: Tenant) -> None:
    acme, beta = (encrypted.cloud.client("s3vectors", tenant(name)) for name in ("acme", "beta"))
    index = {"indexArn": encrypted["Index"]}
    question = {"topK": 1, "queryVector": {"float32": [1.0, 0.0]}}
    created = {"vectorBucketArn": encrypted["Vectors"], **SMALL_INDEX}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("create_index", {**created, "indexName": "more"}),
        ("put_vectors", {**index, "vectors": VECTORS}),
        ("get_vectors", {**index, "keys": ["k"]}),
        ("list_vectors", {**index, "returnData": True}),
        ("query_vectors", {**index, **question}),
        ("delete_vectors", {**index, "keys": ["k"]}),
    ]
    for name, arguments in calls:
        assert refused(getattr(beta, name), **arguments) == "AccessDeniedException"
        getattr(acme, name)(**arguments)
    beta.delete_index(vectorBucketName="encrypted-vectors", indexName="more")
    other = {"sseType": "aws:kms", "kmsKeyArn": encrypted["Key"]}
    plain = encrypted.cloud.client("s3vectors").create_vector_bucket(vectorBucketName="encrypted-by-index")
    arguments = {"vectorBucketArn": plain["vectorBucketArn"], **SMALL_INDEX, "encryptionConfiguration": other}
    assert refused(beta.create_index, **arguments, indexName="index") == "AccessDeniedException"


def test_a_vector_bucket_is_made_by_those_who_may_use_its_key(encrypted: Stack, tenant: Tenant) -> None:
    acme, beta = (encrypted.cloud.client("s3vectors", tenant(name)) for name in ("acme", "beta"))
    made = {
        "vectorBucketName": "made-by-a-session",
        "encryptionConfiguration": {"sseType": "aws:kms", "kmsKeyArn": encrypted["Key"]},
    }
    assert refused(beta.create_vector_bucket, **made) == "AccessDeniedException"
    assert refused(acme.get_vector_bucket, vectorBucketName="made-by-a-session") == "NotFoundException"
    acme.create_vector_bucket(**made)
    beta.create_vector_bucket(vectorBucketName="made-without-a-key")


@pytest.mark.parametrize(("action", "allowed"), [("Decrypt", {"get"}), ("GenerateDataKey", set())])
def test_writing_vectors_needs_both_rights(encrypted: Stack, action: str, allowed: set[str]) -> None:
    session = encrypted.role_session(f"vectors-{action}", ["s3vectors:*", f"kms:{action}"], "*")
    s3vectors, index = encrypted.cloud.client("s3vectors", session), encrypted["Index"]
    assert refused(s3vectors.put_vectors, indexArn=index, vectors=VECTORS) == "AccessDeniedException"
    if "get" in allowed:
        s3vectors.get_vectors(indexArn=index, keys=["none"])
    else:
        assert refused(s3vectors.get_vectors, indexArn=index, keys=["none"]) == "AccessDeniedException"


def test_vectors_under_a_disabled_key(encrypted: Stack) -> None:
    indexing = {"Effect": "Allow", "Principal": {"Service": "indexing.s3vectors.amazonaws.com"}, "Action": "kms:*"}
    key = own_key(encrypted, "acme", indexing)
    s3vectors = encrypted.cloud.client("s3vectors")
    configuration = {"sseType": "aws:kms", "kmsKeyArn": key}
    bucket = s3vectors.create_vector_bucket(vectorBucketName="disabled", encryptionConfiguration=configuration)
    created = s3vectors.create_index(vectorBucketArn=bucket["vectorBucketArn"], indexName="index", **SMALL_INDEX)
    encrypted.cloud.client("kms").disable_key(KeyId=key)
    with pytest.raises(s3vectors.exceptions.KmsDisabledException):
        s3vectors.put_vectors(indexArn=created["indexArn"], vectors=VECTORS)
    encrypted.cloud.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(s3vectors.exceptions.KmsInvalidStateException):
        s3vectors.get_vectors(indexArn=created["indexArn"], keys=["k"])


def test_an_index_needs_a_key_that_its_service_may_use(encrypted: Stack) -> None:
    s3vectors, key = encrypted.cloud.client("s3vectors"), own_key(encrypted, "acme")
    configuration = {"sseType": "aws:kms", "kmsKeyArn": key}
    s3vectors.create_vector_bucket(vectorBucketName="unindexed", encryptionConfiguration=configuration)
    with pytest.raises(s3vectors.exceptions.AccessDeniedException, match="asynchronous indexing"):
        s3vectors.create_index(vectorBucketName="unindexed", indexName="index", **SMALL_INDEX)
    cloudformation = encrypted.cloud.client("cloudformation")
    properties = {"VectorBucketName": "unindexed", "DataType": "float32", "Dimension": 2, "DistanceMetric": "cosine"}
    template = {"Resources": {"Index": {"Type": "AWS::S3Vectors::Index", "Properties": properties}}}
    cloudformation.create_stack(StackName="unindexed", TemplateBody=json.dumps(template))
    stack = wait_for(lambda: finished(cloudformation, "unindexed"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("asynchronous indexing" in failure for failure in failures(cloudformation, "unindexed"))


def test_a_stack_keeps_a_bucket_that_holds_anything(cloud: LocalCloud) -> None:
    properties = {"BucketName": "kept-documents", "VersioningConfiguration": {"Status": "Enabled"}}
    template = {"Resources": {"Documents": {"Type": "AWS::S3::Bucket", "Properties": properties}}}
    stack = create_stack(cloud, "kept", json.dumps(template))
    cloudformation, s3 = cloud.client("cloudformation"), cloud.client("s3")
    stack_id = cloudformation.describe_stacks(StackName="kept")["Stacks"][0]["StackId"]

    def deleted() -> dict[str, Any]:
        cloudformation.delete_stack(StackName=stack_id)
        return wait_for(lambda: finished(cloudformation, stack_id))

    where = {"Bucket": stack.resources["Documents"], "Key": "contract"}
    version = s3.put_object(**where, Body=b"x")["VersionId"]
    for left in ("an object", "an old version", "a delete marker"):
        if left == "an old version":
            marker = s3.delete_object(**where)["VersionId"]
        elif left == "a delete marker":
            s3.delete_object(**where, VersionId=version)
        ended = deleted()
        assert ended["StackStatus"] == "DELETE_FAILED", left
        assert "[Documents]" in ended["StackStatusReason"]
        assert any("BucketNotEmpty" in failure for failure in failures(cloudformation, stack_id))
    s3.delete_object(**where, VersionId=marker)
    assert deleted()["StackStatus"] == "DELETE_COMPLETE"
    assert refused(s3.head_bucket, Bucket="kept-documents") == "404"


TRUSTED = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}


def stack_role(cloud: LocalCloud, name: str, trust: dict[str, Any], *allowed: dict[str, Any]) -> str:
    """The ARN of a new role for stacks."""
    iam = cloud.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    statements = [{"Effect": "Allow", "Action": "s3vectors:*", "Resource": "*"}, *allowed]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="stack", PolicyDocument=policy)
    return str(role)


def vector_stack(encrypted: Stack, name: str, role: str) -> str:
    """Makes a stack with a vector bucket under the key; returns how it ends, with the reason of a failure."""
    cloudformation = encrypted.cloud.client("cloudformation")
    encryption = {"SseType": "aws:kms", "KmsKeyArn": encrypted["Key"]}
    properties = {"VectorBucketName": name, "EncryptionConfiguration": encryption}
    template = {"Resources": {"Vectors": {"Type": "AWS::S3Vectors::VectorBucket", "Properties": properties}}}
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), RoleARN=role)
    stack = wait_for(lambda: finished(cloudformation, name))
    return " ".join([stack["StackStatus"], *failures(cloudformation, name)])


def test_a_stack_makes_a_vector_bucket_with_the_rights_of_its_role(encrypted: Stack) -> None:
    use = {
        "Effect": "Allow",
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": f"s3vectors.{REGION}.amazonaws.com"}},
    }
    without = vector_stack(encrypted, "role-without-key", stack_role(encrypted.cloud, "keyless", TRUSTED))
    assert without.startswith("ROLLBACK_COMPLETE")
    assert "not authorized to perform: kms:Decrypt" in without
    role = stack_role(encrypted.cloud, "with-key", TRUSTED, use)
    assert vector_stack(encrypted, "role-with-key", role) == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    "trust",
    [
        {**TRUSTED, "Principal": {"Service": "lambda.amazonaws.com"}},
        {**TRUSTED, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}},
    ],
    ids=["another service", "a condition that nothing meets"],
)
def test_a_stack_is_refused_whose_role_cloudformation_cannot_assume(
    encrypted: Stack, trust: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    role = stack_role(encrypted.cloud, f"untrusting-{abs(hash(request.node.name))}", trust)
    with pytest.raises(ClientError, match="is invalid or cannot be assumed"):
        vector_stack(encrypted, "untrusted", role)
