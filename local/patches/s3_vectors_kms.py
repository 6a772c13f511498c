"""S3 Vectors encrypted with a KMS key: who calls needs the right to use it, and so does the service's own indexing.

The S3 user guide ("Data protection and encryption in S3 Vectors") lets applications have `kms:Decrypt` and
`kms:GenerateDataKey` without saying which operation needs which. Here the stricter reading: whatever touches vectors
needs to decrypt, and whatever writes, or makes a bucket or an index, needs a data key as well. The resource type's
schema says so of buckets, too: CloudFormation needs `kms:GenerateDataKey` to make one.

An index comes into being only where the key's policy lets `indexing.s3vectors.amazonaws.com` decrypt; AWS answers
"Insufficient access to perform asynchronous indexing" to everybody else.

Remove when ministack's S3 Vectors asks KMS with the caller's permissions and for the service's own indexing.
"""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, router
from ministack.core.responses import get_account_id, get_region
from ministack.services import kms
from ministack.services.cloudformation import provisioners

from local.patches import kms_use, s3_vectors, stack_roles
from local.s3vectors import cloudformation, service

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

INDEXING = "indexing.s3vectors.amazonaws.com"
_READ = [kms_use.DECRYPT]
_WRITE = [kms_use.DECRYPT, kms_use.GENERATE_DATA_KEY]
ACTIONS = {
    "CreateVectorBucket": _WRITE,
    "CreateIndex": _WRITE,
    "PutVectors": _WRITE,
    "DeleteVectors": _WRITE,
    "GetVectors": _READ,
    "ListVectors": _READ,
    "QueryVectors": _READ,
}


def apply() -> None:
    """Ask KMS before the service answers; apply it after the service itself."""
    answer = app.SERVICE_HANDLERS[s3_vectors.NAME]

    async def handle_request(method: str, path: str, headers: Json, body: bytes, query: Json) -> Reply:
        operation = service.operation(method, path)
        if operation in ACTIONS:
            request = s3_vectors.parameters(path, body)
            # The database may be busy: not on the event loop.
            key = await asyncio.to_thread(_key, operation, request)
            refused = _refusal(operation, request, key, partial(router.extract_access_key_id, headers, query))
            if refused:
                return _error(refused)
        reply: Reply = await answer(method, path, headers, body, query)
        return reply

    app.SERVICE_HANDLERS[s3_vectors.NAME] = handle_request
    provisioners._RESOURCE_HANDLERS["AWS::S3Vectors::VectorBucket"]["create"] = _create_bucket
    provisioners._RESOURCE_HANDLERS["AWS::S3Vectors::Index"]["create"] = _create_index


def _key(operation: str, request: Json) -> str | None:
    """The ARN of the key that encrypts what a request is about, unless S3 keeps the key itself."""
    given = request.get("encryptionConfiguration") if operation.startswith("Create") else None
    if given is None and operation == "CreateVectorBucket":
        return None
    encryption = given or service.engine().encryption(_arn(operation, request))
    return encryption.get("kmsKeyArn") if isinstance(encryption, dict) else None


def _refusal(operation: str, request: Json, key: str | None, access_key: Callable[[], str]) -> kms_use.Refusal | None:
    if key is None:
        return None
    refused = kms_use.refusal(s3_vectors.NAME, key, ACTIONS[operation], access_key)
    if refused is None and operation == "CreateIndex":
        return _indexing_refusal(key, _arn(operation, request))
    return refused


def _indexing_refusal(key: str, index: str) -> kms_use.Refusal | None:
    found = kms.key_policy_for_arn(key)
    if found is None:
        return kms_use.Refusal("NotFoundException", f"Key '{key}' does not exist")
    policy, account = found
    context = iam_evaluator.EvalContext(
        principal_arn=INDEXING,
        principal_type="AWSService",
        principal_account=account,
        action=kms_use.DECRYPT,
        resource_arn=key,
        region=get_region(),
        service_context={
            "aws:sourcearn": index,
            "aws:sourceaccount": account,
            "kms:encryptioncontextkeys": kms_use.CONTEXT_KEYS[s3_vectors.NAME],
        },
    )
    decision = iam_evaluator.evaluate_resource_policy(policy, context, service=INDEXING).decision
    if decision == "Allow" or not app.AUTH:
        return None
    message = f"Insufficient access to perform asynchronous indexing: {INDEXING} may not use {key}"
    return kms_use.Refusal(kms_use.ACCESS_DENIED, message)


def _create_bucket(logical_id: str, props: Json, stack: str) -> cloudformation.Created:
    """Make a vector bucket as CloudFormation does."""
    _refuse_stack("CreateVectorBucket", cloudformation.bucket_request(logical_id, props, stack), stack)
    return cloudformation.create(logical_id, props, stack)


def _create_index(logical_id: str, props: Json, stack: str) -> cloudformation.Created:
    """Make an index as CloudFormation does."""
    _refuse_stack("CreateIndex", cloudformation.index_request(logical_id, props, stack), stack)
    return cloudformation.create_index(logical_id, props, stack)


def _refuse_stack(operation: str, request: Json, stack: str) -> None:
    """Fail a stack that may not use the key; one without a role may, but the service's indexing has to be allowed."""
    key, access_key = _key(operation, request), stack_roles.access_key(stack)
    refused: kms_use.Refusal | None = None
    if access_key:
        refused = _refusal(operation, request, key, lambda: access_key)
    elif key and operation == "CreateIndex":
        refused = _indexing_refusal(key, _arn(operation, request))
    if refused:
        raise ValueError(refused.message)


def _arn(operation: str, request: Json) -> str:
    return service.resource_arn(operation, request, get_account_id(), get_region())


def _error(refused: kms_use.Refusal) -> Reply:
    denied = refused.code == kms_use.ACCESS_DENIED
    # What KMS calls KMSInvalidStateException is KmsInvalidStateException here.
    code, status = (refused.code, 403) if denied else (f"Kms{refused.code.removeprefix('KMS')}", 400)
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, headers, json.dumps({"message": refused.message}).encode()
