"""S3 events on EventBridge: the object's version, and that none is lost.

The emulator's events lack `version-id` on a versioned bucket, give deleted objects a size that AWS leaves out, and
delete markers no etag (EventBridge user guide, "Amazon S3 Object Deleted"). It delivers them in threads, so that a
sudden end can keep an object and lose its event. Here an object and its event are there together.

Remove when ministack's events have AWS's fields and are stored together with the change that they announce.
"""

import json
from contextvars import ContextVar, copy_context
from typing import Any

from ministack.services import eventbridge, s3

type Json = dict[str, Any]

# A delete marker is an object without content: the MD5 of nothing.
EMPTY_ETAG = "d41d8cd98f00b204e9800998ecf8427e"

_version: ContextVar[str | None] = ContextVar("version of the object an event is about", default=None)


def apply() -> None:
    """Complete the events that S3 sends, and deliver each before the request that it is about is answered."""
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

    def deliver(
        bucket: str,
        key: str,
        event: str,
        size: int = 0,
        etag: str = "",
        deletion_type: str | None = None,
        **more: Any,
    ) -> None:
        if bucket in s3._bucket_notifications:
            sequencer = s3._next_event_sequencer(event)
            # What is delivered must not change the context of the request.
            fire_now = copy_context().run
            fire_now(s3._fire_s3_event, bucket, key, event, size, etag, deletion_type, sequencer=sequencer, **more)

    s3._fire_s3_event = fire_with_version
    s3._fire_s3_event_async = deliver
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
