"""Clients that note the requests which an adapter makes, as botocore has checked them, and answer them from a list."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from onggi.adapters.aws import AwsSession

Requests = list[tuple[str, dict[str, Any]]]


class RecordedAws:
    """A session whose operations are answered by what the test gives, in order, the last one repeatedly.

    An answer may be a function of the request.

    Attributes:
        requests: the operations asked for and the parameters of each.
        errors: codes and messages of errors that operations end with, by their names.
    """

    def __init__(self, services: Sequence[str], **answers: Any) -> None:
        self.requests: Requests = []
        self.errors: dict[str, tuple[str, str]] = {}
        self._answers = {name: list(given) if isinstance(given, list) else [given] for name, given in answers.items()}
        self.session = AwsSession({"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": "test"})
        self.session._session.set_config_variable("region", "us-east-1")
        for service in services:
            events = self.session.client(service).meta.events
            events.register_first("before-parameter-build.*.*", self._note)
            events.register_first("before-call.*.*", self._answer)

    def _note(self, params: Mapping[str, Any], model: Any, **_: object) -> None:
        self.requests.append((model.name, dict(params)))

    def _answer(self, model: Any, **_: object) -> tuple[Any, dict[str, Any]]:
        if model.name in self.errors:
            code, message = self.errors[model.name]
            error = {"Code": code, "Message": message}
            return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
        given = self._answers.get(model.name, [{}])
        parsed = given.pop(0) if len(given) > 1 else given[0]
        if callable(parsed):
            parsed = parsed(self.requests[-1][1])
        return SimpleNamespace(status_code=200), {**parsed, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def sizes(self, operation: str, *path: str) -> list[int]:
        """The lengths of a list in the parameters of each request of an operation."""
        found = []
        for name, parameters in self.requests:
            if name == operation:
                value: Any = parameters
                for step in path:
                    value = value[step]
                found.append(len(value))
        return found
