"""Operators onboard tenants, manage their keys and read what was changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from onggi.bootstrap import application
from onggi.domain.audit import AuditedAction
from onggi.domain.errors import NotFound
from onggi.domain.tenant import TenantRecord, TenantStatus, Tier, is_tenant_id
from onggi.entry.http import api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.ports.bundles import AccessPorts
from onggi.requests.fields import json_object
from onggi.requests.keys import key_request
from onggi.requests.listings import listing
from onggi.requests.tenants import tenant_change, tenant_request, wants_export
from onggi.steps.access import audit, keys
from onggi.steps.tenancy import tenants
from onggi.steps.tenancy.change_tenant import change_tenant
from onggi.steps.tenancy.move_tenant import check_move, move_tenant
from onggi.steps.tenancy.offboarding import remove_tenant

STATUS_ACTIONS: Final[Mapping[TenantStatus, AuditedAction]] = {
    "suspended": "tenant.suspended",
    "active": "tenant.resumed",
}
"""What a change of a tenant's status is called."""


def create(request: ApiRequest) -> ApiResponse:
    """POST /admin/tenants."""
    record = tenants.create_tenant(
        tenant_request(json_object(request.body)),
        application.places,
        application.directory,
        application.lifecycle,
        application.onboarding,
        application.now,
    )
    _note("tenant.created", request, None, record)
    return ApiResponse(202, {"tenant_id": record.context.tenant_id, "status": record.status})


def list_tenants(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants."""
    _, limit, cursor = listing(request.query, with_status=False)
    records, next_cursor = application.directory.page(limit, cursor)
    body: dict[str, Any] = {"tenants": [_shown(record) for record in records]}
    return ApiResponse(200, body | ({"next_cursor": next_cursor} if next_cursor else {}))


def show(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}; of a tenant that was removed, the receipt."""
    try:
        return ApiResponse(200, _shown(tenants.existing_tenant(request.path["id"], application.directory)))
    except NotFound:
        receipt = application.lifecycle.receipt(request.path["id"]) if is_tenant_id(request.path["id"]) else None
        if receipt is None:
            raise
        return ApiResponse(200, tenants.shown_receipt(receipt))


def remove(request: ApiRequest) -> ApiResponse:
    """DELETE /admin/tenants/{id}."""
    known = tenants.existing_tenant(request.path["id"], application.directory)
    grace = application.settings.removal_grace_seconds
    export = wants_export(request.query)
    record = remove_tenant(known, grace, application.lifecycle, application.offboarding, application.now, export=export)
    _note("tenant.removed", request, known, record)
    return ApiResponse(202, {"tenant_id": record.context.tenant_id, "status": record.status})


def change(request: ApiRequest) -> ApiResponse:
    """PATCH /admin/tenants/{id}."""
    known = tenants.existing_tenant(request.path["id"], application.directory)
    wanted = tenant_change(json_object(request.body), known.context)
    if wanted.tier is not None:
        check_move(replace(known, status=wanted.status or known.status), wanted.tier)
    changed = change_tenant(
        known, wanted, application.places, application.lifecycle, application.resumption, application.now
    )
    try:
        changed = _moved(changed, wanted.tier) if wanted.tier is not None else changed
    finally:  # what was changed is noted, also where the move could not be started
        resulting = STATUS_ACTIONS.get(changed.status) if changed.status != known.status else None
        _note(resulting or "tenant.changed", request, known, changed)
    return ApiResponse(200, _shown(changed))


def _moved(known: TenantRecord, tier: Tier) -> TenantRecord:
    place = application.places.place(known.context.tenant_id, tier)
    return move_tenant(
        known, tier, place, application.grace_periods, application.lifecycle, application.relocation, application.now
    )


def _note(action: AuditedAction, request: ApiRequest, before: TenantRecord | None, after: TenantRecord) -> None:
    trail = application.access_ports(after.context.tenant_id).trail
    was = _shown(before) if before else None
    audit.note_change(action, request.author, was, _shown(after), trail, application.now)


def _shown(record: TenantRecord) -> dict[str, Any]:
    return tenants.shown(record, application.settings.max_document_bytes)


def _access_of(request: ApiRequest) -> AccessPorts:
    record = tenants.existing_tenant(request.path["id"], application.directory)
    return application.access_ports(record.context.tenant_id)


def list_keys(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}/keys."""
    _, limit, cursor = listing(request.query, with_status=False)
    return ApiResponse(200, keys.list_keys(limit, cursor, _access_of(request)))


def issue_key(request: ApiRequest) -> ApiResponse:
    """POST /admin/tenants/{id}/keys; a body that is left out asks for nothing special."""
    wanted = key_request(json_object(request.body or "{}"), application.now())
    record = tenants.staying_tenant(request.path["id"], application.directory)
    access = application.access_ports(record.context.tenant_id)
    return ApiResponse(201, keys.issue_key(record.context.tenant_id, wanted, request.author, access))


def revoke_key(request: ApiRequest) -> ApiResponse:
    """DELETE /admin/tenants/{id}/keys/{key_id}."""
    return ApiResponse(200, keys.revoke_key(request.path["key_id"], request.author, _access_of(request)))


def list_changes(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}/audit; a tenant that is gone has left its trail."""
    _, limit, cursor = listing(request.query, with_status=False)
    tenant_id = tenants.checked_tenant_id(request.path["id"])
    entries, next_cursor = application.access_ports(tenant_id).trail.page(limit, cursor)
    if not entries:
        tenants.existing_tenant(tenant_id, application.directory)
    body: dict[str, Any] = {"entries": [audit.shown(entry) for entry in entries]}
    return ApiResponse(200, body | ({"next_cursor": next_cursor} if next_cursor else {}))


handler = api(
    {
        ("POST", "/v1/admin/tenants"): create,
        ("GET", "/v1/admin/tenants"): list_tenants,
        ("GET", "/v1/admin/tenants/{id}"): show,
        ("GET", "/v1/admin/tenants/{id}/keys"): list_keys,
        ("DELETE", "/v1/admin/tenants/{id}"): remove,
        ("PATCH", "/v1/admin/tenants/{id}"): change,
        ("POST", "/v1/admin/tenants/{id}/keys"): issue_key,
        ("DELETE", "/v1/admin/tenants/{id}/keys/{key_id}"): revoke_key,
        ("GET", "/v1/admin/tenants/{id}/audit"): list_changes,
    },
    operators_only=True,
)
