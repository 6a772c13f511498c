"""The role of a stack (`RoleARN`): CloudFormation assumes it, and what it makes is made with that role's rights.

The emulator ignores the role. Here a stack is refused whose role does not trust CloudFormation. AWS documents no
condition key for that trust (CloudFormation user guide, "AWS CloudFormation service role"), so that a statement with
a condition on one, such as `aws:SourceAccount`, does not count. A service that asks KMS asks for the role's rights.

Remove when ministack's CloudFormation assumes the role of a stack.
"""

import hashlib
import json
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import cloudformation, iam, sts
from ministack.services.cloudformation import handlers

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

SERVICE = "cloudformation.amazonaws.com"
ROLE = "RoleARN"
OK = 200


def apply() -> None:
    """Refuse roles that CloudFormation cannot assume, and remember those of stacks."""
    create = cloudformation._ACTION_HANDLERS["CreateStack"]  # the emulator has no public hooks

    def create_by_role(params: Json) -> Reply:
        role = handlers._p(params, ROLE)
        if role and app.AUTH and not _trusts_service(role):
            refused: Reply = handlers._error("ValidationError", f"Role {role} is invalid or cannot be assumed")
            return refused
        reply: Reply = create(params)
        if role and reply[0] == OK:  # the stack is made after this, by a task of the same thread
            cloudformation._stacks[handlers._p(params, "StackName")][ROLE] = role
        return reply

    cloudformation._ACTION_HANDLERS["CreateStack"] = create_by_role


def access_key(stack: str) -> str | None:
    """The access key of a session of the role that makes a stack; None for a stack without a role."""
    role = cloudformation._stacks.get(stack, {}).get(ROLE)
    if not role:
        return None
    digest = hashlib.sha256(f"{SERVICE} {role}".encode()).hexdigest().upper()
    key, name = f"ASIA{digest[:16]}", role.rpartition("/")[2]
    arn = f"arn:aws:sts::{get_account_id()}:assumed-role/{name}/AWSCloudFormation"
    secrets = {"SecretAccessKey": digest, "SessionToken": digest}
    sts.register_session(key, {"Arn": arn, "UserId": f"{name}:AWSCloudFormation", **secrets})
    return key


def _trusts_service(role: str) -> bool:
    account, region = get_account_id(), get_region()
    found = iam._roles.get_scoped(account, None, role.rpartition("/")[2])
    trust = found.get("AssumeRolePolicyDocument") if found else None
    context = iam_evaluator.EvalContext(
        principal_arn=SERVICE,
        principal_type="AWSService",
        principal_account=account,
        action="sts:AssumeRole",
        resource_arn=role,
        region=region,
    )
    result = iam_evaluator.evaluate_resource_policy(_about_all(trust), context, service=SERVICE)
    return bool(result.decision == "Allow")


def _about_all(trust: str | Json | None) -> Json:
    """A trust policy with the resource that it never names."""
    document = json.loads(trust) if isinstance(trust, str) else trust or {}
    given = document.get("Statement", [])
    statements = [given] if isinstance(given, dict) else given
    return {"Statement": [{**statement, "Resource": "*"} for statement in statements]}
