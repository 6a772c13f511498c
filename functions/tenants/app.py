"""Operators onboard tenants and issue keys."""

from typing import Any

from onggi import bootstrap, requests
from onggi.entry import ApiRequest, ApiResponse, api
from onggi.steps import tenants


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
    """GET /admin/tenants/{id}."""
    return ApiResponse(200, tenants.shown(tenants.existing_tenant(request.path["id"], bootstrap.directory())))


def issue_key(request: ApiRequest) -> ApiResponse:
    """POST /admin/tenants/{id}/keys."""
    return ApiResponse(201, tenants.issue_key(request.path["id"], bootstrap.directory(), bootstrap.now))


handler = api(
    {
        ("POST", "/v1/admin/tenants"): create,
        ("GET", "/v1/admin/tenants"): list_tenants,
        ("GET", "/v1/admin/tenants/{id}"): show,
        ("POST", "/v1/admin/tenants/{id}/keys"): issue_key,
    },
    operators_only=True,
)
