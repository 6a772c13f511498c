"""From the JSON of a request to typed values: the edge at which everything is validated."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from onggi.domain.access import DEFAULT_KEY_ROLE, ROLES
from onggi.domain.document import STATUSES, DocumentStatus
from onggi.domain.errors import InvalidRequest
from onggi.domain.metadata import SIDECAR_SUFFIX, metadata_fault
from onggi.domain.search import MAX_FILTER_CONSTRAINTS, filter_constraints
from onggi.domain.tenant import (
    CHOSEN_STATUSES,
    DEFAULT_CHUNK_SIZE,
    MAX_CHUNK_SIZE,
    MIN_CHUNK_SIZE,
    TIERS,
    ChosenLimits,
    TenantContext,
    TenantSettings,
    Tier,
    is_tenant_id,
)
from onggi.steps.change_tenant import TenantChange
from onggi.steps.documents import UploadRequest
from onggi.steps.keys import KeyRequest
from onggi.steps.retrieve import MAX_TOP_K, RetrievalRequest
from onggi.steps.tenants import TenantRequest

MAX_QUESTION: Final = 4000
DEFAULT_TOP_K: Final = 8
MAX_ANSWER_TOKENS: Final = 4096
DEFAULT_ANSWER_TOKENS: Final = 1024
MAX_NAME_BYTES: Final = 900
"""A key has 1,024 bytes (S3 user guide), of which the tenant's prefix takes up to 70."""
MAX_UPLOAD_BYTES: Final = 5 * 1024**3
"""The largest upload by a form (S3 user guide)."""
HIGHEST_LIMITS: Final[Mapping[str, int]] = {
    "documents": 10**9,
    "stored_bytes": 1024**5,
    "document_bytes": MAX_UPLOAD_BYTES,
}
"""What a limit of a tenant may be at most, so that a slip of the pen is seen."""
MAX_KEY_NAME: Final = 100
MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 25
CONTENT_TYPE: Final = re.compile(r"[\w.+-]{1,64}/[\w.+-]{1,64}([ \t]*;[\x20-\x7e]{0,100})?", re.ASCII)
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
SURROGATE: Final = re.compile("[\ud800-\udfff]")
HALF_CHARACTER: Final = "holds half of a character; send it whole"
SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _is_unicode(text: str) -> bool:
    """Whether a text can be coded: JSON may escape half of a surrogate pair, which no UTF-8 can carry."""
    return not SURROGATE.search(text)


class Fields:
    """Takes fields out of a JSON object one by one and collects what is wrong with them."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = dict(values)
        self._errors: list[tuple[str, str]] = []

    def text(self, field: str, longest: int, default: str | None = None) -> str:
        """A text of 1 to `longest` characters that is not blank."""
        value = self._values.pop(field, default)
        if value is None:
            self.fault(field, "is required")
        elif not isinstance(value, str):
            self.fault(field, "must be a text")
        elif value != default and not (value.strip() and len(value) <= longest):
            self.fault(field, f"must have 1 to {longest} characters that are not all blank")
        elif not _is_unicode(value):
            self.fault(field, HALF_CHARACTER)
        else:
            return value
        return ""

    def integer(self, field: str, lowest: int, highest: int, default: int | None = None) -> int:
        """A whole number between two bounds."""
        value = self._values.pop(field, default)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.fault(field, "is required" if value is None else f"must be a whole number from {lowest} to {highest}")
        return lowest

    def integer_or_null(self, field: str, lowest: int, highest: int) -> int | None:
        """A whole number between two bounds, or null."""
        value = self._values.pop(field, None)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest):
            return value
        self.fault(field, f"must be a whole number from {lowest} to {highest}, or null")
        return None

    def flag(self, field: str, *, default: bool) -> bool:
        """True or false."""
        value = self._values.pop(field, default)
        if isinstance(value, bool):
            return value
        self.fault(field, "must be true or false")
        return default

    def mapping(self, field: str) -> dict[str, Any]:
        """A JSON object, empty where it is left out."""
        value = self._values.pop(field, {})
        if not isinstance(value, dict):
            self.fault(field, "must be an object")
        elif not _is_unicode(json.dumps(value, ensure_ascii=False)):
            self.fault(field, HALF_CHARACTER)
        else:
            return value
        return {}

    def fault(self, field: str, message: str) -> None:
        """Notes that a field is wrong."""
        self._errors.append((field, message))

    def finish(self, within: str = "") -> None:
        """Ends the reading; `within` is where the object stands, such as `settings.`.

        Raises:
            InvalidRequest: when a field was wrong, or one is left that the contract does not know.
        """
        for field in self._values:
            self.fault(SURROGATE.sub("?", field), "is not a field of this request")
        if self._errors:
            raise InvalidRequest(*((within + field, message) for field, message in self._errors))


def json_object(body: str | None) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        InvalidRequest: when the body is something else.
    """
    try:
        value = json.loads(body or "")
        json.dumps(value, allow_nan=False)  # Python reads NaN and Infinity, which JSON does not know
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(("body", "must be JSON in UTF-8, not too deeply nested")) from error
    if not isinstance(value, dict):
        raise InvalidRequest(("body", "must be a JSON object"))
    return value


