"""How far a deployment is, as the terminal and a log show it."""

import io
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from local import deployment_progress
from local.deployment_progress import describe, wait


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


def waiting(gate: Path, status: int = 0) -> subprocess.Popen[bytes]:
    """A process that ends once a file is there."""
    script = 'until [ -e "$0" ]; do sleep 0.02; done; exit "$1"'
    return subprocess.Popen(["/bin/sh", "-c", script, str(gate), str(status)])


def looks(gate: Path, texts: list[str]) -> Any:
    """Return one text after another, and let the process end with the last."""

    def look() -> str:
        if len(texts) == 1:
            gate.touch()
        return texts.pop(0)

    return look


@pytest.mark.parametrize(
    ("out", "shown"), [(Terminal(), "\r\033[Kone\r\033[Ktwo\r\033[K"), (io.StringIO(), "one\ntwo\n")]
)
def test_a_terminal_gets_one_changing_line_and_a_log_gets_lines(
    gate: Path, out: io.StringIO, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment_progress, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(deployment_progress, "REPEAT_SECONDS", 0.0)
    assert wait(waiting(gate, 3), looks(gate, ["one", "two"]), 60, out) == 3
    assert out.getvalue() == shown


def test_a_process_that_does_not_end_is_killed(gate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment_progress, "LOOK_SECONDS", 0.05)
    process = waiting(gate)
    with pytest.raises(subprocess.TimeoutExpired):
        wait(process, str, 0.0, io.StringIO())
    assert process.returncode == -9


def test_uploads_are_counted_before_there_is_a_stack_and_resources_after() -> None:
    session = boto3.Session("test", "test", region_name="ap-northeast-2")
    cloudformation, s3 = session.client("cloudformation"), session.client("s3")
    stacks, objects = Stubber(cloudformation), Stubber(s3)
    stacks.add_client_error("describe_stacks", "ValidationError")
    objects.add_response("list_objects_v2", {"KeyCount": 7}, {"Bucket": "uploads"})
    stack = {"StackName": "s", "CreationTime": datetime(2026, 1, 1, tzinfo=UTC), "StackStatus": "CREATE_IN_PROGRESS"}
    stacks.add_response("describe_stacks", {"Stacks": [stack]})
    states = ("CREATE_COMPLETE", "CREATE_IN_PROGRESS", "UPDATE_COMPLETE")
    resource = {"LogicalResourceId": "R", "ResourceType": "T", "LastUpdatedTimestamp": stack["CreationTime"]}
    summaries = [resource | {"ResourceStatus": state} for state in states]
    stacks.add_response("list_stack_resources", {"StackResourceSummaries": summaries})
    with stacks, objects:
        said = [describe(cloudformation, s3, "s", "uploads") for _ in range(2)]
    assert said == ["uploading what was built: 7 files so far", "deploying: 2 resources are complete"]
