"""A document's own attributes: filterable, so that they must fit into what the vector index allows."""

import json
import sys
from typing import Any, Final

RESERVED: Final = frozenset(
    {
        "document_id",
        "version",
        "page",
        "language",
        "document_name",
        "start",
        "end",
        "page_breaks",
        "text",
        "text_ko",
        "text_en",
    }
)
"""The names that the index uses itself."""
MAX_ATTRIBUTES: Final = 40
"""S3 Vectors takes 50 metadata keys a vector, of which ten are ours."""
MAX_NAME_LENGTH: Final = 63
"""The longest metadata key (S3 Vectors API reference)."""
MAX_BYTES: Final = 1280
"""Of S3 Vectors' 2 KB of filterable metadata; as base64 it also fits the 2 KB of an upload's own headers."""
MAX_NUMBER: Final = sys.float_info.max
"""The index keeps numbers as doubles; JSON as Python reads it has larger ones, Infinity and NaN."""


def metadata_fault(metadata: dict[str, Any]) -> str | None:
    """What is wrong with a document's attributes, as the end of a sentence; None where nothing is."""
    if len(metadata) > MAX_ATTRIBUTES:
        return f"has more than {MAX_ATTRIBUTES} attributes"
    for name, value in metadata.items():
        if not 1 <= len(name) <= MAX_NAME_LENGTH or name.startswith("$"):
            return f"has an attribute name that is not 1 to {MAX_NAME_LENGTH} characters or begins with $"
        if name in RESERVED:
            return f"uses the reserved name {name}"
        if not _is_value(value):
            return f"has at {name} something other than a text, a number, true, false or a list of texts"
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > MAX_BYTES:
        return f"is larger than {MAX_BYTES} bytes"
    return None


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(entry, str) for entry in value)
    if isinstance(value, int | float):
        return abs(value) <= MAX_NUMBER  # nor is it true of NaN
    return isinstance(value, str)