def _retrieval(fields: Fields) -> RetrievalRequest:
    question = fields.text("question", MAX_QUESTION)
    top_k = fields.integer("top_k", 1, MAX_TOP_K, DEFAULT_TOP_K)
    metadata_filter = fields.mapping("filter")
    if filter_constraints(metadata_filter) > MAX_FILTER_CONSTRAINTS:
        fields.fault(
            "filter", f"must have at most {MAX_FILTER_CONSTRAINTS} conditions; $in takes a list of values as one"
        )
    return RetrievalRequest(question, top_k, metadata_filter or None)


def retrieval_request(body: dict[str, Any]) -> RetrievalRequest:
    """The request of POST /retrieve.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    request = _retrieval(fields)
    fields.finish()
    return request


def query_request(body: dict[str, Any], models: tuple[str, ...]) -> tuple[RetrievalRequest, str, int, str | None]:
    """The request of POST /query: the retrieval, the model, the most tokens of an answer, and the session.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    request = _retrieval(fields)
    model = fields.text("model", 256, models[0])
    if model and model not in models:
        fields.fault("model", "is not one of the models that this tenant may use; GET /me lists them")
    max_tokens = fields.integer("max_tokens", 1, MAX_ANSWER_TOKENS, DEFAULT_ANSWER_TOKENS)
    session_id = fields.text("session_id", 64, "")
    if session_id and not SESSION_ID.fullmatch(session_id):
        fields.fault("session_id", "must have 1 to 64 letters, digits, - or _")
    fields.finish()
    return request, model, max_tokens, session_id or None


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


def listing(query: dict[str, str], *, with_status: bool) -> tuple[DocumentStatus | None, int, str | None]:
    """The parameters of a listing: status, page size and cursor.

    Raises:
        InvalidRequest: when they break the contract.
    """
    limit = query.get("limit", str(DEFAULT_PAGE))
    fields = Fields(query | {"limit": int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else limit})  # noqa: PLR2004 - longer than any page
    size = fields.integer("limit", 1, MAX_PAGE)
    cursor = fields.text("cursor", 1024, "") or None
    wanted = fields.text("status", 20, "") if with_status else ""
    status = next((known for known in STATUSES if known == wanted), None)
    if wanted and status is None:
        fields.fault("status", "must be one of " + ", ".join(STATUSES))
    fields.finish()
    return status, size, cursor


