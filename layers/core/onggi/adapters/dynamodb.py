"""Rows of DynamoDB as plain dictionaries, and what the tables' adapters share."""

import base64
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from onggi.adapters.aws import error_code
from onggi.domain.errors import InvalidRequest

Row = dict[str, Any]
Item = dict[str, Any]

_serializer: Final = TypeSerializer()
_deserializer: Final = TypeDeserializer()

CONDITION_FAILED: Final = "ConditionalCheckFailedException"


def to_item(row: Mapping[str, Any]) -> Item:
    """A row in DynamoDB's typed form; attributes that are None or an empty set are left out."""
    return {
        name: _serializer.serialize(set(value) if isinstance(value, frozenset) else value)
        for name, value in row.items()
        if value is not None and value != frozenset()
    }


def to_row(item: Mapping[str, Any]) -> Row:
    """A row in plain Python; whole numbers as int."""
    row = {name: _deserializer.deserialize(value) for name, value in item.items()}
    return {name: int(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def condition_failed(error: ClientError) -> bool:
    """Whether a conditional write, or one in a transaction, was refused by its condition."""
    if error_code(error) == CONDITION_FAILED:
        return True
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]  # the SDK types it loosely
    return any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons)


def page_of(response: Mapping[str, Any], limit: int) -> tuple[list[Item], str | None]:
    """Return the page of a query and, where more follows, a cursor by the sort key.

    DynamoDB names where a full page ended even if nothing follows (Query, DynamoDB API reference); so the query has to
    ask for one row more than the page shows.

    Args:
        response: of a query whose `Limit` was one more than the page's.
        limit: rows that the page shows at most.
    """
    items, last = response["Items"], response.get("LastEvaluatedKey")
    if len(items) > limit:
        items, last = items[:limit], items[limit - 1]
    return items, encode_cursor(last, "sk") if last else None


def encode_cursor(key: Mapping[str, Any], *fields: str) -> str:
    """The place where a page ended, without the partition key: that never comes from a caller."""
    return base64.urlsafe_b64encode(json.dumps([key[field]["S"] for field in fields]).encode()).decode()


def decode_cursor(cursor: str, *fields: str) -> Item:
    """The place that `encode_cursor` noted.

    Raises:
        InvalidRequest: when it is not such a cursor.
    """
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if len(values) != len(fields) or not all(isinstance(value, str) and value for value in values):
            raise ValueError(cursor)
    except (ValueError, TypeError) as error:
        raise InvalidRequest(("cursor", "is not one that this API has given")) from error
    return {field: {"S": value} for field, value in zip(fields, values, strict=True)}
