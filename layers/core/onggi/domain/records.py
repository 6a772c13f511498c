"""Reads what Onggi wrote itself: records of another version may have fields more, and those are left out.

While a deployment or a rollback mixes versions, old code reads what new code wrote. Requests from outside are read
strictly (`onggi.requests`).
"""

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any, ClassVar, Protocol


class Dataclass(Protocol):
    """What every dataclass has."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def from_record[T: Dataclass](kind: type[T], data: Mapping[str, Any]) -> T:
    """Makes a dataclass of a record, without the fields that it does not know.

    Raises:
        TypeError: when a field without a default is missing, or the data is no object.
    """
    if not isinstance(data, Mapping):
        raise TypeError("A record is an object.")
    return kind(**{field.name: data[field.name] for field in fields(kind) if field.name in data})
