"""Real clients whose requests are answered in this process."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any, cast

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HeadersDict

from onggi.adapters.aws import AwsSession

Answer = Callable[[AWSPreparedRequest], tuple[int, dict[str, str], bytes]]


class _Body(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def session_answered_by(service: str, answer: Answer) -> AwsSession:
    """A session whose clients of a service ask the given function instead of the network."""
    session = AwsSession({"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": "test"})
    session._session.set_config_variable("region", "us-east-1")

    def respond(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        status, headers, content = answer(request)
        return AWSResponse(request.url, status, cast("Any", HeadersDict(headers)), _Body(content))

    events = session._session.get_component("event_emitter")  # every client that is made later has these, too
    events.register_first(f"before-send.{service}.*", respond)
    return session


def as_json(status: int, content: dict[str, Any], error: str | None = None) -> tuple[int, dict[str, str], bytes]:
    headers = {"content-type": "application/json"} | ({"x-amzn-errortype": error} if error else {})
    return status, headers, json.dumps(content).encode()
