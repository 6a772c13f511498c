"""Operators onboard tenants, manage their keys and read what was changed."""

from typing import Any

from onggi.bootstrap import application
from onggi.domain.audit import AuditedAction
from onggi.domain.errors import NotFound
from onggi.domain.tenant import TenantRecord, is_tenant_id
from onggi.entry.http import Api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.ports.bundles import AccessPorts
from onggi.requests.fields import json_object
from onggi.requests.keys import key_request
from onggi.requests.listings import listing
from onggi.requests.tenants import tenant_change, tenant_request, wants_export
from onggi.steps.access import audit, keys
from onggi.steps.tenancy import tenants
from onggi.steps.tenancy.change_tenant import apply_change
from onggi.steps.tenancy.offboarding import remove_tenant

api = Api()


@api.route("POST", "/v1/admin/tenants", role="operator")
def create(request: ApiRequest) -> ApiResponse:
    """POST /admin/tenants."""
    wanted = tenant_request(json_object(request.body))
    record = tenants.create_tenant(wanted, application.places, application.control)
    _note("tenant.created", request, None, record)
    return ApiResponse(202, {"tenant_id": record.context.tenant_id, "status": record.status})


@api.route("GET", "/v1/admin/tenants", role="operator")
def list_tenants(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants."""
    wanted = listing(request.query, with_status=False)
    records, next_cursor = application.directory.page(wanted.limit, wanted.cursor)
    body: dict[str, Any] = {"tenants": [_shown(record) for record in records]}
    return ApiResponse(200, body | ({"next_cursor": next_cursor} if next_cursor else {}))


@api.route("GET", "/v1/admin/tenants/{id}", role="operator")
def show(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}; of a tenant that was removed, the receipt."""
    try:
        return ApiResponse(200, _shown(tenants.existing_tenant(request.path["id"], application.directory)))
    except NotFound:
        receipt = application.lifecycle.receipt(request.path["id"]) if is_tenant_id(request.path["id"]) else None
        if receipt is None:
            raise
        return ApiResponse(200, tenants.shown_receipt(receipt))


@api.route("DELETE", "/v1/admin/tenants/{id}", role="operator")
def remove(request: ApiRequest) -> ApiResponse:
    """DELETE /admin/tenants/{id}."""
    known = tenants.existing_tenant(request.path["id"], application.directory)
    grace = application.settings.removal_grace_seconds
    export = wants_export(request.query)
    record = remove_tenant(known, grace, application.control, export=export)
    _note("tenant.removed", request, known, record)
    return ApiResponse(202, {"tenant_id": record.context.tenant_id, "status": record.status})


@api.route("PATCH", "/v1/admin/tenants/{id}", role="operator")
def change(request: ApiRequest) -> ApiResponse:
    """PATCH /admin/tenants/{id}."""
    known = tenants.existing_tenant(request.path["id"], application.directory)
    wanted = tenant_change(json_object(request.body), known.context)
    changed = apply_change(
        known,
        wanted,
        application.places,
        application.grace_periods,
        application.control,
        lambda action, after: _note(action, request, known, after),
    )
    return ApiResponse(200, _shown(changed))


def _note(action: AuditedAction, request: ApiRequest, before: TenantRecord | None, after: TenantRecord) -> None:
    trail = application.access_ports(after.context.tenant_id).trail
    was = _shown(before) if before else None
    audit.note_change(action, request.author, was, _shown(after), trail, application.now)


def _shown(record: TenantRecord) -> dict[str, Any]:
    return tenants.shown(record, application.settings.max_document_bytes)


def _access_of(request: ApiRequest) -> AccessPorts:
    record = tenants.existing_tenant(request.path["id"], application.directory)
    return application.access_ports(record.context.tenant_id)


@api.route("GET", "/v1/admin/tenants/{id}/keys", role="operator")
def list_keys(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}/keys."""
    wanted = listing(request.query, with_status=False)
    return ApiResponse(200, keys.list_keys(wanted.limit, wanted.cursor, _access_of(request)))


@api.route("POST", "/v1/admin/tenants/{id}/keys", role="operator")
def issue_key(request: ApiRequest) -> ApiResponse:
    """POST /admin/tenants/{id}/keys; a body that is left out asks for nothing special."""
    wanted = key_request(json_object(request.body or "{}"), application.now())
    record = tenants.staying_tenant(request.path["id"], application.directory)
    access = application.access_ports(record.context.tenant_id)
    return ApiResponse(201, keys.issue_key(record.context.tenant_id, wanted, request.author, access))


@api.route("DELETE", "/v1/admin/tenants/{id}/keys/{key_id}", role="operator")
def revoke_key(request: ApiRequest) -> ApiResponse:
    """DELETE /admin/tenants/{id}/keys/{key_id}."""
    return ApiResponse(200, keys.revoke_key(request.path["key_id"], request.author, _access_of(request)))


@api.route("GET", "/v1/admin/tenants/{id}/audit", role="operator")
def list_changes(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}/audit; a tenant that is gone has left its trail."""
    wanted = listing(request.query, with_status=False)
    tenant_id = tenants.checked_tenant_id(request.path["id"])
    entries, next_cursor = application.access_ports(tenant_id).trail.page(wanted.limit, wanted.cursor)
    if not entries:
        tenants.existing_tenant(tenant_id, application.directory)
    body: dict[str, Any] = {"entries": [audit.shown(entry) for entry in entries]}
    return ApiResponse(200, body | ({"next_cursor": next_cursor} if next_cursor else {}))


handler = api.handler
