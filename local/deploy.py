"""`python -m local.deploy`: deploys what `sam build` made to the local cloud and writes down where everything is.

For the project's own environment: it asks CloudFormation as any client does, and leaves the work to `sam deploy`.
"""

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError, WaiterError  # noqa: A004 - its name

from local.deployment_progress import describe, wait
from local.settings import DEFAULT_STATE, REPOSITORY, LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef
    from mypy_boto3_s3.client import S3Client

STACK_NAME = "onggi"
ARTIFACTS_BUCKET = "onggi-deployments"
STACK_FILE = "stack.json"
DEPLOY_LOG = "deploy.log"
BUILD = REPOSITORY / ".aws-sam" / "build"
SAM = REPOSITORY / ".venvs" / "sam" / "bin" / "sam"
ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}
DEPLOY_SECONDS = 180
LOCAL_PARAMETERS = (
    "RemovalGraceSeconds=3",  # a laptop is not to wait for minutes
    "AuthorizationCacheSeconds=5",
    "TurnsPerExecution=2",  # nor for the loops of a large tenant, before an execution hands over
)
STANDING = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
# A stack in one of these never stood, and cannot be updated (CloudFormation user guide, "Stack status codes").
NEVER_STOOD = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
BEGUN = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}
POLL_SECONDS = "0.2"  # sam's own 5 s are made for a cloud that takes minutes


@dataclass(frozen=True)
class Deployment:
    """A stack in the local cloud.

    Attributes:
        stack_name: CloudFormation's name of it.
        stack_id: CloudFormation's id of it, which no other stack ever has.
        region: the region the local cloud says it is.
        endpoint: the URL of every AWS service.
        outputs: the stack's outputs by name.
        fingerprint: tells what was deployed, see `fingerprint`.
    """

    stack_name: str
    stack_id: str
    region: str
    endpoint: str
    outputs: dict[str, str]
    fingerprint: str


