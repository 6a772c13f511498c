"""Asks KMS on behalf of a service that encrypts with its customer's key.

On AWS such a service calls KMS with the permissions of whoever calls the service (KMS developer guide, "Using forward
access sessions" and `kms:ViaService`). The emulator's services never ask.

Remove when the patches for S3 and S3 Vectors that call it are removed.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import kms

DECRYPT = "kms:Decrypt"
GENERATE_DATA_KEY = "kms:GenerateDataKey"
ACCESS_DENIED = "AccessDeniedException"

CONTEXT_KEYS = {
    "s3": ["aws:s3:arn"],
    "s3vectors": ["aws:s3vectors:arn", "aws:s3vectors:resource-id"],
}
"""The names in the encryption context that a service sends to KMS, by the S3 user guide."""


@dataclass(frozen=True)
class Refusal:
    """Why KMS refuses; `code` is the name of its exception."""

    code: str
    message: str


def key_arn(reference: str) -> str | None:
    """The ARN of the key with this id, alias or ARN, or None if there is none."""
    key = kms._resolve_key(reference)  # the emulator has no public hooks
    return str(key["Arn"]) if key else None


def refusal(service: str, key: str, actions: list[str], access_key: Callable[[], str]) -> Refusal | None:
    """Why a caller of `service` may not do this with a key, or None if it may.

    Args:
        service: The service that encrypts, as its endpoint is called.
        key: Id, alias or ARN of the key.
        actions: The actions of KMS that the caller has to be allowed, all of them.
        access_key: Finds the caller's access key; asked only where IAM is on.
    """
    record = kms._resolve_key(key)
    if record is None:
        return Refusal("NotFoundException", f"Key '{key}' does not exist")
    denied = _denial(service, str(record["Arn"]), actions, access_key()) if app.AUTH else None
    if denied:
        return denied
    unusable = kms._check_key_state(record)
    if unusable is None:
        return None
    error = json.loads(unusable[2])
    return Refusal(error["__type"], error["message"])


def _denial(service: str, key: str, actions: list[str], access_key: str) -> Refusal | None:
    region = get_region()
    context = {
        "kms:ViaService": f"{service}.{region}.amazonaws.com",
        "kms:EncryptionContextKeys": CONTEXT_KEYS[service],
    }
    for action in actions:
        result = _evaluated(access_key, action, region, key, context)
        if isinstance(result, iam_evaluator.AuthError):
            return Refusal(ACCESS_DENIED, result.message)
        if result is not None:
            message = f"User: {result.principal_arn} is not authorized to perform: {action} on resource: {key}"
            return Refusal(ACCESS_DENIED, message)
    return None


def _evaluated(access_key: str, action: str, region: str, key: str, context: dict[str, Any]) -> Any:
    # A form tells its signer inside, so that the request around it looks anonymous.
    token = iam_evaluator._anonymous.set(not access_key)
    try:
        return iam_evaluator.enforce(access_key, action, "kms", region, resource_arn=key, service_context=context)
    finally:
        iam_evaluator._anonymous.reset(token)
