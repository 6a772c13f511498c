"""Operators fetch what a tenant that was removed takes along."""

from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.domain.tenant import is_tenant_id
from onggi.entry.http import Api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.requests.listings import listing
from onggi.steps.tenancy.offboarding import exported_tenant

api = Api()


@api.route("GET", "/v1/admin/tenants/{id}/export", role="operator")
def list_export(request: ApiRequest) -> ApiResponse:
    """GET /admin/tenants/{id}/export."""
    tenant_id = request.path["id"]
    wanted = listing(request.query, with_status=False)
    tenant, run = exported_tenant(application.lifecycle.receipt(tenant_id) if is_tenant_id(tenant_id) else None)
    found, next_cursor = application.tenant_export(tenant, run).page(wanted.limit, wanted.cursor)
    body: dict[str, Any] = {"tenant_id": tenant_id, "objects": [asdict(each) for each in found]}
    return ApiResponse(200, body | ({"next_cursor": next_cursor} if next_cursor else {}))


handler = api.handler
