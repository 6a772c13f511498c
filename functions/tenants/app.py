"""Operators onboard tenants and issue keys."""

from typing import Any

from onggi import bootstrap, requests
from onggi.domain.errors import NotFound
from onggi.domain.tenant import is_tenant_id
from onggi.entry import ApiRequest, ApiResponse, api
from onggi.steps import tenants
from onggi.steps.change_tenant import change_tenant
from onggi.steps.offboarding import remove_tenant


def create(request: ApiRequest) -> ApiResponse:
    """POST /admin/tenants."""
    tenant_id, name, settings = requests.tenant_request(requests.json_object(request.body))
    record = tenants.create_tenant(
        tenant_id,
        name,
        settings,
        bootstrap.pool(),
        bootstrap.directory(),
        bootstrap.lifecycle(),
        bootstrap.onboarding(),
        bootstrap.now,
    )
    return ApiResponse(202, {"tenant_id": tenant_id, "status": record.status})


def list_tenants(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants."""
    _, limit, cursor = requests.listing(request.query, with_status=False)
    records, next_cursor = bootstrap.directory().page(limit, cursor)
    body: dict[str, Any] = {"tenants": [tenants.shown(record) for record in records]}
    return ApiResponse(200, body | ({"next_cursor": next_cursor} if next_cursor else {}))


def show(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}; of a tenant that was removed, the receipt."""
    try:
        return ApiResponse(200, tenants.shown(tenants.existing_tenant(request.path["id"], bootstrap.directory())))
    except NotFound:
        receipt = bootstrap.lifecycle().receipt(request.path["id"]) if is_tenant_id(request.path["id"]) else None
        if receipt is None:
            raise
        return ApiResponse(200, tenants.shown_receipt(receipt))


def remove(request: ApiRequest) -> ApiResponse:
    """DELETE /admin/tenants/{id}."""
    known = tenants.existing_tenant(request.path["id"], bootstrap.directory())
    grace = bootstrap.settings().removal_grace_seconds
    export = requests.wants_export(request.query)
    record = remove_tenant(known, grace, bootstrap.lifecycle(), bootstrap.offboarding(), bootstrap.now, export=export)
    return ApiResponse(202, {"tenant_id": record.context.tenant_id, "status": record.status})


def change(request: ApiRequest) -> ApiResponse:
    """PATCH /admin/tenants/{id}."""
    known = tenants.existing_tenant(request.path["id"], bootstrap.directory())
    wanted = requests.tenant_change(requests.json_object(request.body), known.context.settings)
    changed = change_tenant(known, wanted, bootstrap.lifecycle(), bootstrap.resumption(), bootstrap.now)
    return ApiResponse(200, tenants.shown(changed))


def issue_key(request: ApiRequest) -> ApiResponse:
    """POST /admin/tenants/{id}/keys."""
    return ApiResponse(201, tenants.issue_key(request.path["id"], bootstrap.directory(), bootstrap.now))


handler = api(
    {
        ("POST", "/v1/admin/tenants"): create,
        ("GET", "/v1/admin/tenants"): list_tenants,
        ("GET", "/v1/admin/tenants/{id}"): show,
        ("DELETE", "/v1/admin/tenants/{id}"): remove,
        ("PATCH", "/v1/admin/tenants/{id}"): change,
        ("POST", "/v1/admin/tenants/{id}/keys"): issue_key,
    },
    operators_only=True,
)
