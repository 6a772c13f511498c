"""S3: events on EventBridge, and uploads that a browser makes with a tenant's signature."""

import json
import unicodedata
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.integration.local_cloud import wait_for
from tests.integration.patches.conftest import Stack

type Json = dict[str, Any]
type Tenant = Callable[[str], boto3.Session]

EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.fixture
def watched(stack: Stack) -> Iterator[Callable[[str, int], list[Json]]]:
    """A function that waits for so many events about a key, in the order of their sequencers."""
    sqs, events = stack.cloud.client("sqs"), stack.cloud.client("events")
    name = f"watch-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.s3"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
    seen: list[Json] = []

    def receive(key: str, count: int) -> list[Json]:
        def enough() -> list[Json] | None:
            received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
            for message in received:
                seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            about = [event for event in seen if event["detail"]["object"]["key"] == key]
            return about if len(about) >= count else None

        return sorted(wait_for(enough), key=lambda event: event["detail"]["object"]["sequencer"])

    yield receive
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


@pytest.mark.parametrize(
    "key", ["tenants/acme/a b+c%20&d.txt", unicodedata.normalize("NFD", "tenants/acme/옹기 문서.txt")]
)
def test_events_tell_the_version(stack: Stack, watched: Callable[[str, int], list[Json]], key: str) -> None:
    s3, bucket = stack.cloud.client("s3"), stack["Documents"]
    first = s3.put_object(Bucket=bucket, Key=key, Body=b"one")
    second = s3.put_object(Bucket=bucket, Key=key, Body=b"three")
    marker = s3.delete_object(Bucket=bucket, Key=key)
    s3.delete_object(Bucket=bucket, Key=key, VersionId=first["VersionId"])
    created, replaced, marked, purged = watched(key, 4)
    assert [event["detail-type"] for event in (created, replaced)] == ["Object Created"] * 2
    assert [event["detail-type"] for event in (marked, purged)] == ["Object Deleted"] * 2
    versions = [event["detail"]["object"]["version-id"] for event in (created, replaced, marked, purged)]
    assert versions == [first["VersionId"], second["VersionId"], marker["VersionId"], first["VersionId"]]
    assert created["detail"]["object"]["size"] == 3
    assert created["detail"]["object"]["etag"] == first["ETag"].strip('"')
    assert created["detail"]["reason"] == "PutObject"
    assert "size" not in marked["detail"]["object"]
    assert marked["detail"]["object"]["etag"] == EMPTY_ETAG
    assert marked["detail"]["deletion-type"] == "Delete Marker Created"
    assert purged["detail"]["deletion-type"] == "Permanently Deleted"
    sequencers = [event["detail"]["object"]["sequencer"] for event in (created, replaced, marked, purged)]
    assert len({len(sequencer) for sequencer in sequencers}) == 1  # so that they compare as strings
    assert len(set(sequencers)) == 4


def test_a_rule_starts_the_state_machine(stack: Stack) -> None:
    s3, states = stack.cloud.client("s3"), stack.cloud.client("stepfunctions")
    s3.put_object(Bucket=stack["Documents"], Key="tenants/acme/started by.txt", Body=b"x")

    def input_of_started() -> Json | None:
        for execution in states.list_executions(stateMachineArn=stack["MachineArn"])["executions"]:
            value: Json = json.loads(states.describe_execution(executionArn=execution["executionArn"])["input"])
            if value["detail"]["object"]["key"] == "tenants/acme/started by.txt":
                return value
        return None

    started = wait_for(input_of_started)
    assert started["type"] == "Object Created"


def post(form: Json, body: bytes = b"hello", changes: dict[str, str] | None = None) -> int:
    fields = {**form["fields"], **(changes or {}), "file": ("name.pdf", body, "application/pdf")}
    return int(urllib3.request("POST", form["url"], fields=fields, retries=False).status)


def test_a_presigned_form_takes_what_it_was_signed_for(stack: Stack, tenant: Tenant) -> None:
    s3 = stack.cloud.client("s3", tenant("acme"))
    fields = {"Content-Type": "application/pdf", "x-amz-meta-department": "legal"}
    form = s3.generate_presigned_post(
        stack["Documents"],
        "tenants/acme/계약 1.pdf",
        Fields=fields,
        Conditions=[["content-length-range", 1, 10], *({name: value} for name, value in fields.items())],
        ExpiresIn=60,
    )
    assert post(form) == 204
    stored = stack.cloud.client("s3").head_object(Bucket=stack["Documents"], Key="tenants/acme/계약 1.pdf")
    assert stored["Metadata"] == {"department": "legal"}
    assert stored["ContentType"] == "application/pdf"
    assert post(form, b"") == 400
    assert post(form, b"x" * 11) == 400
    assert post(form, changes={"key": "tenants/acme/other.pdf"}) == 403
    assert post(form, changes={"x-amz-meta-department": "finance"}) == 403
    assert post(form, changes={"x-amz-meta-more": "x"}) == 403
    assert post(form, changes={"x-amz-signature": "0" * 64}) == 403


