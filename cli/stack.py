"""Which stack the command talks to: the local cloud of this checkout, or one that CloudFormation knows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import StackError

LOCAL_FOLDER = ".local"
LOCAL_FILE = "stack.json"
LOCAL_FOLDER_VARIABLE = "ONGGI_LOCAL"


class CloudFormation(Protocol):
    """The one call this module makes."""

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's own parameter name
        """Return the stacks of that name."""


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
        """Return one output.

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
    """Say whether an endpoint is on this machine, which makes it the local cloud."""
    return endpoint is not None and urlsplit(endpoint).hostname in {"127.0.0.1", "localhost", "::1"}


def find_local_folder(environ: Mapping[str, str], start: Path) -> Path | None:
    """Find the local cloud's folder: the one the environment names, else `.local` here or in a parent folder."""
    named = environ.get(LOCAL_FOLDER_VARIABLE)
    candidates = [Path(named)] if named else [folder / LOCAL_FOLDER for folder in (start, *start.parents)]
    return next((folder for folder in candidates if (folder / LOCAL_FILE).is_file()), None)


def read_local_stack(folder: Path) -> Stack:
    """Read the stack that the local cloud's launcher wrote down.

    Raises:
        StackError: The file cannot be read or lacks a field.
    """
    path = folder / LOCAL_FILE
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        return Stack(
            name=written["stack_name"],
            region=written["region"],
            endpoint=written["endpoint"],
            outputs=dict(written["outputs"]),
            identity=written["stack_name"],
            local_folder=folder,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} does not describe a stack: run `make up` to start the local cloud afresh."
        raise StackError("bad_stack_file", message) from error


def describe_stack(cloudformation: CloudFormation, name: str, region: str, endpoint: str | None) -> Stack:
    """Ask CloudFormation for a stack.

    Raises:
        StackError: There is no such stack, it may not be read, or CloudFormation does not answer.
    """
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        reason = error.response.get("Error", {}).get("Message", "no reason given").rstrip(".")
        message = f"CloudFormation does not show the stack {name} in {region}: {reason}."
        raise StackError("no_stack", message) from error
    except BotoCoreError as error:
        message = f"CloudFormation in {region} cannot be asked for the stack {name}: {str(error).rstrip('.')}."
        raise StackError("unreachable", message) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return Stack(name=name, region=region, endpoint=endpoint, outputs=outputs, identity=stack["StackId"])