def main() -> int:
    """Deploy as the command line says and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.deploy", description="Deploy the build to the local cloud.")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="the cloud's folder (default: .local)")
    arguments = parser.parse_args()
    try:
        deployment = deploy(arguments.state.resolve())
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 2
    print(offer(deployment))
    return 0


def deploy(state: Path) -> Deployment:
    """Deploy the build to the cloud that lives in `state`, unless that very build is deployed there already.

    Args:
        state: the folder of a running local cloud; `stack.json` is written into it.

    Returns:
        What now stands in the cloud.

    Raises:
        LocalCloudError: no cloud runs there or it has ended meanwhile, nothing is built, or `sam deploy` failed.
    """
    cloud = _running_cloud(state)
    try:
        return _deploy(state, cloud["endpoint"], cloud["region"])
    except (ConnectionError, HTTPClientError) as error:
        message = f"The local cloud at {cloud['endpoint']} does not answer: start it again by `make up`."
        raise LocalCloudError(message) from error


def _deploy(state: Path, endpoint: str, region: str) -> Deployment:
    session = boto3.Session("test", "test", region_name=region)
    direct = Config(proxies={}, retries={"max_attempts": 1})
    cloudformation = session.client("cloudformation", endpoint_url=endpoint, config=direct)
    wanted = fingerprint(BUILD, endpoint)
    standing = _standing(state, cloudformation)
    if standing and standing.fingerprint == wanted:
        return standing
    _remove_unfinished(cloudformation)
    s3 = session.client("s3", endpoint_url=endpoint, config=direct)
    _ensure_bucket(s3, region)
    log = state / DEPLOY_LOG
    status = _sam_deploy(endpoint, region, log, partial(describe, cloudformation, s3, STACK_NAME, ARTIFACTS_BUCKET))
    stack = _stack(cloudformation)
    if status or stack is None or stack["StackStatus"] not in STANDING:
        reasons = "\n".join(_failures(cloudformation))
        message = (
            f"`sam deploy` failed; all that it said is in {log}.\n{reasons}".rstrip()
            + "\nWhere nothing else helps, `make reset` deletes what the local cloud holds."
        )
        raise LocalCloudError(message)
    deployment = Deployment(STACK_NAME, stack["StackId"], region, endpoint, _outputs(stack), wanted)
    _write(state / STACK_FILE, json.dumps(asdict(deployment), indent=2) + "\n")
    return deployment


def fingerprint(build: Path, endpoint: str) -> str:
    """Return a hash of every name and byte in `build` and of the endpoint that the functions are told.

    Raises:
        LocalCloudError: nothing is built.
    """
    if not (build / "template.yaml").exists():
        message = "Nothing is built: run `make build` first."
        raise LocalCloudError(message)
    digest = hashlib.sha256(endpoint.encode())
    for path in sorted(path for path in build.rglob("*") if path.is_file()):
        digest.update(f"\0{path.relative_to(build)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def offer(deployment: Deployment) -> str:
    """Say what a user can do with the deployed stack."""
    outputs = deployment.outputs
    lines = [
        "",
        f"Onggi is deployed as the stack {deployment.stack_name}:",
        *(f"  {name:<26}{value}" for name, value in sorted(outputs.items())),
        f"  {'AWS services':<26}{deployment.endpoint} (keys test/test, region {deployment.region})",
        "",
        "Try it:",
        "  .venv/bin/onggi tenant create acme --name Acme",
        "  .venv/bin/onggi put README.md --tenant acme",
        '  .venv/bin/onggi ask "What is Onggi?" --tenant acme',
    ]
    return "\n".join(lines)


def _running_cloud(state: Path) -> dict[str, str]:
    try:
        cloud: dict[str, str] = json.loads((state / "cloud.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"No local cloud runs in {state}: start it with `python -m local start`."
        raise LocalCloudError(message) from None
    return cloud


def _standing(state: Path, cloudformation: "CloudFormationClient") -> Deployment | None:
    """The deployment written down earlier, if the cloud still has its stack."""
    try:
        written = Deployment(**json.loads((state / STACK_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # never deployed, or written by another version: deploying once more is always right
    stack = _stack(cloudformation)
    stands = stack and stack["StackStatus"] in STANDING and stack["StackId"] == written.stack_id
    return written if stack and stands and _outputs(stack) == written.outputs else None


def _stack(cloudformation: "CloudFormationClient") -> "StackTypeDef | None":
    """Our stack, or None where there is none."""
    try:
        return cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # how CloudFormation says that there is none
            return None
        raise


def _outputs(stack: "StackTypeDef") -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _remove_unfinished(cloudformation: "CloudFormationClient") -> None:
    """Delete the stack where its creation has failed, so that it can be created again.

    Raises:
        LocalCloudError: something of it cannot be deleted.
    """
    stack = _stack(cloudformation)
    if stack is None or stack["StackStatus"] not in NEVER_STOOD:
        return
    cloudformation.delete_stack(StackName=STACK_NAME)
    try:
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": DEPLOY_SECONDS}
        )
    except WaiterError as error:
        reasons = "\n".join(_failures(cloudformation))
        message = (
            "An earlier deployment has failed, and what it left cannot be deleted: `make reset` deletes what the local "
            f"cloud holds.\n{reasons}"
        )
        raise LocalCloudError(message) from error


def _write(path: Path, text: str) -> None:
    """Write a file as a whole: whoever reads it meanwhile, or after a sudden end, finds the old one or the new."""
    descriptor, new = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(new).replace(path)


def _failures(cloudformation: "CloudFormationClient") -> list[str]:
    """What CloudFormation says about the resources that failed in the latest deployment, the first one first."""
    latest: list[str] = []
    try:
        for event in _events(cloudformation):
            status = event.get("ResourceStatus", "")
            if event["LogicalResourceId"] == STACK_NAME and status in BEGUN:
                break  # events come newest first: here the latest deployment began
            if status.endswith("_FAILED"):
                latest.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}")
    except ClientError:
        return []  # there is no stack: sam failed before it, and its own words say why
    return latest[::-1]


def _events(cloudformation: "CloudFormationClient") -> "Iterator[StackEventTypeDef]":
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=STACK_NAME):
        yield from page["StackEvents"]


def _ensure_bucket(s3: "S3Client", region: str) -> None:
    try:
        s3.create_bucket(Bucket=ARTIFACTS_BUCKET, CreateBucketConfiguration={"LocationConstraint": region})  # type: ignore[typeddict-item] # any region
    except s3.exceptions.BucketAlreadyOwnedByYou:
        return


def _sam_deploy(endpoint: str, region: str, log: Path, look: "Callable[[], str]") -> int:
    """Run `sam deploy`, its words into `log`, show how far it is, and return its exit status."""
    architecture = ARCHITECTURES[platform.machine().lower()]
    command = [
        *(str(SAM), "deploy"),
        *("--config-env", "local", "--template", str(BUILD / "template.yaml")),
        *("--stack-name", STACK_NAME, "--region", region, "--s3-bucket", ARTIFACTS_BUCKET),
        "--no-resolve-s3",  # which would deploy a stack of its own for the bucket
        *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        *("--parameter-overrides", f"Architecture={architecture}", f"EndpointUrl={endpoint}", *LOCAL_PARAMETERS),
    ]
    print(f"deploying to {endpoint}", flush=True)
    try:
        with (
            log.open("wb") as out,
            subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=_sam_environment(endpoint, region),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            ) as sam,
        ):
            return wait(sam, look, DEPLOY_SECONDS, sys.stdout)
    except subprocess.TimeoutExpired as error:
        message = f"`sam deploy` did not end within {DEPLOY_SECONDS} s; what it said is in {log}."
        raise LocalCloudError(message) from error


def _sam_environment(endpoint: str, region: str) -> dict[str, str]:
    """The environment of `sam deploy`: nothing of the user's AWS account may reach it, nor a proxy come between."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
        "SAM_CLI_POLL_DELAY": POLL_SECONDS,
        "SAM_CLI_TELEMETRY": "0",
    }


if __name__ == "__main__":
    sys.exit(main())
