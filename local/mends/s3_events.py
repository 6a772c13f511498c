"""S3 events on EventBridge: the object's version.

The emulator's events lack `version-id` on a versioned bucket, give deleted objects a size that AWS leaves out, and
delete markers no etag (EventBridge user guide, "Amazon S3 Object Deleted").
"""

import json
from contextvars import ContextVar
from typing import Any

from ministack.services import eventbridge, s3

type Json = dict[str, Any]

# A delete marker is an object without content: the MD5 of nothing.
EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"

_version: ContextVar[str | None] = ContextVar("version of the object an event is about", default=None)


def apply() -> None:
    """Complete the events that S3 sends."""
    fire = s3._fire_s3_event
    dispatch = eventbridge._dispatch_event

    def fire_with_version(*args: Any, version_id: str | None = None, **kwargs: Any) -> None:
        token = _version.set(version_id)
        try:
            fire(*args, version_id=version_id, **kwargs)
        finally:
            _version.reset(token)

    def dispatch_with_version(event: Json, *rest: Any) -> Any:
        if event.get("Source") == "aws.s3":
            event = {**event, "Detail": json.dumps(_completed(json.loads(event["Detail"]), event["DetailType"]))}
        return dispatch(event, *rest)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version


def _completed(detail: Json, kind: str) -> Json:
    version = _version.get()
    described = dict(detail["object"])
    if version:
        described["version-id"] = version
    if kind == "Object Deleted":
        described.pop("size", None)
    if detail.get("deletion-type") == "Delete Marker Created":
        described["etag"] = EMPTY_ETAG
    return {**detail, "object": described}
