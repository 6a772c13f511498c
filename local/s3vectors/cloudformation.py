"""CloudFormation's S3 Vectors resource types, made through the service's own API.

Physical ids (`Ref`) and attributes are those of the resource type schemas: a bucket's and an index's primary identifier
is its ARN, a bucket policy's is its bucket's ARN. Only tags and policies can change in place.
"""

import hashlib
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from local.s3vectors import service
from local.s3vectors.arns import Caller, bucket_arn, names_in
from local.s3vectors.errors import NotFoundError, ValidationError

_MAX_NAME = 63
_SUFFIX = 12

Created = tuple[str, dict[str, Any]]
"""Physical id and attributes of a resource."""


def create(logical_id: str, props: dict[str, Any], stack: str) -> Created:
    """Make an `AWS::S3Vectors::VectorBucket`.

    Raises:
        ServiceError: If the service refuses it.
    """
    arn = _perform("CreateVectorBucket", bucket_request(logical_id, props, stack))["vectorBucketArn"]
    return arn, _attributes(arn)


def bucket_request(logical_id: str, props: dict[str, Any], stack: str) -> dict[str, Any]:
    """The request for CreateVectorBucket that makes an `AWS::S3Vectors::VectorBucket`."""
    name = props.get("VectorBucketName") or generated_name(stack, logical_id)
    return {"vectorBucketName": name} | _encryption(props) | _tags(props)


def delete(physical_id: str, props: dict[str, Any]) -> None:  # noqa: ARG001 - the signature that CloudFormation calls
    """Delete a vector bucket; one that is gone already is no failure.

    Raises:
        ConflictError: If it still holds an index, as on AWS.
    """
    _gone("DeleteVectorBucket", {"vectorBucketArn": physical_id})


def create_index(logical_id: str, props: dict[str, Any], stack: str) -> Created:
    """Make an `AWS::S3Vectors::Index`.

    Raises:
        ServiceError: If the service refuses it.
    """
    arn = _perform("CreateIndex", index_request(logical_id, props, stack))["indexArn"]
    return arn, _attributes(arn)


def index_request(logical_id: str, props: dict[str, Any], stack: str) -> dict[str, Any]:
    """The request for CreateIndex that makes an `AWS::S3Vectors::Index`."""
    name = props.get("IndexName") or generated_name(stack, logical_id)
    request: dict[str, Any] = {
        **_bucket(props),
        "indexName": name,
        "dataType": props["DataType"],
        "dimension": int(props["Dimension"]),
        "distanceMetric": props["DistanceMetric"],
        **_encryption(props),
        **_tags(props),
    }
    non_filterable = props.get("MetadataConfiguration", {}).get("NonFilterableMetadataKeys")
    if non_filterable:
        request["metadataConfiguration"] = {"nonFilterableMetadataKeys": non_filterable}
    return request


def delete_index(physical_id: str, props: dict[str, Any]) -> None:  # noqa: ARG001 - the signature that CloudFormation calls
    """Delete an index and its vectors; one that is gone already is no failure."""
    _gone("DeleteIndex", {"indexArn": physical_id})


def update(physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack: str) -> Created:  # noqa: ARG001 - as CloudFormation calls it
    """Bring the tags of a bucket or an index up to date; nothing else of them can change.

    Raises:
        ValidationError: If something else has changed.
    """
    for name in sorted((old_props.keys() | new_props.keys()) - {"Tags"}):
        if old_props.get(name) != new_props.get(name):
            message = f"{name} of {physical_id} cannot change: give the resource another logical id and name"
            raise ValidationError(message)
    wanted = _tags(new_props).get("tags", {})
    gone = [key for key in _tags(old_props).get("tags", {}) if key not in wanted]
    if gone:
        _perform("UntagResource", {"resourceArn": physical_id, "tagKeys": gone})
    if wanted:
        _perform("TagResource", {"resourceArn": physical_id, "tags": wanted})
    return physical_id, _attributes(physical_id)


def create_policy(logical_id: str, props: dict[str, Any], stack: str) -> Created:  # noqa: ARG001 - as CloudFormation calls it
    """Make an `AWS::S3Vectors::VectorBucketPolicy`.

    Raises:
        ServiceError: If the service refuses it.
    """
    policy = props["Policy"]
    text = policy if isinstance(policy, str) else json.dumps(policy)
    _perform("PutVectorBucketPolicy", _bucket(props) | {"policy": text})
    return _bucket_arn(props), {}


def update_policy(physical_id: str, old_props: dict[str, Any], new_props: dict[str, Any], stack: str) -> Created:  # noqa: ARG001 - as CloudFormation calls it
    """Replace a bucket's policy.

    Raises:
        ServiceError: If the service refuses it.
    """
    return create_policy("", new_props, stack)


def delete_policy(physical_id: str, props: dict[str, Any]) -> None:  # noqa: ARG001 - the signature that CloudFormation calls
    """Take a bucket's policy away; a bucket that is gone already is no failure."""
    _gone("DeleteVectorBucketPolicy", {"vectorBucketArn": physical_id})


def generated_name(stack: str, logical_id: str) -> str:
    """The name of a resource whose template gives none: stack, logical id and a suffix that keeps cut names apart."""
    suffix = hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()[:_SUFFIX]
    readable = f"{stack}-{logical_id}".lower()[: _MAX_NAME - _SUFFIX - 1].rstrip("-")
    return f"{readable}-{suffix}"


def _attributes(arn: str) -> dict[str, str]:
    _, index = names_in(arn)
    if index is None:
        bucket = _perform("GetVectorBucket", {"vectorBucketArn": arn})["vectorBucket"]
        return {"VectorBucketArn": arn, "CreationTime": _iso(bucket["creationTime"])}
    return {"IndexArn": arn, "CreationTime": _iso(_perform("GetIndex", {"indexArn": arn})["index"]["creationTime"])}


def _gone(operation: str, request: dict[str, Any]) -> None:
    with suppress(NotFoundError):
        _perform(operation, request)


def _perform(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    return service.engine().perform(operation, request, _caller())


def _caller() -> Caller:
    return service.current_caller()


def _bucket(props: dict[str, Any]) -> dict[str, str]:
    names = {"VectorBucketArn": "vectorBucketArn", "VectorBucketName": "vectorBucketName"}
    return {names[name]: props[name] for name in names if name in props}


def _bucket_arn(props: dict[str, Any]) -> str:
    return str(props.get("VectorBucketArn") or bucket_arn(_caller(), props["VectorBucketName"]))


def _encryption(props: dict[str, Any]) -> dict[str, Any]:
    names = {"SseType": "sseType", "KmsKeyArn": "kmsKeyArn"}
    given = props.get("EncryptionConfiguration", {})
    return {"encryptionConfiguration": {names[name]: value for name, value in given.items()}} if given else {}


def _tags(props: dict[str, Any]) -> dict[str, dict[str, str]]:
    tags = {tag["Key"]: tag["Value"] for tag in props.get("Tags", [])}
    return {"tags": tags} if tags else {}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
