"""Checks a JSON value against a shape of a botocore service model, whatever the service.

botocore's own `ParamValidator` knows neither maxima nor enums nor patterns, and its messages carry no machine-readable
path; a server has to check all of them.
"""

import math
import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from botocore.model import ListShape, MapShape, Shape, StructureShape

from local.s3vectors.errors import Violation

type JsonValue = str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None
"""Anything that JSON can say."""

_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (int, float),
}
_NON_FINITE = ("NaN", "Infinity", "-Infinity")  # how the REST-JSON protocol spells them
_FLOAT_TYPES = {int, float}


def violations(value: JsonValue, shape: Shape, path: str = "") -> Iterator[Violation]:
    """Every way in which `value`, parsed from JSON, breaks `shape`."""
    if shape.metadata.get("document") or (isinstance(shape, StructureShape) and shape.is_document_type):
        return
    if not _has_type(value, shape.type_name):
        yield Violation(path or "/", f"Value at '{path or '/'}' must be of type {shape.type_name}")
        return
    yield from _constraint_violations(value, shape, path)
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure_violations(value, shape, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _list_violations(value, shape, path)
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _map_violations(value, shape, path)


def _has_type(value: JsonValue, type_name: str) -> bool:
    if isinstance(value, bool):
        return type_name == "boolean"
    if type_name in {"float", "double"} and value in _NON_FINITE:
        return True
    return isinstance(value, _JSON_TYPES[type_name])


def _structure_violations(value: dict[str, JsonValue], shape: StructureShape, path: str) -> Iterator[Violation]:
    for name in shape.required_members:
        if name not in value:
            yield _failed(f"{path}/{name}", "Member must not be null")
    if shape.is_tagged_union and len(value) != 1:
        yield _failed(path or "/", f"Exactly one of these members must be set: {', '.join(shape.members)}")
    for name, member in value.items():
        if name not in shape.members:
            yield _failed(f"{path}/{name}", "The operation has no such member")
        elif member is None:  # AWS takes it for an absent one; no SDK sends it
            yield _failed(f"{path}/{name}", "Member must not be null")
        else:
            yield from violations(member, shape.members[name], f"{path}/{name}")


def _list_violations(value: list[JsonValue], shape: ListShape, path: str) -> Iterator[Violation]:
    if shape.member.type_name == "float" and set(map(type, value)) <= _FLOAT_TYPES:
        return  # the model sets no bounds on floats, and vectors are long
    for position, member in enumerate(value):
        yield from violations(member, shape.member, f"{path}/{position}")


def _map_violations(value: dict[str, JsonValue], shape: MapShape, path: str) -> Iterator[Violation]:
    for key, member in value.items():
        yield from violations(key, shape.key, f"{path}/{key}")
        yield from violations(member, shape.value, f"{path}/{key}")


def _constraint_violations(value: JsonValue, shape: Shape, path: str) -> Iterator[Violation]:
    least, most = shape.metadata.get("min", -math.inf), shape.metadata.get("max", math.inf)
    if value is None:
        return
    what = "length" if isinstance(value, str | list | dict) else "value"
    measured = len(value) if isinstance(value, str | list | dict) else value
    if measured < least:
        yield _failed(path, f"Member must have {what} greater than or equal to {least}")
    if measured > most:
        yield _failed(path, f"Member must have {what} less than or equal to {most}")
    if isinstance(value, str):
        allowed, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
        if allowed and value not in allowed:
            yield _failed(path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        if pattern and not _compiled(pattern).fullmatch(value):
            yield _failed(path, f"Member must satisfy regular expression pattern: {pattern}")


def _failed(path: str, constraint: str) -> Violation:
    return Violation(path, f"Value at '{path}' failed to satisfy constraint: {constraint}")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    r"""The model's pattern, in which `\p{L}` names a Unicode category, as Python's `re` understands it."""
    return re.compile(re.sub(r"\\p\{(\w+)\}", lambda match: _category_ranges(match.group(1)), pattern))


@cache
def _category_ranges(category: str) -> str:
    """The inside of a character class that matches every code point of a Unicode general category."""
    ranges: list[list[int]] = []
    for code in range(0x110000):
        if unicodedata.category(chr(code)).startswith(category):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)
