"""Pagination tokens: opaque to the client, and good only for the request that they continue."""

import base64
import binascii
import hashlib
import json
from typing import Any

from local.s3vectors.errors import ValidationError, invalid

_UNBOUND = frozenset({"nextToken", "maxResults"})  # what may change from page to page


def next_token(operation: str, parameters: dict[str, Any], position: str | int) -> str:
    """A token with which the same request goes on after `position`."""
    text = json.dumps([_digest(operation, parameters), position], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode()


def position_in[Position: (str, int)](operation: str, parameters: dict[str, Any], start: Position) -> Position:
    """Where to go on: the position in the request's token, or `start` if it has none.

    Raises:
        ValidationError: If the token is not one of ours, or continues another request.
    """
    token = parameters.get("nextToken")
    if token is None:
        return start
    try:
        digest, position = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError) as error:
        raise _refused() from error
    if digest != _digest(operation, parameters) or type(position) is not type(start):
        raise _refused()
    return position


def _refused() -> ValidationError:
    return invalid("/nextToken", "The pagination token is invalid for this request")


def _digest(operation: str, parameters: dict[str, Any]) -> str:
    bound = {name: value for name, value in parameters.items() if name not in _UNBOUND}
    return hashlib.sha256(json.dumps([operation, bound], sort_keys=True).encode()).hexdigest()[:32]
