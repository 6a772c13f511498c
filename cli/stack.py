"""Which stack the command talks to: the local cloud of this checkout, or one that CloudFormation knows."""

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
    """The one call this module makes."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter name
        """Returns the stacks of that name."""


@dataclass(frozen=True)
class Stack:
    """One deployed stack.

    Attributes:
        name: CloudFormation's name of it.
        region: The AWS region, also of the local cloud.
        endpoint: The address of every AWS service, or None for AWS itself.
        outputs: The stack's outputs by name.
        identity: What tells this stack from every other one; API keys are stored under it.
        local_folder: Where the local cloud keeps its files, or None for a stack found through CloudFormation.
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
            StackError: The stack has no such output, so it is not Onggi's or it is older than this command.
        """
        try:
            return self.outputs[name]
        except KeyError:
            message = f"The stack {self.name} has no output {name}: check that it is an Onggi stack and deployed fully."
            raise StackError("no_output", message) from None

    @property
    def api_base(self) -> str:
        """The address that every route of version 1 starts with."""
        return self.output("ApiUrl").rstrip("/") + "/v1"


def is_local(endpoint: str | None) -> bool:
    """Says whether an endpoint is on this machine, which makes it the local cloud."""
    return endpoint is not None and urlsplit(endpoint).hostname in {"127.0.0.1", "localhost", "::1"}


def nothing_deployed(reason: str, advice: str = "make up") -> StackError:
    """The error where a stack in a local cloud was meant and there is none; `reason` begins the sentence."""
    return StackError("no_stack", f"{reason}, so nothing is deployed here: {advice}.")


def find_local_folder(environ: Mapping[str, str], start: Path) -> Path | None:
    """Finds the local cloud's folder: the one the environment names, else `.local` here or in a parent folder."""
    named = environ.get(LOCAL_FOLDER_VARIABLE)
    candidates = [Path(named)] if named else [folder / LOCAL_FOLDER for folder in (start, *start.parents)]
    names = (CLOUD_FILE, LOCAL_FILE)
    return next((folder for folder in candidates if any((folder / name).is_file() for name in names)), None)


def local_endpoint(folder: Path) -> tuple[str, str]:
    """Returns endpoint and region of the cloud that runs in a folder, as its launcher wrote them down.

    Raises:
        StackError: None runs there.
    """
    try:
        written = json.loads((folder / CLOUD_FILE).read_text(encoding="utf-8"))
        return str(written["endpoint"]), str(written["region"])
    except (OSError, ValueError, KeyError, TypeError):
        reason = f"The local cloud of {folder} does not run"
        raise nothing_deployed(reason) from None


def find_local_stack(folder: Path, cloudformation: CloudFormation, region: str, endpoint: str) -> Stack:
    """Asks the cloud that runs in a folder for the stack that was deployed to it.

    Raises:
        StackError: There is none, the cloud has ended, or another one has taken its port.
    """
    try:
        written = json.loads((folder / LOCAL_FILE).read_text(encoding="utf-8"))
        name, stack_id = str(written["stack_name"]), str(written["stack_id"])
    except (OSError, ValueError, KeyError, TypeError):
        reason = f"The deployment to the local cloud at {endpoint} has not come to its end"
        raise nothing_deployed(reason) from None
    stack = describe_stack(cloudformation, name, region, endpoint)
    if stack.identity != stack_id:
        reason = f"Another local cloud than that of {folder} answers at {endpoint}"
        raise nothing_deployed(reason)
    return replace(stack, identity=name, local_folder=folder)


def describe_stack(cloudformation: CloudFormation, name: str, region: str, endpoint: str | None) -> Stack:
    """Asks CloudFormation for a stack.

    Raises:
        StackError: There is no such stack, it may not be read, or CloudFormation does not answer.
    """
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        refusal = error.response.get("Error", {})
        if is_local(endpoint) and refusal.get("Code") == "ValidationError":  # CloudFormation's word for "there is none"
            reason = f"The local cloud at {endpoint} has no stack {name}"
            raise nothing_deployed(reason) from error
        reason = refusal.get("Message", "no reason given").rstrip(".")
        message = f"CloudFormation does not show the stack {name} in {region}: {reason}."
        raise StackError("no_stack", message) from error
    except BotoCoreError as error:
        if is_local(endpoint) and isinstance(error, EndpointConnectionError | ConnectTimeoutError):
            reason = f"No local cloud answers at {endpoint}"
            raise nothing_deployed(reason) from error
        message = f"CloudFormation in {region} cannot be asked for the stack {name}: {str(error).rstrip('.')}."
        raise StackError("unreachable", message) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return Stack(name=name, region=region, endpoint=endpoint, outputs=outputs, identity=stack["StackId"])
