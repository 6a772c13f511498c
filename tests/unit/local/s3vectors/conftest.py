"""A real boto3 client whose requests end in the local S3 Vectors instead of on the network."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict
from botocore.config import Config

from local.s3vectors import service
from tests.unit.local.s3vectors.support import Client, NewIndex

BUCKET = "shared-bucket"


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> Iterator[bytes]:
        yield self._content


def _answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
    url, method = urlsplit(request.url), str(request.method)
    body = request.body or b""
    assert isinstance(body, str | bytes)
    engine = service.engine()
    sent = body.encode() if isinstance(body, str) else body
    status, headers, content = engine.answer(method, url.path, parse_qs(url.query), sent, service.current_caller())
    if status == 200:
        operation = service.operation(method, url.path)
        assert operation is not None
        assert engine.api.output_violations(operation, json.loads(content)) == []
    return AWSResponse(request.url, status, cast("Any", HeadersDict(headers)), _Body(content))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("s3vectors")
    service.configure(directory, Path(botocore.__file__).parent / "data")
    return directory


@pytest.fixture(scope="session")
def client(served: Path) -> Client:  # noqa: ARG001 - the service has to be there first
    made = boto3.client(
        "s3vectors",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            parameter_validation=False, retries={"total_max_attempts": 1}
        ),  # the server must refuse by itself
    )
    cast("Any", made.meta.events).register("before-send.s3vectors.*", _answer)
    made.create_vector_bucket(vectorBucketName=BUCKET)
    return cast("Client", made)


@pytest.fixture(scope="session")
def new_index(client: Client) -> NewIndex:
    numbers = itertools.count()

    def make(**settings: object) -> str:
        defaults = {
            "indexName": f"index-{next(numbers)}",
            "dimension": 2,
            "distanceMetric": "cosine",
            "dataType": "float32",
        }
        created: dict[str, str] = client.create_index(vectorBucketName=BUCKET, **(defaults | settings))
        return created["indexArn"]

    return make
