"""The stack that the command uses: the local cloud of this checkout, or one that CloudFormation describes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, EndpointConnectionError

from cli.errors import StackError

LOCAL_FOLDER = ".local"
CLOUD_FILE = "cloud.json"
LOCAL_FILE = "stack.json"
LOCAL_FOLDER_VARIABLE = "ONGGI_LOCAL"


class CloudFormation(Protocol):
    """The part of boto3's CloudFormation client that is used here."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter name
        """Returns the stacks of that name."""


@dataclass(frozen=True)
class Stack:
    """One deployed stack.

    Attributes:
        name: The name in CloudFormation.
        region: The AWS region, which the local cloud has, too.
        endpoint: The endpoint of all AWS services, or None for AWS itself.
        outputs: The stack's outputs by name.
        identity: A unique id, under which API keys are stored.
        local_folder: The folder of the local cloud, or None for a stack found through CloudFormation.
    """

    name: str
    region: str
    endpoint: str | None
    outputs: Mapping[str, str]
    identity: str
    local_folder: Path | None = None

    def output(self, name: str) -> str:
        """Returns one output.

        Raises:
            StackError: The stack has no such output, so it is not an Onggi stack or is older than this command.
        """
        try:
            return self.outputs[name]
        except KeyError:
            message = f"The stack {self.name} has no output {name}: check that it is an Onggi stack and fully deployed."
            raise StackError("no_output", message) from None

    @property
    def api_base(self) -> str:
        """The base URL of the routes of version 1."""
        return self.output("ApiUrl").rstrip("/") + "/v1"


def is_local(endpoint: str | None) -> bool:
    """Returns whether an endpoint is on this machine, and so a local cloud."""
    return endpoint is not None and urlsplit(endpoint).hostname in {"127.0.0.1", "localhost", "::1"}


def nothing_deployed(reason: str, advice: str = "make up") -> StackError:
    """Returns the error that the local cloud has no stack; `reason` begins the sentence."""
    return StackError("no_stack", f"{reason}, so nothing is deployed here: {advice}.")


def find_local_folder(environ: Mapping[str, str], start: Path) -> Path | None:
    """Returns the local cloud's folder: that of ONGGI_LOCAL, or else `.local` in this or a parent folder."""
    named = environ.get(LOCAL_FOLDER_VARIABLE)
    candidates = [Path(named)] if named else [folder / LOCAL_FOLDER for folder in (start, *start.parents)]
    names = (CLOUD_FILE, LOCAL_FILE)
    return next((folder for folder in candidates if any((folder / name).is_file() for name in names)), None)


def local_endpoint(folder: Path) -> tuple[str, str]:
    """Returns the endpoint and the region that the launcher of a local cloud has written to its folder.

    Raises:
        StackError: No local cloud runs there.
    """
    try:
        content = json.loads((folder / CLOUD_FILE).read_text(encoding="utf-8"))
        return str(content["endpoint"]), str(content["region"])
    except (OSError, ValueError, KeyError, TypeError):
        reason = f"The local cloud of {folder} is not running"
        raise nothing_deployed(reason) from None


def find_local_stack(folder: Path, cloudformation: CloudFormation, region: str, endpoint: str) -> Stack:
    """Returns the stack that was deployed to the local cloud of a folder.

    Raises:
        StackError: There is none, the local cloud has stopped, or another one uses its port.
    """
    try:
        content = json.loads((folder / LOCAL_FILE).read_text(encoding="utf-8"))
        name, stack_id = str(content["stack_name"]), str(content["stack_id"])
    except (OSError, ValueError, KeyError, TypeError):
        reason = f"The deployment to the local cloud at {endpoint} has not completed"
        raise nothing_deployed(reason) from None
    stack = describe_stack(cloudformation, name, region, endpoint)
    if stack.identity != stack_id:
        reason = f"The local cloud at {endpoint} is not the one of {folder}"
        raise nothing_deployed(reason)
    return replace(stack, identity=name, local_folder=folder)


def describe_stack(cloudformation: CloudFormation, name: str, region: str, endpoint: str | None) -> Stack:
    """Returns a stack that CloudFormation describes.

    Raises:
        StackError: There is no such stack, access is denied, or CloudFormation cannot be reached.
    """
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        details = error.response.get("Error", {})
        if is_local(endpoint) and details.get("Code") == "ValidationError":  # CloudFormation's code for a missing stack
            reason = f"The local cloud at {endpoint} has no stack {name}"
            raise nothing_deployed(reason) from error
        reason = details.get("Message", "no reason given").rstrip(".")
        message = f"CloudFormation cannot describe the stack {name} in {region}: {reason}."
        raise StackError("no_stack", message) from error
    except BotoCoreError as error:
        if is_local(endpoint) and isinstance(error, EndpointConnectionError | ConnectTimeoutError):
            reason = f"There is no local cloud at {endpoint}"
            raise nothing_deployed(reason) from error
        message = f"CloudFormation in {region} cannot be reached for the stack {name}: {str(error).rstrip('.')}."
        raise StackError("unreachable", message) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return Stack(name=name, region=region, endpoint=endpoint, outputs=outputs, identity=stack["StackId"])
