"""Metadata filters: parsing and refusal, and the columns that answer them.

Semantics, by the S3 Vectors page on metadata filtering where it says so: a bare value means `$eq`; `$eq` and `$in`
match a list that holds the value; several keys, and several operators of one key, must all match. Where it is silent
this follows the query language it is modelled on: `$ne` and `$nin` are the negations of `$eq` and `$in` and so match
vectors without the key, an order comparison matches a list that holds a matching number, `$startsWith` one that holds a
matching string, upper and lower case differ, and values of different types are never equal (`true` is not `1`).

A filter has at most 100 constraints. The page does not define the word: here it is one operator on one key, however
many values it takes.
"""

from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.s3vectors.errors import ValidationError, invalid

MAX_CONSTRAINTS = 100

Scalar = str | int | float | bool
Mask = NDArray[np.bool_]

_NUMBERS = (int, float)
_COMPARISONS: dict[str, tuple[tuple[type, ...], Callable[[Any, Any], bool]]] = {
    "$gt": (_NUMBERS, gt),
    "$gte": (_NUMBERS, ge),
    "$lt": (_NUMBERS, lt),
    "$lte": (_NUMBERS, le),
    "$startsWith": ((str,), str.startswith),
}
"""The types of values that an operator compares, and how."""
_GROUPS = frozenset({"$and", "$or"})
_EQUALITY = frozenset({"$eq", "$ne"})
_MEMBERSHIP = frozenset({"$in", "$nin"})


@dataclass(frozen=True)
class Condition:
    """One operator on one key."""

    key: str
    operator: str
    operand: Any


@dataclass(frozen=True)
class Group:
    """Filters of which all (`$and`) or any (`$or`) must match."""

    operator: str
    members: tuple["Filter", ...]


Filter = Condition | Group


def parse_filter(document: object, non_filterable: Collection[str]) -> Filter:
    """The filter that a request's JSON describes.

    Raises:
        ValidationError: If it is no filter, names an unknown operator, gives an operator a value of the wrong type, or
            uses a non-filterable key, or has too many constraints.
    """
    parsed = _filter(document, non_filterable)
    if _constraints(parsed) > MAX_CONSTRAINTS:
        raise _refused(f"a filter must have at most {MAX_CONSTRAINTS} constraints")
    return parsed


def _constraints(parsed: Filter) -> int:
    return sum(map(_constraints, parsed.members)) if isinstance(parsed, Group) else 1


def _filter(document: object, non_filterable: Collection[str]) -> Filter:
    if not isinstance(document, dict) or not document:
        raise _refused("a filter must be a non-empty JSON object")
    members = [_entry(key, value, non_filterable) for key, value in document.items()]
    return members[0] if len(members) == 1 else Group("$and", tuple(members))


def _entry(key: str, value: object, non_filterable: Collection[str]) -> Filter:
    if key in _GROUPS:
        if not isinstance(value, list) or not value:
            raise _refused(f"{key} takes a non-empty array of filters")
        return Group(key, tuple(_filter(member, non_filterable) for member in value))
    if key.startswith("$"):
        raise _refused(f"unknown operator {key}")
    if key in non_filterable:
        raise _refused(f"the metadata key '{key}' is not filterable")
    if not isinstance(value, dict):
        return _condition(key, "$eq", value)
    if not value:
        raise _refused(f"the key '{key}' has no operator")
    conditions = tuple(_condition(key, operator, operand) for operator, operand in value.items())
    return conditions[0] if len(conditions) == 1 else Group("$and", conditions)


def _condition(key: str, operator: str, operand: object) -> Condition:
    if operator in _EQUALITY:
        valid = _is_scalar(operand)
        expected = "a string, a number or a boolean"
    elif operator in _COMPARISONS:
        kinds, _ = _COMPARISONS[operator]
        valid = isinstance(operand, kinds) and not isinstance(operand, bool)
        expected = "a number" if kinds == _NUMBERS else "a string"
    elif operator in _MEMBERSHIP:
        valid = isinstance(operand, list) and bool(operand) and all(map(_is_scalar, operand))
        expected = "a non-empty array of strings, numbers and booleans"
    elif operator == "$exists":
        valid = isinstance(operand, bool)
        expected = "a boolean"
    else:
        raise _refused(f"unknown operator {operator}")
    if not valid:
        raise _refused(f"{operator} on key '{key}' takes {expected}")
    return Condition(key, operator, operand)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _refused(reason: str) -> ValidationError:
    return invalid("/filter", f"Invalid query filter: {reason}")


class Columns:
    """For every filterable key, the rows that hold each value. Rows are only ever added."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[bool, Scalar], array[int]]] = {}
        self._present: dict[str, array[int]] = {}

    def add(self, row: int, metadata: dict[str, Any], non_filterable: Collection[str]) -> None:
        """Enter the filterable metadata of one row."""
        for key, value in metadata.items():
            if key in non_filterable:
                continue
            self._present.setdefault(key, array("q")).append(row)
            column = self._rows.setdefault(key, {})
            for item in {_typed(item) for item in (value if isinstance(value, list) else [value])}:
                column.setdefault(item, array("q")).append(row)

    def mask(self, wanted: Filter, size: int) -> Mask:
        """Which of the first `size` rows match, dead rows included."""
        if isinstance(wanted, Group):
            masks = [self.mask(member, size) for member in wanted.members]
            return np.all(masks, axis=0) if wanted.operator == "$and" else np.any(masks, axis=0)
        return self._condition_mask(wanted, size)

    def _condition_mask(self, condition: Condition, size: int) -> Mask:
        column = self._rows.get(condition.key, {})
        operand = condition.operand
        match condition.operator:
            case "$eq":
                return _mask(size, [column.get(_typed(operand))])
            case "$ne":
                return ~_mask(size, [column.get(_typed(operand))])
            case "$in":
                return _mask(size, [column.get(_typed(item)) for item in operand])
            case "$nin":
                return ~_mask(size, [column.get(_typed(item)) for item in operand])
            case "$exists":
                present = _mask(size, [self._present.get(condition.key)])
                return present if operand else ~present
            case comparison:
                kinds, matches = _COMPARISONS[comparison]
                matching = [
                    rows
                    for (is_boolean, value), rows in column.items()
                    if not is_boolean and isinstance(value, kinds) and matches(value, operand)
                ]
                return _mask(size, matching)


def _typed(value: Scalar) -> tuple[bool, Scalar]:
    """A dictionary key under which `1` and `1.0` meet, but not `1` and `true`."""
    return isinstance(value, bool), value


def _mask(size: int, row_lists: Sequence["array[int] | None"]) -> Mask:
    mask = np.zeros(size, dtype=np.bool_)
    for rows in row_lists:
        if rows is not None:
            mask[np.frombuffer(rows, dtype=np.int64)] = True
    return mask
