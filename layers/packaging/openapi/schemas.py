"""Schemas of requests and responses; their bounds are those that the code enforces."""

from typing import Any, Final

from onggi.domain.access import ROLES
from onggi.domain.document import STATUSES
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES
from onggi.domain.tenant import MAX_CHUNK_SIZE, MIN_CHUNK_SIZE, TIERS
from onggi.requests.keys import MAX_KEY_NAME
from onggi.requests.questions import (
    DEFAULT_ANSWER_TOKENS,
    DEFAULT_TOP_K,
    MAX_ANSWER_TOKENS,
    MAX_QUESTION,
    SESSION_ID,
)
from onggi.requests.tenants import HIGHEST_LIMITS
from onggi.requests.uploads import MAX_NAME_BYTES, MAX_UPLOAD_BYTES
from onggi.steps.questions.retrieve import MAX_TOP_K

type Json = dict[str, Any]

TEXT: Final[Json] = {"type": "string"}
COUNT: Final[Json] = {"type": "integer", "minimum": 0}
TIME: Final[Json] = {"type": "string", "format": "date-time"}
ANY_OBJECT: Final[Json] = {"type": "object"}
COUNTS: Final[Json] = {"type": "object", "additionalProperties": COUNT}


def ref(name: str) -> Json:
    """Returns a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(item: Json) -> Json:
    """Returns the schema of a list."""
    return {"type": "array", "items": item}


def nullable(schema: Json) -> Json:
    """Returns a schema that takes null as well."""
    return schema | {"type": [schema["type"], "null"]}


def one_of(values: Any) -> Json:  # noqa: ANN401 - the arguments of a Literal
    """Returns the schema of some texts."""
    return {"type": "string", "enum": list(values)}


def request(required: str, **fields: Json) -> Json:
    """Returns the schema of a request, which takes no other fields."""
    return record(required, **fields) | {"additionalProperties": False}


def record(required: str, **fields: Json) -> Json:
    """Returns the schema of an object; later versions may add fields to responses."""
    schema: Json = {"type": "object", "properties": fields}
    return schema | ({"required": required.split()} if required else {})


def page(name: str, item: Json) -> Json:
    """Returns the schema of a page of a listing."""
    return record(name, **{name: listed(item), "next_cursor": TEXT})


QUESTION: Final[Json] = {
    "question": {"type": "string", "minLength": 1, "maxLength": MAX_QUESTION},
    "top_k": {"type": "integer", "minimum": 1, "maximum": MAX_TOP_K, "default": DEFAULT_TOP_K},
    "filter": {"type": "object", "description": 'Conditions on metadata, such as {"department": {"$eq": "legal"}}.'},
}
SETTINGS: Final = request(
    "",
    chunk_size=nullable({"type": "integer", "minimum": MIN_CHUNK_SIZE, "maximum": MAX_CHUNK_SIZE}),
    ocr={"type": ["boolean", "null"]},
)
LIMITS: Final = request(
    "",
    **{
        name: nullable({"type": "integer", "minimum": 1, "maximum": highest})
        for name, highest in HIGHEST_LIMITS.items()
    },
)
KEY: Final[Json] = {
    "key_id": TEXT,
    "role": one_of(ROLES),
    "name": TEXT,
    "created_at": TIME,
    "expires_at": TIME,
    "last_used_at": TIME,
    "revoked_at": TIME,
}
SCHEMAS: Final[dict[str, Json]] = {
    "Problem": record(
        "type title status code detail request_id",
        type=TEXT,
        title=TEXT,
        status={"type": "integer"},
        code=TEXT,
        detail=TEXT,
        request_id=TEXT,
        errors=listed(record("field message", field=TEXT, message=TEXT)),
    ),
    "QueryRequest": request(
        "question",
        **QUESTION,
        model={"type": "string", "minLength": 1, "maxLength": 256, "description": "One that GET /me lists."},
        max_tokens={
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_ANSWER_TOKENS,
            "default": DEFAULT_ANSWER_TOKENS,
        },
        session_id={"type": "string", "pattern": f"^{SESSION_ID.pattern}$"},
    ),
    "RetrievalRequest": request("question", **QUESTION),
    "Citation": record(
        "marker document_id document_name page start end quote score",
        marker={"type": "integer", "minimum": 1},
        document_id=TEXT,
        document_name=TEXT,
        page=COUNT,
        start=COUNT,
        end=COUNT,
        quote=TEXT,
        score={"type": "number"},
    ),
    "Answer": record(
        "answer grounded citations model session_id usage latency_ms request_id",
        answer=TEXT,
        grounded={"type": "boolean"},
        citations=listed(ref("Citation")),
        model=TEXT,
        session_id=TEXT,
        usage=record(
            "embedding_tokens input_tokens output_tokens cost_usd",
            embedding_tokens=COUNT,
            input_tokens=COUNT,
            output_tokens=COUNT,
            cost_usd={"type": "string", "description": "A decimal number."},
        ),
        latency_ms=record("retrieve generate total", retrieve=COUNT, generate=COUNT, total=COUNT),
        request_id=TEXT,
    ),
    "Passage": record(
        "document_id document_name page start end text context score scores",
        document_id=TEXT,
        document_name=TEXT,
        page=COUNT,
        start=COUNT,
        end=COUNT,
        text=TEXT,
        context={"type": "string", "description": "The headings above the passage, and the columns of its table."},
        score={"type": "number"},
        scores=record("", vector={"type": "number"}, bm25={"type": "number"}, fused={"type": "number"}),
    ),
    "Passages": record(
        "passages usage",
        passages=listed(ref("Passage")),
        usage=record("embedding_tokens", embedding_tokens=COUNT),
    ),
    "UploadRequest": request(
        "name content_type size",
        name={
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_NAME_BYTES,
            "description": "A path of at most so many bytes in UTF-8.",
        },
        content_type={"type": "string", "minLength": 3, "maxLength": 200},
        size={"type": "integer", "minimum": 1, "maximum": MAX_UPLOAD_BYTES},
        metadata=ANY_OBJECT,
    )
    | {"examples": [{"name": "contracts/notice.txt", "content_type": "text/plain", "size": 35}]},
    "Upload": record(
        "document_id upload expires_at",
        document_id=TEXT,
        upload=record("url fields", url=TEXT, fields={"type": "object", "additionalProperties": TEXT}),
        expires_at=TIME,
    ),
    "Document": record(
        "document_id name key version status size content_type pages chunks tokens metadata uploaded_at language "
        "current_version needs_ocr properties",
        document_id=TEXT,
        name=TEXT,
        key=TEXT,
        version=TEXT,
        status=one_of(STATUSES),
        error=record("code message", code=one_of(BAD_DOCUMENT_MESSAGES), message=TEXT),
        size=COUNT,
        content_type=TEXT,
        pages=COUNT,
        chunks=COUNT,
        tokens=COUNT,
        metadata=ANY_OBJECT,
        uploaded_at=TEXT,
        indexed_at=TIME,
        language={"type": ["string", "null"]},
        current_version={"type": ["string", "null"]},
        needs_ocr=COUNT,
        properties=record("", title=TEXT, author=TEXT, created=TEXT, modified=TEXT),
        receipt=ANY_OBJECT,
        progress=record("", pages=nullable(COUNT), chunks=nullable(COUNT), embedded_chunks=COUNT),
    ),
    "Documents": page("documents", ref("Document")),
    "Me": record(
        "tenant_id name tier status limits models",
        tenant_id=TEXT,
        name=TEXT,
        tier=one_of(TIERS),
        status=TEXT,
        limits=COUNTS,
        models=listed(TEXT),
    ),
    "KeyRequest": request(
        "",
        role=one_of(ROLES),
        name={"type": "string", "minLength": 1, "maxLength": MAX_KEY_NAME},
        expires_at=TIME,
    ),
    "Key": record("key_id role created_at", **KEY),
    "IssuedKey": record("tenant_id key_id api_key role created_at", tenant_id=TEXT, api_key=TEXT, **KEY),
    "Keys": page("keys", ref("Key")),
    "TenantRequest": request(
        "tenant_id name",
        tenant_id={
            "type": "string",
            "minLength": 3,
            "maxLength": 61,
            "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$",
        },
        name={"type": "string", "minLength": 1, "maxLength": 200},
        tier=one_of(TIERS),
        settings=SETTINGS,
        limits=LIMITS,
    ),
    "TenantChange": request(
        "",
        name={"type": "string", "minLength": 1, "maxLength": 200},
        tier=one_of(TIERS),
        settings=SETTINGS,
        limits=LIMITS,
        status=one_of(("suspended", "active")),
    )
    | {"minProperties": 1},
    "AcceptedTenant": record("tenant_id status", tenant_id=TEXT, status=TEXT),
    "Tenant": record(
        "tenant_id status",
        tenant_id=TEXT,
        status=TEXT,
        name=TEXT,
        tier=one_of(TIERS),
        created_at=TIME,
        settings=SETTINGS,
        chosen_settings=SETTINGS,
        limits=COUNTS,
        chosen_limits=LIMITS,
        placement=ANY_OBJECT,
        move=record("tier stage", tier=one_of(TIERS), stage=TEXT, reason=TEXT),
        reason=TEXT,
        reason_code=TEXT,
        receipt=record(
            "created_at removed_at before after", created_at=TIME, removed_at=TIME, before=COUNTS, after=COUNTS
        ),
    ),
    "Tenants": page("tenants", ref("Tenant")),
    "AuditEntry": record(
        "at author request_id action before after",
        at=TIME,
        author=TEXT,
        request_id=TEXT,
        action=TEXT,
        before={"type": ["object", "null"]},
        after={"type": ["object", "null"]},
    ),
    "AuditEntries": page("entries", ref("AuditEntry")),
    "ExportedObjects": record(
        "tenant_id objects",
        tenant_id=TEXT,
        objects=listed(record("name size url", name=TEXT, size=COUNT, url=TEXT)),
        next_cursor=TEXT,
    ),
    "OpenApi": ANY_OBJECT,
}
