"""`aws:ResourceTag/…` of CloudFormation stacks: the emulator knows the tags of other resources, and not of these.

Remove when ministack fills `aws:ResourceTag/…` for stacks.
"""

from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, tagging


def apply() -> None:
    """Let policies ask for the tags of a stack, by the ARN that a request names it with."""
    tagging._RESOURCE_TAG_COLLECTORS["cloudformation"] = _stacks


def _stacks() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name, stack in cloudformation._stacks.items():
        yield f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stack/{name}/*", stack.get("Tags", [])
