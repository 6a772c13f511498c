"""What a cloud holds is there again, however it ended; what cannot be read is named, with what to do about it."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.integration.local_cloud import LocalCloud, free_port, members, wait_for
from tests.integration.patches.conftest import Stack, deploy

MACHINE = {
    "StartAt": "Before",
    "States": {
        "Before": {"Type": "Pass", "Next": "Slow"},
        "Slow": {"Type": "Task", "Resource": "STEP", "InputPath": "$.task", "ResultPath": "$.done", "Next": "After"},
        "After": {"Type": "Pass", "Parameters": {"name.$": "$$.Execution.Name", "kept.$": "$.kept"}, "End": True},
    },
}


def stop(cloud: LocalCloud) -> None:
    assert cloud.control("stop").returncode == 0
    assert not (cloud.state / "cloud.json").exists()


def kill(cloud: LocalCloud) -> None:
    cloud.wait_until_saved()
    cloud.kill()


ENDS = pytest.mark.parametrize("end", [stop, kill])
type End = Callable[[LocalCloud], None]


@ENDS
def test_everything_is_there_again(own: LocalCloud, end: End, tmp_path: Path) -> None:
    own.start()
    description = json.loads((own.state / "cloud.json").read_text(encoding="utf-8"))
    assert (description["endpoint"], description["region"]) == (own.endpoint, "ap-northeast-2")
    stack = deploy(own, "kept")
    assert stack.invoke({"do": "nothing"}) == ({"do": "nothing"}, None)
    checks = [
        keep_a_row(own, stack),
        keep_a_vector(own, stack),
        keep_objects(own),
        keep_an_upload_in_parts(own),
        keep_an_execution(own, stack, tmp_path),
        keep_a_stack(own, stack),
        keep_a_session(own, stack),
    ]
    session = own.process
    assert len(members(session)) > 1  # the function's environment
    end(own)
    wait_for(lambda: not members(session))
    assert own.control("status").returncode == 1
    own.start()
    for check in checks:
        check()


def keep_a_row(cloud: LocalCloud, stack: Stack) -> Callable[[], None]:
    dynamodb = cloud.client("dynamodb")
    dynamodb.put_item(TableName=stack["TableName"], Item={"pk": {"S": "a"}, "sk": {"S": "b"}})

    def check() -> None:
        assert dynamodb.scan(TableName=stack["TableName"])["Count"] == 1

    return check


def keep_a_vector(cloud: LocalCloud, stack: Stack) -> Callable[[], None]:
    index = {"vectorBucketName": stack["VectorBucketArn"].rsplit("/", 1)[-1], "indexName": "kept"}
    vectors = cloud.client("s3vectors")
    vectors.create_index(**index, dataType="float32", dimension=2, distanceMetric="cosine")
    vectors.put_vectors(**index, vectors=[{"key": "k", "data": {"float32": [1.0, 0.0]}}])

    def check() -> None:
        found = vectors.query_vectors(**index, topK=1, queryVector={"float32": [1.0, 0.0]})
        assert [vector["key"] for vector in found["vectors"]] == ["k"]

    return check


def keep_objects(cloud: LocalCloud) -> Callable[[], None]:
    """An object with tags, versions, and deleted ones of both kinds."""
    s3, there = cloud.client("s3"), {"Bucket": "kept"}
    s3.create_bucket(**there, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    s3.put_object(**there, Key="plain/a b/옹기.txt", Body="옹기".encode(), Tagging="kind=jar")
    s3.put_bucket_versioning(**there, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(**there, Key="versions", Body=b"first")["VersionId"]
    s3.put_object(**there, Key="versions", Body=b"second")
    s3.put_object(**there, Key="hidden", Body=b"hidden")
    s3.delete_object(**there, Key="hidden")
    s3.delete_object(**there, Key="gone", VersionId=s3.put_object(**there, Key="gone", Body=b"gone")["VersionId"])

    def content(**which: str) -> bytes:
        read: bytes = s3.get_object(**there, **which)["Body"].read()
        return read

    def check() -> None:
        assert content(Key="plain/a b/옹기.txt").decode() == "옹기"
        tags = s3.get_object_tagging(**there, Key="plain/a b/옹기.txt")["TagSet"]
        assert tags == [{"Key": "kind", "Value": "jar"}]
        assert (content(Key="versions"), content(Key="versions", VersionId=first)) == (b"second", b"first")
        listed = s3.list_object_versions(**there)
        assert [marker["Key"] for marker in listed["DeleteMarkers"]] == ["hidden"]
        keys = sorted(version["Key"] for version in listed["Versions"])
        assert keys == ["hidden", "plain/a b/옹기.txt", "versions", "versions"]
        s3.delete_object(**there, Key="versions", VersionId=s3.head_object(**there, Key="versions")["VersionId"])
        assert content(Key="versions") == b"first"

    return check


def keep_an_upload_in_parts(cloud: LocalCloud) -> Callable[[], None]:
    s3, there = cloud.client("s3"), {"Bucket": "kept", "Key": "parts"}
    part = b"p" * 5 * 1024 * 1024
    upload = {**there, "UploadId": s3.create_multipart_upload(**there)["UploadId"]}
    etags = [s3.upload_part(**upload, PartNumber=1, Body=part)["ETag"]]

    def check() -> None:
        etags.append(s3.upload_part(**upload, PartNumber=2, Body=b"end")["ETag"])
        parts = [{"ETag": etag, "PartNumber": number} for number, etag in enumerate(etags, start=1)]
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        assert s3.get_object(**there)["Body"].read() == part + b"end"

    return check


def keep_an_execution(cloud: LocalCloud, stack: Stack, folder: Path) -> Callable[[], None]:
    """One whose function is at work when the cloud ends, and waits for a file that only the next cloud gets."""
    released = folder / "released"
    cloud.client("lambda").update_function_configuration(FunctionName=stack["Step"], Timeout=60)
    states = cloud.client("stepfunctions")
    definition = json.dumps(MACHINE).replace("STEP", stack["StepArn"])
    machine = states.create_state_machine(name="slow", definition=definition, roleArn=stack["MachineRole"])
    command = ["/bin/sh", "-c", 'until [ -e "$0" ]; do sleep 0.05; done', str(released)]
    value = json.dumps({"kept": "용기", "task": {"do": "spawn", "command": command}})
    started = {"stateMachineArn": machine["stateMachineArn"], "name": "one", "input": value}
    arn = states.start_execution(**started)["executionArn"]

    def entered() -> list[str]:
        events = states.get_execution_history(executionArn=arn)["events"]
        return [event["stateEnteredEventDetails"]["name"] for event in events if "stateEnteredEventDetails" in event]

    def ended() -> Any:
        described = states.describe_execution(executionArn=arn)
        return described if described["status"] != "RUNNING" else None

    def check() -> None:
        released.touch()
        described = wait_for(ended, 30)
        output = json.loads(described["output"])
        assert (described["status"], output) == ("SUCCEEDED", {"name": "one", "kept": "용기"})
        assert entered() == ["Before", "Slow", "Slow", "After"]

    wait_for(lambda: entered() == ["Before", "Slow"])
    return check


def keep_a_session(cloud: LocalCloud, stack: Stack) -> Callable[[], None]:
    sts = cloud.client("sts", stack.role_session("kept-function", ["sts:*"], stack["DataRole"]))
    tags = [{"Key": "TenantId", "Value": "acme"}]
    assumed = sts.assume_role(RoleArn=stack["DataRole"], RoleSessionName="acme", Tags=tags)["Credentials"]
    s3 = cloud.client("s3", cloud.session(assumed))

    def check() -> None:
        own, foreign = ({"Bucket": stack["Documents"], "Key": f"tenants/{name}/kept"} for name in ("acme", "beta"))
        s3.put_object(**own, Body=b"kept")
        assert s3.get_object(**own)["Body"].read() == b"kept"
        with pytest.raises(ClientError) as caught:
            s3.put_object(**foreign, Body=b"")
        assert caught.value.response["Error"]["Code"] == "AccessDenied"

    return check


def keep_a_stack(cloud: LocalCloud, stack: Stack) -> Callable[[], None]:
    def check() -> None:
        assert stack.invoke({"do": "nothing"}) == ({"do": "nothing"}, None)
        reply = urllib3.request("POST", f"{stack.api}/v1/query", headers={"Authorization": "Bearer x"}, retries=False)
        assert reply.json()["requestContext"]["authorizer"]["tenant_id"] == "acme"
        stacks = cloud.client("cloudformation").describe_stacks(StackName="kept")["Stacks"]
        assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
        problem = urllib3.request("POST", f"{stack.api}/v1/query", retries=False)
        assert problem.headers["content-type"] == "application/problem+json"

    return check


def test_what_was_written_after_the_last_snapshot_is_gone_everywhere(own: LocalCloud) -> None:
    """Services agree with one another, whichever of them writes to the disk at once."""
    own.start()
    stack = deploy(own, "agreed")
    own.wait_until_saved()
    s3, vectors, dynamodb = (own.client(name) for name in ("s3", "s3vectors", "dynamodb"))
    index = {"vectorBucketName": stack["VectorBucketArn"].rsplit("/", 1)[-1], "indexName": "counted"}

    def counts() -> tuple[int, int, int]:
        objects = len(s3.list_objects_v2(Bucket=stack["Documents"]).get("Contents", []))
        indexes = vectors.list_indexes(vectorBucketName=index["vectorBucketName"])["indexes"]
        stored = len(vectors.list_vectors(**index)["vectors"]) if indexes else -1
        return objects, stored, dynamodb.scan(TableName=stack["TableName"])["Count"]

    vectors.create_index(**index, dataType="float32", dimension=1, distanceMetric="cosine")
    for number in range(1000):
        vectors.put_vectors(**index, vectors=[{"key": str(number), "data": {"float32": [1.0]}}])
        dynamodb.put_item(TableName=stack["TableName"], Item={"pk": {"S": "a"}, "sk": {"S": str(number)}})
        s3.put_object(Bucket=stack["Documents"], Key=f"{number:04}", Body=b"x")
        if number > 50 and time.monotonic() % 1 < 0.02:
            break
    own.kill()
    own.start()
    objects, stored, rows = counts()
    # One round may be half done at the moment of the snapshot, in the order of its writes.
    assert max(stored, 0) - objects in {0, 1}
    assert rows - objects in {0, 1}
    if stored == -1:
        vectors.create_index(**index, dataType="float32", dimension=1, distanceMetric="cosine")


def test_a_cloud_that_is_killed_before_its_first_snapshot_starts_empty(own: LocalCloud) -> None:
    own.start()
    own.client("s3vectors").create_vector_bucket(vectorBucketName="early")
    own.client("s3").create_bucket(Bucket="early", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    own.kill()
    assert not (own.state / "data/snapshot").exists()
    own.start()
    own.client("s3vectors").create_vector_bucket(vectorBucketName="early")
    assert own.client("s3").list_buckets()["Buckets"] == []


@ENDS
def test_no_function_goes_on_without_its_cloud(own: LocalCloud, end: End) -> None:
    """Neither the function that is at work nor what it has started."""
    own.start()
    stack = deploy(own, "orphans")
    functions, session = own.client("lambda"), own.process
    functions.update_function_configuration(FunctionName=stack["Step"], Timeout=60)
    functions.invoke(
        FunctionName=stack["Step"],
        InvocationType="Event",
        Payload=json.dumps({"do": "spawn", "command": ["/bin/sleep", "60"]}),
    )
    wait_for(lambda: len(members(session)) == 3)
    end(own)
    wait_for(lambda: not members(session), 2)


def test_a_cloud_that_runs_on_other_code_is_started_again(own: LocalCloud) -> None:
    own.start()
    own.client("sqs").create_queue(QueueName="kept")
    first = own.process
    description = json.loads((own.state / "cloud.json").read_text(encoding="utf-8"))
    (own.state / "cloud.json").write_text(json.dumps(description | {"code": "of yesterday"}), encoding="utf-8")
    own.start()
    assert own.process != first
    assert len(own.client("sqs").list_queues()["QueueUrls"]) == 1


def cut_snapshot(data: Path) -> None:
    os.truncate(data / "snapshot", 500)


def write_over_database(data: Path) -> None:
    (data / "s3vectors/s3vectors.sqlite3").write_bytes(b"no database" * 1000)
    (data / "s3vectors/s3vectors.sqlite3-wal").unlink(missing_ok=True)


def remove_files_of_objects(data: Path) -> None:
    for file in (data / "blobs").iterdir():
        file.unlink()


def move_to_old_layout(data: Path) -> None:
    data.rename(data.parent / "services")


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> LocalCloud:
    """A cloud that has stopped and holds a bucket and a file."""
    cloud = LocalCloud(free_port(), tmp_path_factory.mktemp("held") / "state")
    cloud.start()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="held", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"})
    s3.put_object(Bucket="held", Key="held", Body=b"held")
    stop(cloud)
    return cloud


@pytest.mark.parametrize("harm", [cut_snapshot, write_over_database, remove_files_of_objects, move_to_old_layout])
def test_what_cannot_be_read_is_named_and_a_reset_helps(
    held: LocalCloud, own: LocalCloud, harm: Callable[[Path], None]
) -> None:
    shutil.copytree(held.state, own.state)
    harm(own.state / "data")
    refused = own.control("start")
    assert refused.returncode == 2
    assert "make reset" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert own.control("status").returncode == 1
    reset = own.control("reset")
    assert (reset.returncode, str(own.state) in reset.stdout, "cloud.log" in reset.stdout) == (0, True, True)
    assert not own.state.exists()


def test_a_reset_stops_the_cloud_and_deletes_what_is_ours_alone(own: LocalCloud) -> None:
    own.start()
    (own.state / "notes.txt").write_text("mine", encoding="utf-8")
    session = own.process
    reset = own.control("reset")
    assert (reset.returncode, "has stopped" in reset.stdout, "data" in reset.stdout) == (0, True, True)
    wait_for(lambda: not members(session))
    assert [file.name for file in own.state.iterdir()] == ["notes.txt"]
    assert "holds nothing" in own.control("reset").stdout
    own.start()
    assert own.client("s3").list_buckets()["Buckets"] == []
