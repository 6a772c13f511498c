"""What AWS accepts as a vector's metadata."""

import json
from collections.abc import Collection
from typing import Any

from local.s3vectors.errors import ValidationError, invalid

MAX_BYTES = 40 * 1024
"""Metadata of one vector, filterable or not; this and the next two by the S3 Vectors page on limitations."""

MAX_FILTERABLE_BYTES = 2 * 1024
"""Filterable metadata of one vector."""

MAX_KEYS = 50
"""Metadata keys of one vector."""


def check_metadata(position: int, key: str, metadata: object, non_filterable: Collection[str]) -> str:
    """Refuse metadata that AWS refuses; return it as JSON.

    Args:
        position: The vector's place in its request, for the error.
        key: The vector's key, for the error.
        metadata: What the request gives.
        non_filterable: The index's non-filterable keys.

    Raises:
        ValidationError: If it is no object, too large, has too many keys, or a value of a type metadata cannot have.
    """
    if not isinstance(metadata, dict):
        raise _refused(position, key, "Metadata must be a JSON object")
    if len(metadata) > MAX_KEYS:
        raise _refused(position, key, f"Metadata object must have at most {MAX_KEYS} keys")
    for name, value in metadata.items():
        if not all(
            isinstance(item, str | int | float | bool) for item in (value if isinstance(value, list) else [value])
        ):
            raise _refused(position, key, f"Metadata '{name}' must be a string, a number, a boolean or a list of them")
    text = _compact(metadata)
    if len(text.encode()) > MAX_BYTES:
        raise _refused(position, key, f"Metadata must have at most {MAX_BYTES} bytes")
    filterable = {name: value for name, value in metadata.items() if name not in non_filterable}
    if len(_compact(filterable).encode()) > MAX_FILTERABLE_BYTES:
        raise _refused(position, key, f"Filterable metadata must have at most {MAX_FILTERABLE_BYTES} bytes")
    return text


def searchable_text(metadata: dict[str, Any], key: str) -> str:
    """The text under a searchable key: a string, or the strings of a list; empty where there is none."""
    value = metadata.get(key)
    items = value if isinstance(value, list) else [value]
    return "\n".join(item for item in items if isinstance(item, str))


def _compact(metadata: dict[str, Any]) -> str:
    return json.dumps(metadata, ensure_ascii=False, separators=(",", ":"))


def _refused(position: int, key: str, reason: str) -> ValidationError:
    return invalid(f"/vectors/{position}/metadata", f"Invalid record for key '{key}': {reason}")
