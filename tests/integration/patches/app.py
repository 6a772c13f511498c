"""What the functions of the contract tests' stack do."""

import importlib.util
import json
import os
import subprocess
import sys
import time
import uuid
from typing import Any

import shared_by_layer  # type: ignore[import-not-found]  # lies in the layer that the tests make

PROCESS = uuid.uuid4().hex


class TransientError(Exception):
    pass


class BadDocumentError(Exception):
    pass


def step(event: Any, context: Any) -> Any:
    match event.get("do") if isinstance(event, dict) else None:
        case "refuse":
            raise BadDocumentError(event.get("because", ""))
        case "flicker":
            raise TransientError
        case "sleep":
            time.sleep(event["seconds"])
        case "spawn":
            subprocess.run(event["command"], check=True)
        case "exit":
            os._exit(3)
        case "print":
            print(event["text"])  # noqa: T201  # its log is what the test reads
        case "unserialisable":
            return {1, 2}
        case "describe":
            return _description(context)
    return event


def _description(context: Any) -> dict[str, Any]:
    suspects = ("ministack", "botocore", "numpy", "pip", "local")
    return {
        "environment": dict(os.environ),
        "importable": [name for name in suspects if importlib.util.find_spec(name)],
        "version": list(sys.version_info[:2]),
        "layer": shared_by_layer.NAME,
        "process": PROCESS,
        "context": {
            "name": context.function_name,
            "memory": context.memory_limit_in_mb,
            "arn": context.invoked_function_arn,
            "remaining": context.get_remaining_time_in_millis(),
            "request": context.aws_request_id,
        },
    }


def authorize(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    token = event["authorizationToken"]
    if token == "Bearer unknown":
        message = "Unauthorized"
        raise Exception(message)  # the one message that API Gateway answers with 401
    stage = "/".join(event["methodArn"].split("/")[:2])
    effect = "Deny" if token == "Bearer denied" else "Allow"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": f"{stage}/*"}
    return {
        "principalId": "acme",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"tenant_id": "acme", "invocation": uuid.uuid4().hex},
    }


def echo(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(event)}


def slow(event: dict[str, Any], context: Any) -> dict[str, Any]:
    time.sleep(float(event["body"]))
    return echo(event, context)
