"""`aws:ResourceAccount` of S3: the account that owns the bucket.

The ARN of a bucket has no account. The emulator then takes the caller's own, so that a policy could not tell another
account's bucket (IAM user guide, "AWS global condition context keys").

Remove when ministack fills `aws:ResourceAccount` with the owner of a bucket.
"""

from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext
from ministack.services import s3

KEYS = {"aws:resourceaccount", "s3:resourceaccount"}
BUCKETS = "arn:aws:s3:::"


def apply() -> None:
    """Answer the key with the bucket's owner."""
    resolve = iam_evaluator._resolve_condition_key  # the emulator has no public hooks

    def resolve_with_owner(key: str, ctx: EvalContext) -> Any:
        if key.lower() in KEYS and ctx.resource_arn.startswith(BUCKETS):
            bucket = ctx.resource_arn.removeprefix(BUCKETS).partition("/")[0]
            return s3._bucket_owner_account(bucket) or resolve(key, ctx)
        return resolve(key, ctx)

    iam_evaluator._resolve_condition_key = resolve_with_owner
