"""Checks JSON requests against the service model that botocore ships, without repeating any value in a message."""

import re
from collections.abc import Iterator
from functools import cache

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from local.bedrock.errors import invalid

_SCALARS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
}


@cache
def _service() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"), "bedrock-runtime")


def check_request(shape_name: str, request: object) -> None:
    """Refuses a request that its shape in the service model does not allow.

    Types, required and unknown members, tagged unions, lengths, ranges, patterns and enumerations are checked. A
    blob is a base64 string, since the request is JSON.

    Args:
        shape_name: name of a shape of ``bedrock-runtime``, such as ``ConverseRequest``.
        request: the request, as decoded from JSON, members of the URI and the headers included.

    Raises:
        ModelError: ValidationException, with every fault found.
    """
    faults = list(_faults(request, _service().shape_for(shape_name), ""))
    if faults:
        count = "1 validation error" if len(faults) == 1 else f"{len(faults)} validation errors"
        raise invalid(f"{count} detected: {'; '.join(faults)}")


def _faults(value: object, shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        # A document is any JSON.
        yield from () if shape.is_document_type else _structure_faults(value, shape, path)
    elif isinstance(shape, ListShape):
        yield from _list_faults(value, shape, path)
    elif isinstance(shape, MapShape):
        yield from _map_faults(value, shape, path)
    else:
        yield from _scalar_faults(value, shape, path)


def _structure_faults(value: object, shape: StructureShape, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{_name(path)} must be an object"
        return
    if shape.is_tagged_union and len(value) != 1:
        yield f"{_name(path)} must have exactly one of {', '.join(shape.members)}"
    for required in shape.required_members:
        if required not in value:
            yield f"{_name(path)} lacks the required member {required}"
    for member, inner in value.items():
        if member in shape.members:
            yield from _faults(inner, shape.members[member], _join(path, member))
        else:
            yield f"{_name(path)} has an unknown member; known are {', '.join(shape.members)}"


def _list_faults(value: object, shape: ListShape, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{_name(path)} must be an array"
        return
    yield from _size_faults(len(value), shape, path, "items")
    for index, item in enumerate(value):
        yield from _faults(item, shape.member, _join(path, str(index)))


def _map_faults(value: object, shape: MapShape, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{_name(path)} must be an object"
        return
    yield from _size_faults(len(value), shape, path, "entries")
    for index, (key, item) in enumerate(value.items()):
        yield from _faults(key, shape.key, _join(path, f"key {index}"))
        yield from _faults(item, shape.value, _join(path, f"value {index}"))


def _scalar_faults(value: object, shape: Shape, path: str) -> Iterator[str]:
    allowed = _SCALARS[shape.type_name]
    if not isinstance(value, allowed) or (isinstance(value, bool) and bool not in allowed):
        yield f"{_name(path)} must be of type {shape.type_name}"
    elif isinstance(value, str):
        yield from _size_faults(len(value), shape, path, "characters")
        yield from _text_faults(value, shape, path)
    elif isinstance(value, (int, float)):
        yield from _size_faults(value, shape, path, "")


def _text_faults(value: str, shape: Shape, path: str) -> Iterator[str]:
    choices = shape.enum if isinstance(shape, StringShape) else []
    if choices and value not in choices:
        yield f"{_name(path)} must be one of {', '.join(choices)}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{_name(path)} must match the pattern {pattern}"


def _size_faults(size: float, shape: Shape, path: str, unit: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"{_name(path)} must be at least {low} {unit}".rstrip()
    if high is not None and size > high:
        yield f"{_name(path)} must be at most {high} {unit}".rstrip()


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _name(path: str) -> str:
    return path or "the request"
