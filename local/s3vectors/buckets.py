"""The operations on vector buckets, their policies and tags."""

import json
import re
import time
from typing import Any

from local.s3vectors.arns import Caller, bucket_arn, names_in, requested_bucket
from local.s3vectors.database import Database
from local.s3vectors.errors import ConflictError, NotFoundError, QuotaExceededError, invalid
from local.s3vectors.records import Bucket
from local.s3vectors.tokens import next_token, position_in

MAX_BUCKETS = 10_000
"""Vector buckets of an account in a region; this and the tags by the S3 Vectors documentation."""

MAX_TAGS = 50
"""Tags of a bucket or an index."""

BUCKET_NOT_FOUND = "The specified vector bucket could not be found"
INDEX_MODE = "ENHANCED"
"""The mode of every bucket and index here: `CLASSIC` is for buckets created before 2026-09-30."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_PAGE = 500


class BucketOperations:
    """Answers the operations whose names its `handlers` give; each takes validated parameters and the caller."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.handlers = {
            "CreateVectorBucket": self.create,
            "GetVectorBucket": self.get,
            "ListVectorBuckets": self.list,
            "DeleteVectorBucket": self.delete,
            "PutVectorBucketDefaultIndexMode": self.put_default_index_mode,
            "PutVectorBucketPolicy": self.put_policy,
            "GetVectorBucketPolicy": self.get_policy,
            "DeleteVectorBucketPolicy": self.delete_policy,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

    def create(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Create a bucket."""
        name = parameters["vectorBucketName"]
        if not _NAME.fullmatch(name):
            raise invalid(
                "/vectorBucketName", "A vector bucket name has 3 to 63 lowercase letters, digits and inner hyphens"
            )
        bucket = Bucket(
            bucket_arn(caller, name), name, _owner(caller), time.time(), encryption(parameters) or {"sseType": "AES256"}
        )
        if self._database.bucket_count(bucket.owner) >= MAX_BUCKETS:
            message = f"An account can have at most {MAX_BUCKETS} vector buckets in a region"
            raise QuotaExceededError(message)
        if not self._database.add_bucket(bucket, checked_tags(parameters.get("tags", {}))):
            message = "A vector bucket with the specified name already exists"
            raise ConflictError(message)
        return {"vectorBucketArn": bucket.arn}

    def get(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Describe a bucket."""
        bucket = existing_bucket(self._database, requested_bucket(parameters, caller))
        described = _summary(bucket) | {"encryptionConfiguration": bucket.encryption, "defaultIndexMode": INDEX_MODE}
        return {"vectorBucket": described}

    def list(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """One page of the caller's buckets, by name."""
        limit = parameters.get("maxResults", _PAGE)
        after = position_in("ListVectorBuckets", parameters, "")
        buckets = self._database.buckets(_owner(caller), parameters.get("prefix", ""), after, limit + 1)
        page: dict[str, Any] = {"vectorBuckets": [_summary(bucket) for bucket in buckets[:limit]]}
        if len(buckets) > limit:
            page["nextToken"] = next_token("ListVectorBuckets", parameters, buckets[limit - 1].name)
        return page

    def delete(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete an empty bucket."""
        bucket = existing_bucket(self._database, requested_bucket(parameters, caller))
        if not self._database.remove_bucket(bucket.arn):
            message = "The specified vector bucket is not empty: delete its vector indexes first"
            raise ConflictError(message)
        return {}

    def put_default_index_mode(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Confirm the only mode that a new bucket can have."""
        existing_bucket(self._database, requested_bucket(parameters, caller))
        check_index_mode("/defaultIndexMode", parameters["defaultIndexMode"])
        return {}

    def put_policy(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Store a bucket policy; it is not evaluated here."""
        bucket = existing_bucket(self._database, requested_bucket(parameters, caller))
        try:
            document = json.loads(parameters["policy"])
        except ValueError as error:
            raise invalid("/policy", f"The policy is not valid JSON: {error}") from error
        if not isinstance(document, dict) or not document.get("Statement"):
            raise invalid("/policy", "The policy must be a JSON object with a Statement")
        self._database.set_policy(bucket.arn, parameters["policy"])
        return {}

    def get_policy(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Return a bucket's policy."""
        bucket = existing_bucket(self._database, requested_bucket(parameters, caller))
        if bucket.policy is None:
            message = "The specified vector bucket policy could not be found"
            raise NotFoundError(message)
        return {"policy": bucket.policy}

    def delete_policy(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Take a bucket's policy away, if it has one."""
        self._database.set_policy(existing_bucket(self._database, requested_bucket(parameters, caller)).arn, None)
        return {}

    def tag(self, parameters: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """Add or change tags of a bucket or an index."""
        arn = self._tagged(parameters)
        checked_tags(self._database.tags(arn) | parameters["tags"])
        self._database.set_tags(arn, parameters["tags"])
        return {}

    def untag(self, parameters: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """Remove tags of a bucket or an index."""
        self._database.remove_tags(self._tagged(parameters), parameters["tagKeys"])
        return {}

    def list_tags(self, parameters: dict[str, Any], _caller: Caller) -> dict[str, Any]:
        """The tags of a bucket or an index."""
        return {"tags": self._database.tags(self._tagged(parameters))}

    def _tagged(self, parameters: dict[str, Any]) -> str:
        arn: str = parameters["resourceArn"]
        _, index = names_in(arn)
        if (self._database.bucket(arn) if index is None else self._database.index(arn)) is None:
            message = "The specified resource could not be found"
            raise NotFoundError(message)
        return arn


def existing_bucket(database: Database, arn: str) -> Bucket:
    """The bucket with this ARN.

    Raises:
        NotFoundError: If there is none.
    """
    bucket = database.bucket(arn)
    if bucket is None:
        raise NotFoundError(BUCKET_NOT_FOUND)
    return bucket


def encryption(parameters: dict[str, Any]) -> dict[str, str] | None:
    """The encryption that a create request asks for, if it does.

    Raises:
        ValidationError: If it names a key without `aws:kms`, or `aws:kms` without a key.
    """
    configuration: dict[str, str] = parameters.get("encryptionConfiguration", {})
    if not configuration:
        return None
    sse_type = configuration.get("sseType", "AES256")
    if (sse_type == "aws:kms") != ("kmsKeyArn" in configuration):
        raise invalid("/encryptionConfiguration/kmsKeyArn", "kmsKeyArn must be given if and only if sseType is aws:kms")
    return configuration | {"sseType": sse_type}


def checked_tags(tags: dict[str, str]) -> dict[str, str]:
    """The tags, if AWS accepts that many by these names.

    Raises:
        ValidationError: If there are more than 50, or one is reserved.
    """
    if len(tags) > MAX_TAGS:
        raise invalid("/tags", f"A resource can have at most {MAX_TAGS} tags")
    if any(key.lower().startswith("aws:") for key in tags):
        raise invalid("/tags", "Tag keys that start with aws: are reserved")
    return tags


def check_index_mode(path: str, mode: str) -> None:
    """Refuse the mode that new buckets cannot have.

    Raises:
        ValidationError: If `mode` is CLASSIC.
    """
    if mode != INDEX_MODE:
        raise invalid(path, f"{mode} is available only in vector buckets created before September 30, 2026")


def _owner(caller: Caller) -> str:
    return f"{caller.account}:{caller.region}"


def _summary(bucket: Bucket) -> dict[str, Any]:
    return {"vectorBucketName": bucket.name, "vectorBucketArn": bucket.arn, "creationTime": bucket.created}
