"""S3 objects encrypted with a KMS key: who writes or reads them needs the right to use the key.

The emulator stores the key's name and asks nobody. By the S3 API reference and user guide ("Using server-side
encryption with AWS KMS keys"): what starts an object needs `kms:GenerateDataKey`; what reads one, and every part and
the completion of a multipart upload, needs `kms:Decrypt`. A bucket key spares calls to KMS, no permission.

Remove when ministack's S3 asks KMS with the caller's permissions.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from ministack.services import s3

from local.patches import kms_use

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

ALGORITHM = "x-amz-server-side-encryption"
KEY = "x-amz-server-side-encryption-aws-kms-key-id"

# Finds the access key of the request that this thread answers. No context variable: what an upload starts in other
# threads inherits those, and would go on with the uploader's permissions.
_answering = threading.local()


def apply() -> None:
    """Ask KMS before S3 encrypts or decrypts."""
    _know_the_caller()
    _ask_before_writing()
    # These three see what is read already, because of keys that the customer provides with each request.
    for name in ("_check_sse_read_headers", "_check_sse_c_copy_source", "_check_sse_c_part"):
        setattr(s3, name, _asking_before_reading(getattr(s3, name)))  # the emulator has no public hooks


def _know_the_caller() -> None:
    dispatch = s3._dispatch

    def dispatch_for_caller(method: str, bucket: str, key: str, headers: Json, body: bytes, query: Json) -> Reply:
        _answering.access_key = partial(s3._request_access_key, method, key, headers, query, body)
        try:
            reply: Reply = dispatch(method, bucket, key, headers, body, query)
        finally:
            _answering.access_key = None
        return reply

    s3._dispatch = dispatch_for_caller


def _ask_before_writing() -> None:
    resolve = s3._resolve_sse_write_headers

    def resolve_usable(headers: Json, bucket: str) -> tuple[Json | None, Reply | None]:
        resolved, error = resolve(headers, bucket)
        if error or not resolved or resolved.get(ALGORITHM) != "aws:kms" or KEY not in resolved:
            return resolved, error
        refused = _refusal(resolved[KEY], kms_use.GENERATE_DATA_KEY)
        if refused:
            return None, refused
        # Aliases move, so an object remembers the key itself.
        return {**resolved, KEY: kms_use.key_arn(resolved[KEY])}, None

    s3._resolve_sse_write_headers = resolve_usable


def _asking_before_reading(check: Callable[..., Reply | None]) -> Callable[..., Reply | None]:
    def check_readable(headers: Json, stored: Json, *rest: Any) -> Reply | None:
        error = check(headers, stored, *rest)
        key = (stored.get("preserved_headers") or {}).get(KEY)
        if error or not key:
            return error
        # HeadObject comes here, too: AWS documents the permission for its checksums and does not say that everything
        # else is free of it, so that it is asked for always.
        return _refusal(key, kms_use.DECRYPT)

    return check_readable


def _refusal(key: str, action: str) -> Reply | None:
    access_key = getattr(_answering, "access_key", None)
    if access_key is None:  # the cloud itself, such as a state machine that reads its items
        return None
    refused = kms_use.refusal("s3", key, [action], access_key)
    if refused is None:
        return None
    denied = refused.code == kms_use.ACCESS_DENIED
    code, status = ("AccessDenied", 403) if denied else (f"KMS.{refused.code}", 400)
    reply: Reply = s3._error(code, refused.message, status)
    return reply
