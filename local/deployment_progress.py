"""Shows how far a deployment is: `sam deploy` is silent while it uploads, and its table is for its log."""

import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_s3.client import S3Client

LOOK_SECONDS = 1.0
REPEAT_SECONDS = 5.0
"""How often a stream that is no terminal gets a line."""


def wait(process: "subprocess.Popen[bytes]", look: Callable[[], str], seconds: float, out: TextIO) -> int:
    """Wait for a process, and say meanwhile how far it is: in one changing line on a terminal, else every five seconds.

    Args:
        process: that has been started.
        look: returns how far it is.
        seconds: how long to wait.
        out: the stream that gets the progress.

    Returns:
        The exit status.

    Raises:
        subprocess.TimeoutExpired: it did not end in time; it is killed.
    """
    changing, said_at, deadline = out.isatty(), time.monotonic(), time.monotonic() + seconds
    try:
        while True:
            try:
                return process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline:
                    process.kill()
                    process.wait()
                    raise
            if changing or time.monotonic() - said_at >= REPEAT_SECONDS:
                said_at = time.monotonic()
                out.write(f"\r\033[K{look()}" if changing else f"{look()}\n")
                out.flush()
    finally:
        if changing:
            out.write("\r\033[K")
            out.flush()


def describe(cloudformation: "CloudFormationClient", s3: "S3Client", stack: str, bucket: str) -> str:
    """Say how far a deployment is: how many files are uploaded, and then how many resources of the stack are complete.

    Args:
        cloudformation: is asked for the stack.
        s3: is asked for the uploads.
        stack: the stack's name.
        bucket: the bucket that gets the uploads.
    """
    if not _is_changing(cloudformation, stack):
        return f"uploading what was built: {s3.list_objects_v2(Bucket=bucket)['KeyCount']} files so far"
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    states = [each["ResourceStatus"] for page in pages for each in page["StackResourceSummaries"]]
    return f"deploying: {sum(state.endswith('_COMPLETE') for state in states)} resources are complete"


def _is_changing(cloudformation: "CloudFormationClient", stack: str) -> bool:
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError:  # there is none before everything is uploaded
        return False
    return found["StackStatus"] in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}
