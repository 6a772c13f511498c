"""Starting and stopping: one cloud a folder, nothing left behind, everything there again."""

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.integration.local_cloud import REPOSITORY, LocalCloud, free_port, wait_for
from tests.integration.mends.conftest import Stack, deploy


def run(cloud: LocalCloud, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        cloud.command(command), cwd=REPOSITORY, capture_output=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LocalCloud]:
    cloud = LocalCloud(free_port(), tmp_path / "state")
    yield cloud
    run(cloud, "stop")


def process_of(cloud: LocalCloud) -> int:
    return int(json.loads((cloud.state / "cloud.json").read_text(encoding="utf-8"))["pid"])


def members(group: int) -> list[int]:
    """The processes of a process group."""
    command = ["ps", "-eo", "pgid=,pid=,stat="]
    listed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(pid) for pgid, pid, state in rows if int(pgid) == group and not state.startswith("Z")]


def test_everything_is_there_again_after_a_restart(own: LocalCloud) -> None:
    started = run(own, "start")
    assert started.returncode == 0, started.stderr
    description = json.loads((own.state / "cloud.json").read_text(encoding="utf-8"))
    assert (description["endpoint"], description["region"]) == (own.endpoint, "ap-northeast-2")
    before = deploy(own, "kept")
    own.client("s3").put_object(Bucket=before["Documents"], Key="kept.txt", Body="옹기".encode())
    own.client("dynamodb").put_item(TableName=before["TableName"], Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    index = {"vectorBucketName": before["VectorBucketArn"].rsplit("/", 1)[-1], "indexName": "kept"}
    vectors = own.client("s3vectors")
    vectors.create_index(**index, dataType="float32", dimension=2, distanceMetric="cosine")
    vectors.put_vectors(**index, vectors=[{"key": "k", "data": {"float32": [1.0, 0.0]}}])
    assert before.invoke({"do": "nothing"}) == ({"do": "nothing"}, None)

    group = process_of(own)
    assert len(members(group)) > 1  # the function's environment
    assert run(own, "stop").returncode == 0
    wait_for(lambda: not members(group))
    assert not (own.state / "cloud.json").exists()
    assert run(own, "start").returncode == 0

    after = Stack(own, before.outputs, before.resources)
    assert own.client("s3").get_object(Bucket=after["Documents"], Key="kept.txt")["Body"].read().decode() == "옹기"
    assert own.client("dynamodb").scan(TableName=after["TableName"])["Count"] == 1
    found = own.client("s3vectors").query_vectors(**index, topK=1, queryVector={"float32": [1.0, 0.0]})
    assert [vector["key"] for vector in found["vectors"]] == ["k"]
    assert after.invoke({"do": "nothing"}) == ({"do": "nothing"}, None)
    reply = urllib3.request("POST", f"{after.api}/v1/query", headers={"Authorization": "Bearer x"}, retries=False)
    assert reply.json()["requestContext"]["authorizer"]["tenant_id"] == "acme"
    stacks = own.client("cloudformation").describe_stacks(StackName="kept")["Stacks"]
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
    problem = urllib3.request("POST", f"{after.api}/v1/query", retries=False)
    assert problem.headers["content-type"] == "application/problem+json"


def test_starting_and_stopping_twice_is_no_error(own: LocalCloud) -> None:
    assert run(own, "stop").stdout == "The local cloud does not run.\n"
    assert run(own, "status").returncode == 1
    assert run(own, "start").returncode == 0
    again = run(own, "start")
    assert (again.returncode, "already runs" in again.stdout) == (0, True)
    assert run(own, "status").returncode == 0
    second = LocalCloud(free_port(), own.state)
    refused = run(second, "run")
    assert refused.returncode == 2
    assert "already runs" in refused.stderr
    assert run(own, "stop").returncode == 0
    assert run(own, "status").returncode == 1


def test_a_port_in_use_is_said(own: LocalCloud, cloud: LocalCloud) -> None:
    taken = LocalCloud(cloud.port, own.state)
    started = run(taken, "start")
    assert started.returncode == 2
    assert f"Port {cloud.port} is already in use" in started.stderr


def test_missing_model_data_is_said(own: LocalCloud, tmp_path: Path) -> None:
    command = [*own.command("start")[:-1], str(tmp_path)]
    started = subprocess.run(command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert started.returncode == 2
    assert "--botocore-data" in started.stderr
    assert "Traceback" not in started.stderr


def test_a_killed_cloud_leaves_no_function_behind(own: LocalCloud) -> None:
    assert run(own, "start").returncode == 0
    deploy(own, "killed").invoke({})
    group = process_of(own)
    os.kill(group, signal.SIGKILL)
    wait_for(lambda: not members(group))
    assert run(own, "status").returncode == 1
    assert run(own, "start").returncode == 0


def test_only_this_machine_can_reach_it(cloud: LocalCloud) -> None:
    outside = socket.gethostbyname(socket.gethostname())
    if outside.startswith("127."):
        pytest.skip("this machine has no other address")
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex((outside, cloud.port)) != 0
