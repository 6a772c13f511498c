"""A stack with what the contract tests talk to: functions, an API, a table, buckets, a role for tenants."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.integration.local_cloud import REGION, LocalCloud, free_port, wait_for

FOLDER = Path(__file__).parent
NAME = "contract"

type Json = dict[str, Any]


@dataclass(frozen=True)
class Stack:
    cloud: LocalCloud
    outputs: dict[str, str]
    resources: dict[str, str]

    def __getitem__(self, output: str) -> str:
        return self.outputs[output]

    @property
    def api(self) -> str:
        return f"{self.cloud.endpoint}/_aws/execute-api/{self['ApiId']}/live"

    def invoke(self, event: Any) -> tuple[Any, str | None]:
        """Runs the function `Step`: its answer, and whether it failed."""
        reply = self.cloud.client("lambda").invoke(FunctionName=self["Step"], Payload=json.dumps(event))
        return json.loads(reply["Payload"].read()), reply.get("FunctionError")

    def role_session(self, name: str, actions: list[str], resource: str) -> boto3.Session:
        """A session of a new role that may do only this, as a function's execution role would."""
        iam = self.cloud.client("iam")
        statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        allowed = {"Effect": "Allow", "Action": actions, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=document)
        reply = self.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName=name)
        return self.cloud.session(reply["Credentials"])


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, text in files.items():
            zipped.writestr(name, text)
    return buffer.getvalue()


def deploy(cloud: LocalCloud, name: str = NAME) -> Stack:
    s3 = cloud.client("s3")
    bucket = f"{name}-code"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(
        Bucket=bucket, Key="code.zip", Body=archive({"app.py": (FOLDER / "app.py").read_text(encoding="utf-8")})
    )
    layer = {"python/lib/python3.13/site-packages/shared_by_layer.py": "NAME = 'shared'\n"}
    s3.put_object(Bucket=bucket, Key="layer.zip", Body=archive(layer))
    return create_stack(cloud, name, (FOLDER / "template.yaml").read_text(encoding="utf-8"), {"CodeBucket": bucket})


def create_stack(cloud: LocalCloud, name: str, template: str, parameters: dict[str, str] | None = None) -> Stack:
    cloudformation = cloud.client("cloudformation")
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in (parameters or {}).items()]
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=given,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stack = wait_for(lambda: finished(cloudformation, name), seconds=30)
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, name)
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    return Stack(
        cloud,
        {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources},
    )


def finished(cloudformation: Any, name: str) -> Json | None:
    stack: Json = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack


def failures(cloudformation: Any, name: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[LocalCloud]:
    """A cloud for one test alone, which starts and stops it in the background."""
    cloud = LocalCloud(free_port(), tmp_path / "state")
    yield cloud
    cloud.control("stop")


@pytest.fixture(scope="session")
def stack(cloud: LocalCloud) -> Stack:
    return deploy(cloud)


@pytest.fixture(scope="session")
def tenant(stack: Stack) -> Callable[[str], boto3.Session]:
    """Sessions of the tenants' role, each tagged with its tenant and assumed by another role."""
    function = stack.role_session("contract-function", ["sts:AssumeRole", "sts:TagSession"], stack["DataRole"])
    sts = stack.cloud.client("sts", function)

    def session(name: str) -> boto3.Session:
        tags = [{"Key": "TenantId", "Value": name}]
        reply = sts.assume_role(RoleArn=stack["DataRole"], RoleSessionName="tenant", DurationSeconds=900, Tags=tags)
        return stack.cloud.session(reply["Credentials"])

    return session
