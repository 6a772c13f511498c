"""STS AssumeRole: permission to tag the session, the hour that a chained session lasts, the letters of its policy.

The emulator checks `sts:TagSession` in the role's trust policy only, not in the caller's own policies, and lets a
session assume a role for longer than one hour (IAM user guide, "Pass session tags in AWS STS" and "Role chaining"). It
takes a session policy with any characters, of which STS takes those up to U+00FF only (STS API reference, AssumeRole).

Remove when ministack checks `sts:TagSession` in the caller's policies, the hour of chained sessions and the
characters of a policy.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from ministack import app
from ministack.core import iam_evaluator, router
from ministack.core.responses import get_region
from ministack.services import sts

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

MAX_CHAINED_SECONDS = 3600
_POLICY = re.compile(r"[\u0009\u000A\u000D\u0020-\u00FF]*")


def apply() -> None:
    """Check role assumptions further before STS answers."""

    async def handle_request(method: str, path: str, headers: Json, body: bytes, query: Json) -> Reply:
        request = dict(parse_qsl(body.decode("utf-8", errors="replace")))
        refusal = _refusal(request, headers, query) if request.get("Action") == "AssumeRole" else None
        reply: Reply = refusal or await sts.handle_request(method, path, headers, body, query)
        return reply

    app.SERVICE_HANDLERS["sts"] = handle_request


def _refusal(request: Json, headers: Json, query: Json) -> Reply | None:
    access_key = router.extract_access_key_id(headers, query)
    role = request.get("RoleArn", "")
    if access_key in sts._sessions and int(request.get("DurationSeconds", "0")) > MAX_CHAINED_SECONDS:
        message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"
        return _error(400, "ValidationError", message)
    if not _POLICY.fullmatch(request.get("Policy", "")):
        message = "1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must satisfy "
        return _error(
            400, "ValidationError", message + "regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
        )
    tags = {
        value: request.get(name.removesuffix("Key") + "Value", "")
        for name, value in request.items()
        if name.startswith("Tags.member.") and name.endswith(".Key")
    }
    if not (tags and app.AUTH):
        return None
    context = {"aws:TagKeys": list(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}
    denied = iam_evaluator.enforce(
        access_key, "sts:TagSession", "sts", get_region(), resource_arn=role, service_context=context
    )
    if denied is None:
        return None
    message = f"User: {denied.principal_arn} is not authorized to perform: sts:TagSession on resource: {role}"
    return _error(403, "AccessDenied", message)


def _error(status: int, code: str, message: str) -> Reply:
    reply: Reply = sts._error(status, code, message, ns="sts")
    return reply
