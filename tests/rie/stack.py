"""A local cloud with the built stack in it, for tests that run functions outside of it."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from local import deploy

REPOSITORY = Path(__file__).resolve().parents[2]
ONBOARDING_SECONDS = 60
EMULATOR_PYTHON = REPOSITORY / ".venvs/emulator/bin/python"


@contextmanager
def deployed(state: Path) -> Iterator[deploy.Deployment]:
    """Starts a cloud with its state in `state`, deploys the build to it, and stops it at the end."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    local = [str(EMULATOR_PYTHON), "-m", "local"]
    subprocess.run([*local, "start", "--port", str(port), "--state", str(state)], cwd=REPOSITORY, check=True)
    try:
        yield deploy.deploy(state)
    finally:
        subprocess.run([*local, "stop", "--state", str(state)], cwd=REPOSITORY, check=True)


class DeployedFunctions:
    """Functions of the stack, with their variables and the credentials of their roles."""

    def __init__(self, stack: deploy.Deployment) -> None:
        self._stack = stack
        pages = (
            self._client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack.stack_name)
        )
        self._names = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] == "AWS::Lambda::Function"
        }

    def onboard(self, tenant_id: str) -> None:
        """Creates the tenant that the events name, through the deployed function, as an operator would."""
        event = json.loads((REPOSITORY / "events/tenants.json").read_text(encoding="utf-8"))
        event |= {"httpMethod": "POST", "body": json.dumps({"tenant_id": tenant_id, "name": "Acme", "tier": "basic"})}
        event["requestContext"]["httpMethod"] = "POST"
        invoked = self._client("lambda").invoke(FunctionName=self._names["Tenants"], Payload=json.dumps(event))
        answer = json.loads(invoked["Payload"].read())
        assert answer["statusCode"] == 202, answer
        deadline = time.monotonic() + ONBOARDING_SECONDS
        while self._status(tenant_id) != "active":
            assert time.monotonic() < deadline, f"{tenant_id} is not active"
            time.sleep(0.2)

    def _status(self, tenant_id: str) -> str:
        key = {"pk": {"S": "TENANTS"}, "sk": {"S": tenant_id}}
        table = self._stack.outputs["ControlTableName"]
        status: str = self._client("dynamodb").get_item(TableName=table, Key=key)["Item"]["status"]["S"]
        return status

    def upload(self, bucket: str, key: str, content: bytes) -> str:
        """Stores an object and returns its version."""
        version: str = self._client("s3").put_object(Bucket=bucket, Key=key, Body=content)["VersionId"]
        return version

    def wait_until_registered(self, tenant_id: str, document_id: str) -> None:
        """Waits until the stack's workflow has registered an upload: a step deletes uploads without a ledger row."""
        key = {"pk": {"S": tenant_id}, "sk": {"S": "DOCUMENT#" + document_id}}
        table = self._stack.outputs["TenantTableName"]
        deadline = time.monotonic() + ONBOARDING_SECONDS
        while "Item" not in self._client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True):
            assert time.monotonic() < deadline, f"{document_id} is not registered"
            time.sleep(0.1)

    def grant(self, state: dict[str, Any]) -> dict[str, Any]:
        """Returns a grant to read the document of a state, from the deployed function that issues them."""
        payload = json.dumps(state | {"so_far": {}})
        invoked = self._client("lambda").invoke(FunctionName=self._names["GrantReading"], Payload=payload)
        granted: dict[str, Any] = json.loads(invoked["Payload"].read())
        assert granted.get("parts"), granted
        return granted

    def logical_ids(self) -> set[str]:
        return set(self._names)

    def environment(self, logical_id: str) -> dict[str, str]:
        """Returns the environment of a function, including the credentials that Lambda adds."""
        name = self._names[logical_id]
        function = self._client("lambda").get_function_configuration(FunctionName=name)
        role = self._client("sts").assume_role(RoleArn=function["Role"], RoleSessionName=name)["Credentials"]
        return {
            **function["Environment"]["Variables"],
            "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
            "AWS_SESSION_TOKEN": role["SessionToken"],
            "AWS_REGION": self._stack.region,
            "AWS_DEFAULT_REGION": self._stack.region,
            "AWS_ENDPOINT_URL": self._stack.endpoint,
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "NO_PROXY": "127.0.0.1",
        }

    def placed(self, event: Any) -> Any:
        """Returns the event with every tenant placed in this stack's buckets, whose names no file can contain."""
        if isinstance(event, list):
            return [self.placed(item) for item in event]
        if isinstance(event, str) and event.startswith("{"):
            return json.dumps(self.placed(json.loads(event)), ensure_ascii=False)  # a tenant in an authoriser's context
        if not isinstance(event, dict):
            return event
        return {
            key: self._placement(value) if key == "placement" else self.placed(value) for key, value in event.items()
        }

    def _placement(self, names: dict[str, Any]) -> dict[str, Any]:
        outputs = self._stack.outputs
        here = {
            "documents_bucket": outputs["DocumentsBucketName"],
            "artifacts_bucket": outputs["ArtifactsBucketName"],
            "vector_bucket": outputs["VectorBucketName"],
        }
        return {name: here.get(name, value) for name, value in names.items()}

    def _client(self, service: str) -> Any:
        session: Any = boto3.Session("test", "test", region_name=self._stack.region)
        return session.client(service, endpoint_url=self._stack.endpoint)
