"""A document's own attributes: filterable, so that they must fit into what the vector index allows.

They come with the upload, as headers, or in a sidecar beside it, as Bedrock Knowledge Bases has them.
"""

import json
import sys
from typing import Any, Final

from onggi.domain.document import Metadata, MetadataValue
from onggi.domain.errors import BadDocument

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

SIDECAR_SUFFIX: Final = ".metadata.json"
"""What follows the whole name of a document in the name of its sidecar (Bedrock user guide, metadata of S3 sources)."""
MAX_SIDECAR_BYTES: Final = 10 * 1024
"""The largest sidecar (Bedrock user guide, quotas of Knowledge Bases)."""
MAX_KEY_BYTES: Final = 1024
"""The longest key in UTF-8 (S3 user guide)."""
TYPED_VALUES: Final[dict[str, tuple[str, type | tuple[type, ...]]]] = {
    "STRING": ("stringValue", str),
    "NUMBER": ("numberValue", (int, float)),
    "BOOLEAN": ("booleanValue", bool),
    "STRING_LIST": ("stringListValue", list),
}
"""The types of a sidecar's typed values, the field that holds each, and what that is in JSON."""
CORRECT_IT: Final = "correct it and upload it again, and then the document, too, if that has failed"


def sidecar_key(key: str) -> str | None:
    """The key of a document's sidecar; None where it would be longer than S3 allows, so that there can be none."""
    beside = key + SIDECAR_SUFFIX
    return beside if len(beside.encode()) <= MAX_KEY_BYTES else None


def document_key_of_sidecar(key: str) -> str | None:
    """The key of the document that a sidecar speaks of; None where a key is not one of a sidecar."""
    return key.removesuffix(SIDECAR_SUFFIX) if key.endswith(SIDECAR_SUFFIX) else None


def parse_sidecar(content: bytes, name: str) -> Metadata:
    """The attributes that a sidecar gives; whether the index can take them is for `metadata_fault` to say.

    A typed value may carry `includeForEmbedding`, which changes nothing here: attributes are for filters alone.

    Args:
        content: `{"metadataAttributes": {<name>: <value>}}` in JSON, each value plain or typed
            (`{"value": {"type": "NUMBER", "numberValue": 3}}`).
        name: as its uploader knows the sidecar.

    Raises:
        BadDocument: `invalid_metadata` when it is larger than allowed or of another form.
    """
    if len(content) > MAX_SIDECAR_BYTES:
        raise _invalid(name, f"is larger than {MAX_SIDECAR_BYTES} bytes")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _invalid(name, "is not JSON") from error
    attributes = found.get("metadataAttributes") if isinstance(found, dict) else None
    if not isinstance(attributes, dict):
        raise _invalid(name, "does not hold an object named metadataAttributes")
    return {key: _plain(value, key, name) if isinstance(value, dict) else value for key, value in attributes.items()}


def _plain(typed: dict[str, Any], key: str, name: str) -> MetadataValue:
    """The value of `{"value": {"type": "STRING", "stringValue": "…"}}`."""
    value = typed.get("value")
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or kind not in TYPED_VALUES:
        raise _invalid(name, f"has at {_shown(key)} a value whose type is none of {', '.join(TYPED_VALUES)}")
    field, expected = TYPED_VALUES[kind]
    found: Any = value.get(field)
    fits = isinstance(found, expected) and not (kind == "NUMBER" and isinstance(found, bool))
    if not fits:
        raise _invalid(name, f"has at {_shown(key)} no {field} of the type {kind}")
    plain: MetadataValue = found
    return plain


def _invalid(name: str, fault: str) -> BadDocument:
    return BadDocument("invalid_metadata", f"The sidecar {name} {fault}; {CORRECT_IT}.")


def _shown(name: str) -> str:
    """A name as a sentence can carry it, however long and whatever it holds."""
    return ascii(name[:MAX_NAME_LENGTH])[1:-1] if not name.isprintable() else name[:MAX_NAME_LENGTH]


def are_same(one: Metadata, other: Metadata) -> bool:
    """Whether attributes are the same to a filter, to which 1 and true are not."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


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
            return f"has at {_shown(name)} something other than a text, a number, true, false or a list of texts"
    try:
        size = len(json.dumps(metadata, ensure_ascii=False).encode())
    except UnicodeEncodeError:  # JSON may escape half of a surrogate pair, which no UTF-8 can carry
        return "holds half of a character"
    return f"is larger than {MAX_BYTES} bytes" if size > MAX_BYTES else None


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(entry, str) for entry in value)
    if isinstance(value, int | float):
        return abs(value) <= MAX_NUMBER  # nor is it true of NaN
    return isinstance(value, str)
