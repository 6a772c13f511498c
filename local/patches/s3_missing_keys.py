"""S3 tells who may list a bucket that an object is missing, and denies it to everybody else.

GetObject, HeadObject and CopyObject answer 404 for an object that is not there only to callers with `s3:ListBucket` for
the bucket, and 403 to others (S3 API reference, HeadObject, "Permissions"). The request names no prefix, so that a
right to list below one prefix, by a condition on `s3:prefix`, is not enough. The emulator answers 404 to everybody.

Remove when ministack's S3 answers 403 for missing keys to callers without `s3:ListBucket`.
"""

import re
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import s3

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

NOT_FOUND = 404
LIST = "s3:ListBucket"
COPY_SOURCE = "x-amz-copy-source"
_MISSING = re.compile(rb"<Code>(NoSuchKey|NoSuchVersion)</Code>")


def apply() -> None:
    """Deny what is missing to those who may not list."""
    dispatch = s3._dispatch  # the emulator has no public hooks

    def dispatch_to_lister(method: str, bucket: str, key: str, headers: Json, body: bytes, query: Json) -> Reply:
        reply: Reply = dispatch(method, bucket, key, headers, body, query)
        status, _, answer = reply
        read = _bucket_read(method, bucket, key, headers)
        if status != NOT_FOUND or read is None or not _MISSING.search(answer) or not app.AUTH:
            return reply
        caller = s3._request_access_key(method, key, headers, query, body)
        return _denial(caller, read) or reply

    s3._dispatch = dispatch_to_lister


def _bucket_read(method: str, bucket: str, key: str, headers: Json) -> str | None:
    """The bucket that a request reads an object from, or None where it reads none."""
    if method == "PUT" and COPY_SOURCE in headers:
        return unquote(headers[COPY_SOURCE]).lstrip("/").partition("/")[0]
    return bucket if key and method in {"GET", "HEAD"} else None


def _denial(access_key: str, bucket: str) -> Reply | None:
    if not access_key:  # the cloud itself
        return None
    arn = f"arn:aws:s3:::{bucket}"
    result = iam_evaluator.enforce(access_key, LIST, "s3", get_region(), resource_arn=arn)
    if result is None:
        return None
    who = getattr(result, "principal_arn", "anonymous")
    message = f'User: {who} is not authorized to perform: {LIST} on resource: "{arn}"'
    reply: Reply = s3._error("AccessDenied", message, 403)
    return reply
