"""The condition key `dynamodb:LeadingKeys`: the partition key values that a request names.

The emulator never fills it, so that `ForAllValues` on it is true for every request and isolation tests pass falsely.
As on AWS, Scan names no key: `ForAllValues` alone does not stop it, so a policy must not allow it.

Remove when ministack fills `dynamodb:LeadingKeys`.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb

type Json = dict[str, Any]

LEADING_KEYS = "dynamodb:LeadingKeys"
# The value for a key that was named in a way not understood here: no policy can allow it.
UNKNOWN_KEY = ""
_ITEM_MEMBERS = ("Put", "Update", "Delete", "Get", "ConditionCheck")
_PARTIQL_MEMBERS = ("Statement", "Statements", "TransactStatements")
_EQUALS = re.compile(r"(?P<name>[#\w.-]+)\s*=\s*(?P<value>:[\w-]+)")


def apply() -> None:
    """Add the condition key to every DynamoDB request that names a partition key."""
    emulated_context: Callable[[bytes], Json] = iam_actions.dynamodb_service_context

    def context(body: bytes) -> Json:
        keys = leading_keys(body)
        known = emulated_context(body)
        return known if keys is None else {**known, LEADING_KEYS: keys}

    iam_actions.dynamodb_service_context = context


def leading_keys(body: bytes) -> list[str] | None:
    """The partition key values that a DynamoDB request names, or None when its operation names none."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return None  # the service refuses it
    if not isinstance(request, dict):
        return None
    if any(member in request for member in _PARTIQL_MEMBERS):
        return [UNKNOWN_KEY]
    keys = list(_keys(request))
    return keys or None


def _keys(request: Json) -> Iterator[str]:
    table = str(request.get("TableName", ""))
    for member in ("Key", "Item"):
        if member in request:
            yield _hash_value(table, request[member])
    if "KeyConditionExpression" in request or "KeyConditions" in request:
        yield from _queried(table, request)
    for name, operations in _entries(request.get("RequestItems")):
        yield from _batched(name, operations)
    for operation in request.get("TransactItems") or []:
        for member in _ITEM_MEMBERS:
            if member in operation:
                yield from _keys(operation[member])


def _entries(request_items: Any) -> list[tuple[str, Any]]:
    return list(request_items.items()) if isinstance(request_items, dict) else []


def _batched(table: str, operations: Any) -> Iterator[str]:
    """Keys of one table in BatchGetItem (an object with Keys) or BatchWriteItem (a list of requests)."""
    if isinstance(operations, dict):
        for key in operations.get("Keys") or []:
            yield _hash_value(table, key)
        return
    for operation in operations or []:
        if "PutRequest" in operation:
            yield _hash_value(table, operation["PutRequest"].get("Item"))
        if "DeleteRequest" in operation:
            yield _hash_value(table, operation["DeleteRequest"].get("Key"))


def _queried(table: str, request: Json) -> Iterator[str]:
    name = _hash_name(table, request.get("IndexName"))
    condition = (request.get("KeyConditions") or {}).get(name)
    if condition is not None:  # the legacy form
        yield from (_text(value) for value in condition.get("AttributeValueList") or [{}])
        return
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    found = [
        _text(values.get(match["value"]))
        for match in _EQUALS.finditer(str(request.get("KeyConditionExpression", "")))
        if name and names.get(match["name"], match["name"]) == name
    ]
    yield from found or [UNKNOWN_KEY]


def _hash_value(table: str, attributes: Any) -> str:
    name = _hash_name(table)
    return _text(attributes.get(name)) if name and isinstance(attributes, dict) else UNKNOWN_KEY


def _hash_name(table: str, index: str | None = None) -> str | None:
    """The partition key's attribute name of a table, named by name or ARN, or of an index of it."""
    record = dynamodb._tables.get(table.rsplit("table/", 1)[-1])  # the emulator has no public accessor
    if not record:
        return None
    schema = record.get("KeySchema")
    if index:
        indexes = [*(record.get("GlobalSecondaryIndexes") or []), *(record.get("LocalSecondaryIndexes") or [])]
        schema = next((each["KeySchema"] for each in indexes if each["IndexName"] == index), [])
    return next((str(part["AttributeName"]) for part in schema or [] if part["KeyType"] == "HASH"), None)


def _text(value: Any) -> str:
    """An attribute value (`{"S": "acme"}`) as IAM compares it."""
    return str(next(iter(value.values()))) if isinstance(value, dict) and value else UNKNOWN_KEY
