"""What the tests of the local S3 Vectors share."""

from collections.abc import Callable
from typing import Any, Protocol

import pytest
from botocore.exceptions import ClientError

NewIndex = Callable[..., str]


class Client(Protocol):
    """A boto3 client: its methods are made at run time."""

    def __getattr__(self, name: str) -> Callable[..., Any]: ...


def refusal(call: Callable[..., Any], **parameters: object) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return dict(caught.value.response)


def code_and_status(call: Callable[..., Any], **parameters: object) -> tuple[str, int]:
    answer = refusal(call, **parameters)
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]