def test_a_presigned_form_is_no_more_than_its_signer(stack: Stack, tenant: Tenant) -> None:
    s3 = stack.cloud.client("s3", tenant("acme"))
    assert post(s3.generate_presigned_post(stack["Documents"], "tenants/beta/x.pdf", ExpiresIn=60)) == 403


def test_a_presigned_form_expires(stack: Stack, tenant: Tenant) -> None:
    s3 = stack.cloud.client("s3", tenant("acme"))
    assert post(s3.generate_presigned_post(stack["Documents"], "tenants/acme/late.pdf", ExpiresIn=-1)) == 403


def test_presigned_urls(stack: Stack, tenant: Tenant) -> None:
    s3 = stack.cloud.client("s3", tenant("acme"))
    own = {"Bucket": stack["Documents"], "Key": "tenants/acme/a b+한.pdf"}
    foreign = {"Bucket": stack["Documents"], "Key": "tenants/beta/a.pdf"}
    put = s3.generate_presigned_url("put_object", {**own, "ContentType": "application/pdf"}, ExpiresIn=60)
    pdf, plain = {"Content-Type": "application/pdf"}, {"Content-Type": "text/plain"}
    assert urllib3.request("PUT", put, body=b"x", headers=plain, retries=False).status == 403
    assert urllib3.request("PUT", put, body=b"x", headers=pdf, retries=False).status == 200
    get = s3.generate_presigned_url("get_object", own, ExpiresIn=60)
    assert urllib3.request("GET", get, retries=False).data == b"x"
    assert urllib3.request("GET", get.split("?")[0], retries=False).status == 403
    put = s3.generate_presigned_url("put_object", foreign, ExpiresIn=60)
    assert urllib3.request("PUT", put, body=b"x", retries=False).status == 403
    get = s3.generate_presigned_url("get_object", own, ExpiresIn=1)
    wait_for(lambda: urllib3.request("GET", get, retries=False).status == 403, seconds=5)


def reads_of_nothing(s3: Any, bucket: str, key: str, version: str) -> dict[str, tuple[int, str]]:
    """What S3 answers to each way to read an object that is not there: status and code."""
    where = {"Bucket": bucket, "Key": key}
    copied = {"Bucket": bucket, "Key": "tenants/acme/copied.txt"}
    attempts: dict[str, Callable[[], Any]] = {
        "get": lambda: s3.get_object(**where),
        "get version": lambda: s3.get_object(**where, VersionId=version),
        "head": lambda: s3.head_object(**where),
        "head version": lambda: s3.head_object(**where, VersionId=version),
        "copy": lambda: s3.copy_object(**copied, CopySource=where),
        "copy version": lambda: s3.copy_object(**copied, CopySource={**where, "VersionId": version}),
    }
    answers = {}
    for name, attempt in attempts.items():
        with pytest.raises(ClientError) as caught:
            attempt()
        response: Json = caught.value.response  # type: ignore[assignment]  # the SDK types it loosely
        answers[name] = (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
    return answers


@pytest.fixture
def missing(stack: Stack) -> tuple[str, str]:
    """A key without an object, and a version of it that is gone."""
    s3, where = stack.cloud.client("s3"), {"Bucket": stack["Documents"], "Key": "tenants/acme/옹기 +%.txt"}
    version = s3.put_object(**where, Body=b"x")["VersionId"]
    s3.delete_object(**where, VersionId=version)
    return where["Key"], version


def test_what_is_missing_is_denied_to_those_who_may_list_below_a_prefix_only(
    stack: Stack, tenant: Tenant, missing: tuple[str, str]
) -> None:
    s3 = stack.cloud.client("s3", tenant("acme"))
    assert "Contents" not in s3.list_objects_v2(Bucket=stack["Documents"], Prefix=missing[0])
    denied, headed = (403, "AccessDenied"), (403, "403")
    assert reads_of_nothing(s3, stack["Documents"], *missing) == {
        "get": denied,
        "get version": denied,
        "head": headed,
        "head version": headed,
        "copy": denied,
        "copy version": denied,
    }


def test_what_is_missing_is_not_found_by_those_who_may_list(stack: Stack, missing: tuple[str, str]) -> None:
    actions = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListBucket"]
    lister = stack.cloud.client("s3", stack.role_session("contract-lister", actions, "*"))
    assert reads_of_nothing(lister, stack["Documents"], *missing) == {
        "get": (404, "NoSuchKey"),
        "get version": (404, "NoSuchVersion"),
        "head": (404, "404"),
        "head version": (404, "404"),
        "copy": (404, "NoSuchKey"),
        "copy version": (404, "NoSuchVersion"),
    }


def test_what_is_there_needs_no_right_to_list(stack: Stack) -> None:
    where = {"Bucket": stack["Documents"], "Key": "tenants/acme/there.txt"}
    stack.cloud.client("s3").put_object(**where, Body=b"x")
    reader = stack.cloud.client("s3", stack.role_session("contract-reader", ["s3:GetObject"], "*"))
    assert reader.get_object(**where)["Body"].read() == b"x"
