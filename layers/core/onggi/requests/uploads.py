"""The request of POST /documents."""

import re
from typing import Any, Final

from onggi.domain.metadata import SIDECAR_SUFFIX, metadata_fault
from onggi.requests.fields import Fields
from onggi.steps.documents.uploads import UploadRequest

MAX_NAME_BYTES: Final = 900
"""A key has 1,024 bytes (S3 user guide), of which the tenant's prefix has at most 70."""
MAX_UPLOAD_BYTES: Final = 5 * 1024**3
"""The largest upload by a form (S3 user guide)."""
CONTENT_TYPE: Final = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}([ \t]*;[\x20-\x7e]{0,100})?", re.ASCII)
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def upload_request(body: dict[str, Any]) -> UploadRequest:
    """The request of POST /documents.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    name = fields.text("name", MAX_NAME_BYTES)
    if name and (fault := _name_fault(name)):
        fields.fault("name", fault)
    content_type = fields.text("content_type", 200)
    if content_type and not CONTENT_TYPE.fullmatch(content_type):
        fields.fault("content_type", "must be a media type such as application/pdf")
    size = fields.integer("size", 1, MAX_UPLOAD_BYTES)
    metadata = fields.mapping("metadata")
    if fault := metadata_fault(metadata):
        fields.fault("metadata", fault)
    fields.finish()
    return UploadRequest(name, content_type, size, metadata)


def _name_fault(name: str) -> str | None:
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"must have at most {MAX_NAME_BYTES} bytes in UTF-8"
    if CONTROL.search(name):
        return "must not hold control characters"
    if name.endswith(SIDECAR_SUFFIX):
        return f"must not end with {SIDECAR_SUFFIX}; send the attributes as metadata of the document that they describe"
    if "${filename}" in name:
        return "must not hold ${filename}, which S3's upload form replaces"
    if any(part in {"", ".", ".."} for part in name.split("/")):
        return "must be a path without empty, . or .. parts"
    return None
