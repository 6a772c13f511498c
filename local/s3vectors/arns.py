"""Amazon Resource Names of vector buckets and vector indexes."""

import re
from dataclasses import dataclass
from typing import Any

from local.s3vectors.errors import invalid

_ARN = re.compile(
    r"arn:(?P<partition>aws[-a-z0-9]*):s3vectors:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":bucket/(?P<bucket>[a-z0-9.-]+)(?:/index/(?P<index>[a-z0-9.-]+))?"
)


@dataclass(frozen=True)
class Caller:
    """The account and region on whose behalf a request is answered."""

    account: str
    region: str


def bucket_arn(caller: Caller, bucket: str) -> str:
    """The ARN of the vector bucket that `caller` names."""
    return f"arn:aws:s3vectors:{caller.region}:{caller.account}:bucket/{bucket}"


def index_arn(bucket: str, index: str) -> str:
    """The ARN of an index in the vector bucket whose ARN is `bucket`."""
    return f"{bucket}/index/{index}"


def bucket_of(arn: str) -> str:
    """The ARN of the bucket that holds the index `arn`, or `arn` itself if it is a bucket's."""
    return arn.partition("/index/")[0]


def names_in(arn: str) -> tuple[str, str | None]:
    """The bucket name and, for an index, the index name.

    Raises:
        ValidationError: If `arn` is neither a vector bucket's nor an index's.
    """
    match = _ARN.fullmatch(arn)
    if not match:
        raise invalid("/resourceArn", f"Not the ARN of a vector bucket or a vector index: {arn}")
    return match["bucket"], match["index"]


def requested_bucket(parameters: dict[str, Any], caller: Caller) -> str:
    """The ARN of the bucket that a request names by exactly one of name and ARN.

    Raises:
        ValidationError: If it gives none or both.
    """
    name, arn = parameters.get("vectorBucketName"), parameters.get("vectorBucketArn")
    if (name is None) == (arn is None):
        raise invalid("/vectorBucketName", "Must specify either vectorBucketName or vectorBucketArn but not both")
    return str(arn) if arn is not None else bucket_arn(caller, str(name))


def requested_index(parameters: dict[str, Any], caller: Caller) -> str:
    """The ARN of the index that a request names, by its ARN or by the names of its bucket and itself.

    Raises:
        ValidationError: If it gives neither, both, or half of the names.
    """
    bucket, name, arn = (parameters.get(key) for key in ("vectorBucketName", "indexName", "indexArn"))
    by_name = bucket is not None and name is not None
    if (arn is None) != by_name or (arn is not None and (bucket is not None or name is not None)):
        raise invalid("/indexArn", "Must specify either indexArn or both vectorBucketName and indexName")
    return str(arn) if arn is not None else index_arn(bucket_arn(caller, str(bucket)), str(name))
