"""What each route takes and returns; its method, path and role are declared beside its function."""

from dataclasses import dataclass
from typing import Final

from layers.packaging.openapi.schemas import Json, one_of
from onggi.domain.document import STATUSES
from onggi.requests.listings import DEFAULT_PAGE, MAX_PAGE


@dataclass(frozen=True, slots=True)
class Operation:
    """A route as the contract describes it.

    Attributes:
        summary: what it does, in a line.
        status: of its success.
        response: the schema of its response.
        request: the schema of its body; None where it takes none.
        is_body_optional: whether the body may be left out.
        query: its parameters in the query string.
        errors: the statuses of its errors, besides those that every route has.
    """

    summary: str
    status: int
    response: str
    request: str | None = None
    is_body_optional: bool = False
    query: tuple[Json, ...] = ()
    errors: tuple[int, ...] = ()


def _parameter(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema}


PAGE: Final[tuple[Json, ...]] = (
    _parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}),
    _parameter("cursor", {"type": "string", "minLength": 1, "maxLength": 1024}),
)
STATUS: Final = _parameter("status", one_of(STATUSES))
EXPORT: Final = _parameter("export", {"type": "boolean", "default": False})

OPERATIONS: Final[dict[tuple[str, str], Operation]] = {
    ("POST", "/v1/query"): Operation(
        "Answer a question from the tenant's documents", 200, "Answer", "QueryRequest", errors=(504,)
    ),
    ("POST", "/v1/retrieve"): Operation(
        "Find the passages for a question", 200, "Passages", "RetrievalRequest", errors=(504,)
    ),
    ("GET", "/v1/me"): Operation("Show the tenant, its limits and its models", 200, "Me"),
    ("POST", "/v1/documents"): Operation(
        "Permit an upload straight into S3", 201, "Upload", "UploadRequest", errors=(413, 415)
    ),
    ("GET", "/v1/documents"): Operation(
        "List the tenant's documents, newest first", 200, "Documents", query=(STATUS, *PAGE)
    ),
    ("GET", "/v1/documents/{id}"): Operation("Show a document", 200, "Document", errors=(404,)),
    ("DELETE", "/v1/documents/{id}"): Operation("Delete a document", 202, "Document", errors=(404, 409)),
    ("GET", "/v1/keys"): Operation("List the tenant's keys", 200, "Keys", query=PAGE),
    ("POST", "/v1/keys"): Operation("Issue a key", 201, "IssuedKey", "KeyRequest"),
    ("DELETE", "/v1/keys/{key_id}"): Operation("Revoke a key", 200, "Key", errors=(404,)),
    ("POST", "/v1/admin/tenants"): Operation("Create a tenant", 202, "AcceptedTenant", "TenantRequest", errors=(409,)),
    ("GET", "/v1/admin/tenants"): Operation("List tenants", 200, "Tenants", query=PAGE),
    ("GET", "/v1/admin/tenants/{id}"): Operation("Show a tenant", 200, "Tenant", errors=(404,)),
    ("PATCH", "/v1/admin/tenants/{id}"): Operation("Change a tenant", 200, "Tenant", "TenantChange", errors=(404, 409)),
    ("DELETE", "/v1/admin/tenants/{id}"): Operation(
        "Remove a tenant", 202, "AcceptedTenant", query=(EXPORT,), errors=(404, 409)
    ),
    ("GET", "/v1/admin/tenants/{id}/keys"): Operation("List a tenant's keys", 200, "Keys", query=PAGE, errors=(404,)),
    ("POST", "/v1/admin/tenants/{id}/keys"): Operation(
        "Issue a key for a tenant", 201, "IssuedKey", "KeyRequest", is_body_optional=True, errors=(404, 409)
    ),
    ("DELETE", "/v1/admin/tenants/{id}/keys/{key_id}"): Operation("Revoke a tenant's key", 200, "Key", errors=(404,)),
    ("GET", "/v1/admin/tenants/{id}/audit"): Operation(
        "List what was changed about a tenant", 200, "AuditEntries", query=PAGE, errors=(404,)
    ),
    ("GET", "/v1/admin/tenants/{id}/export"): Operation(
        "List the exported data of a removed tenant", 200, "ExportedObjects", query=PAGE, errors=(404,)
    ),
    ("GET", "/v1/openapi.json"): Operation("Show this contract", 200, "OpenApi"),
}
