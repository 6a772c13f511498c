"""Amazon S3 Vectors: registers `local.s3vectors` as a service of the emulator, on the same port and behind IAM.

Remove when ministack has S3 Vectors with hybrid search, metadata filters and IAM.
"""

import json
import sqlite3
import sys
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

from local.s3vectors import cloudformation, service
from local.settings import CloudSettings
from local.snapshots.store import StateError, damaged

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

NAME = "s3vectors"
RESOURCE_TYPES = {
    "AWS::S3Vectors::VectorBucket": {
        "create": cloudformation.create,
        "update": cloudformation.update,
        "delete": cloudformation.delete,
    },
    "AWS::S3Vectors::Index": {
        "create": cloudformation.create_index,
        "update": cloudformation.update,
        "delete": cloudformation.delete_index,
    },
    "AWS::S3Vectors::VectorBucketPolicy": {
        "create": cloudformation.create_policy,
        "update": cloudformation.update_policy,
        "delete": cloudformation.delete_policy,
    },
}


def apply(settings: CloudSettings) -> None:
    """Make the service reachable, persistent, authorised and deployable.

    Raises:
        StateError: its database is damaged.
    """
    try:
        service.configure(settings.data / NAME, settings.botocore_data)
    except sqlite3.DatabaseError as error:
        message = damaged(settings.data / NAME, error)
        raise StateError(message) from error
    sys.modules[f"ministack.services.{NAME}"] = service
    app.SERVICE_REGISTRY[NAME] = {"module": NAME}
    app.SERVICE_HANDLERS[NAME] = handle_request
    app._state_map[NAME] = NAME
    router.SERVICE_PATTERNS[NAME] = {"host_patterns": [r"s3vectors\."]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE[NAME] = NAME
    provisioners._RESOURCE_HANDLERS.update(RESOURCE_TYPES)
    _authorise()


def _authorise() -> None:
    emulated_action = iam_actions.extract_iam_action
    emulated_resource = iam_actions.extract_resource_arn

    def action(name: str, method: str, path: str, *rest: Any) -> str | None:
        if name == NAME:
            return f"{NAME}:{service.operation(method, path) or 'Unknown'}"
        found: str | None = emulated_action(name, method, path, *rest)
        return found

    def resource(name: str, method: str, path: str, headers: Json, body: bytes, *rest: Any) -> str:
        operation = service.operation(method, path) if name == NAME else None
        if operation:
            region, account = rest[-2:]
            return str(service.resource_arn(operation, parameters(path, body), account, region))
        return str(emulated_resource(name, method, path, headers, body, *rest))

    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = resource


async def handle_request(method: str, path: str, headers: Json, body: bytes, query: Json) -> Reply:
    """Answer a request that IAM has allowed, after asking for the further actions that its parameters need."""
    operation = service.operation(method, path)
    if operation and app.AUTH:
        denied = _denied(operation, headers, parameters(path, body), query)
        if denied:
            return denied
    reply: Reply = await service.handle_request(method, path, headers, body, query)
    return reply


def _denied(operation: str, headers: Json, request: Json, query: Json) -> Reply | None:
    account, region = get_account_id(), get_region()
    resource = service.resource_arn(operation, request, account, region)
    access_key = router.extract_access_key_id(headers, query)
    for action in service.additional_actions(operation, request):
        result = iam_evaluator.enforce(access_key, action, NAME, region, resource_arn=resource)
        if result is not None:
            message = f"User: {result.principal_arn} is not authorized to perform: {action} on resource: {resource}"
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "AccessDeniedException"}
            return 403, headers, json.dumps({"message": message}).encode()
    return None


def parameters(path: str, body: bytes) -> Json:
    """The request's parameters that say what it is about."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        request = {}  # the service refuses it
    given = request if isinstance(request, dict) else {}
    _, tags, resource = path.partition("/tags/")
    return {**given, "resourceArn": unquote(resource)} if tags else given