def tenant_request(body: dict[str, Any]) -> TenantRequest:
    """The request of POST /admin/tenants.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    tenant_id = fields.text("tenant_id", 63)
    if tenant_id and not is_tenant_id(tenant_id):
        fields.fault("tenant_id", "must have 3 to 61 small letters, digits and single hyphens between them")
    name = fields.text("name", 200)
    tier = _tier(fields.text("tier", 20, "basic"), fields)
    settings = fields.mapping("settings")
    limits = fields.mapping("limits")
    fields.finish()
    chosen = tenant_limits(limits, ChosenLimits())
    return TenantRequest(tenant_id, name, tier or "basic", tenant_settings(settings), chosen)


def _tier(wanted: str | None, fields: Fields) -> Tier | None:
    tier = next((known for known in TIERS if known == wanted), None)
    if wanted and tier is None:
        fields.fault("tier", "must be one of " + ", ".join(TIERS))
    return tier


def tenant_settings(values: dict[str, Any]) -> TenantSettings:
    """A tenant's settings; what is left out has its default.

    Raises:
        InvalidRequest: when they break the contract.
    """
    fields = Fields(values)
    chunk_size = fields.integer("chunk_size", MIN_CHUNK_SIZE, MAX_CHUNK_SIZE, DEFAULT_CHUNK_SIZE)
    ocr = fields.flag("ocr", default=False)
    fields.finish("settings.")
    return TenantSettings(chunk_size, ocr)


def tenant_limits(values: dict[str, Any], known: ChosenLimits) -> ChosenLimits:
    """What is chosen of a tenant's limits: null returns one to its tier's, what is left out stays as it is known.

    Raises:
        InvalidRequest: when they break the contract.
    """
    fields = Fields(values)
    chosen = {
        name: fields.integer_or_null(name, 1, highest) for name, highest in HIGHEST_LIMITS.items() if name in values
    }
    fields.finish("limits.")
    return replace(known, **chosen)


def key_request(body: dict[str, Any], now: datetime) -> KeyRequest:
    """The request of POST /keys: role, name and end of a new key.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    wanted = fields.text("role", 20, DEFAULT_KEY_ROLE)
    role = next((known for known in ROLES if known == wanted), None)
    if wanted and role is None:
        fields.fault("role", "must be one of " + ", ".join(ROLES))
    name = fields.text("name", MAX_KEY_NAME, "") or None
    expires_at = _moment(fields.text("expires_at", 40, ""), fields)
    if expires_at and expires_at <= now:
        fields.fault("expires_at", "must lie in the future")
    fields.finish()
    return KeyRequest(role or DEFAULT_KEY_ROLE, name, expires_at)


def _moment(text: str, fields: Fields) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        pass
    fields.fault("expires_at", "must be a time with its zone as ISO 8601 has it, such as 2027-01-31T00:00:00Z")
    return None


def tenant_change(body: dict[str, Any], known: TenantContext) -> TenantChange:
    """The request of PATCH /admin/tenants/{id}; settings and limits that are left out stay as they are known.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    if not body:
        fields.fault("body", "must change something: the name, the tier, the settings, the limits or the status")
    name = fields.text("name", 200) if "name" in body else None
    wanted = fields.text("status", 20) if "status" in body else None
    status = next((status for status in CHOSEN_STATUSES if status == wanted), None)
    if wanted and status is None:
        fields.fault("status", "must be one of " + ", ".join(CHOSEN_STATUSES))
    tier = _tier(fields.text("tier", 20) if "tier" in body else None, fields)
    settings = fields.mapping("settings")
    limits = fields.mapping("limits")
    fields.finish()
    return TenantChange(
        name=name,
        settings=tenant_settings(asdict(known.settings) | settings) if settings else None,
        limits=tenant_limits(limits, known.chosen_limits) if limits else None,
        status=status,
        tier=tier,
    )


def wants_export(query: dict[str, str]) -> bool:
    """The parameter of DELETE /admin/tenants/{id}.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    words = {"true": True, "false": False}
    fields = Fields({name: words.get(value, value) if name == "export" else value for name, value in query.items()})
    wanted = fields.flag("export", default=False)
    fields.finish()
    return wanted
