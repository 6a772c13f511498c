"""S3 Vectors as a service of the local cloud: what its launcher plugs in."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from local.s3vectors.arns import Caller, bucket_arn, index_arn
from local.s3vectors.engine import Answer, Engine

DEFAULT_CALLER = Caller(account="000000000000", region="us-east-1")
"""Who calls when no emulator says otherwise; the same defaults as the emulator's."""

_engine: Engine | None = None


def configure(database_directory: Path, botocore_data: Path) -> None:
    """Open the service; call it before anything else, and again to serve another folder.

    Args:
        database_directory: Where the database file lives; made if it is missing.
        botocore_data: The `data` folder of a botocore of 1.44.5 or newer.

    Raises:
        botocore.exceptions.UnknownServiceError: If the folder has no S3 Vectors model.
    """
    global _engine  # noqa: PLW0603 - the emulator plugs in modules, so the service it serves is the module's
    if _engine is not None:
        _engine.close()
    _engine = Engine(database_directory, botocore_data)


def engine() -> Engine:
    """The configured engine.

    Raises:
        RuntimeError: If `configure` has not been called.
    """
    if _engine is None:
        message = "The S3 Vectors service is not configured: call configure() first"
        raise RuntimeError(message)
    return _engine


def current_caller() -> Caller:
    """Account and region of the request being answered, which the emulator keeps in context variables."""
    responses = sys.modules.get("ministack.core.responses")
    if responses is None:
        return DEFAULT_CALLER
    return Caller(responses.get_account_id(), responses.get_region())


async def handle_request(
    method: str,
    path: str,
    headers: dict[str, str],  # noqa: ARG001 - the emulator has read account and region from them already
    body: bytes,
    query_params: dict[str, list[str]],
) -> Answer:
    """Answer one HTTP request; the work happens in a thread, the event loop stays free."""
    return await asyncio.to_thread(engine().answer, method, path, query_params, body, current_caller())


def reset() -> None:
    """Forget every bucket."""
    engine().clear()


def get_state() -> dict[str, Any]:
    """Nothing to hand to the emulator: the database file is the state."""
    return {}


def load_persisted_state(data: dict[str, Any]) -> None:
    """Nothing to take from the emulator: the database file is the state."""


def operation(method: str, path: str) -> str | None:
    """The API operation that a request asks for, or None if there is none."""
    call = engine().api.route(method, path)
    return call.operation if call else None


def resource_arn(operation: str, body: dict[str, Any], account: str, region: str) -> str:
    """The ARN that a request's authorisation is about: an index, a bucket, or `*` for the list of buckets.

    Args:
        operation: The API operation.
        body: The request's parameters, for a tag operation its `resourceArn` included.
        account: Account of the caller.
        region: Region of the request.
    """
    if operation == "ListVectorBuckets":
        return "*"
    for given in ("resourceArn", "indexArn"):
        if given in body:
            return str(body[given])
    bucket = str(
        body.get("vectorBucketArn") or bucket_arn(Caller(account, region), str(body.get("vectorBucketName", "")))
    )
    return index_arn(bucket, str(body["indexName"])) if "indexName" in body else bucket


def additional_actions(operation: str, body: dict[str, Any]) -> list[str]:
    """The IAM actions that a request needs beside the operation's own, by the service model's documentation."""
    if operation == "QueryVectors" and any(body.get(name) for name in ("filter", "queryTexts", "returnMetadata")):
        return ["s3vectors:GetVectors"]
    if operation == "ListVectors" and any(body.get(name) for name in ("returnData", "returnMetadata")):
        return ["s3vectors:GetVectors"]
    if operation in {"CreateVectorBucket", "CreateIndex"} and body.get("tags"):
        return ["s3vectors:TagResource"]
    return []
