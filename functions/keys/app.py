"""Owners manage the keys of their own tenant."""

from onggi.bootstrap import application
from onggi.entry.http import Api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.requests.fields import json_object
from onggi.requests.keys import key_request
from onggi.requests.listings import listing
from onggi.steps.access import keys

api = Api()


@api.route("GET", "/v1/keys", role="owner")
def list_keys(request: ApiRequest) -> ApiResponse:
    """GET /keys."""
    wanted = listing(request.query, with_status=False)
    return ApiResponse(
        200, keys.list_keys(wanted.limit, wanted.cursor, application.owned_access_ports(request.verified_tenant))
    )


@api.route("POST", "/v1/keys", role="owner")
def issue(request: ApiRequest) -> ApiResponse:
    """POST /keys."""
    tenant = request.verified_tenant
    wanted = key_request(json_object(request.body), application.now())
    ports = application.owned_access_ports(tenant)
    return ApiResponse(201, keys.issue_key(tenant.tenant_id, wanted, request.author, ports))


@api.route("DELETE", "/v1/keys/{key_id}", role="owner")
def revoke(request: ApiRequest) -> ApiResponse:
    """DELETE /keys/{key_id}."""
    ports = application.owned_access_ports(request.verified_tenant)
    return ApiResponse(200, keys.revoke_key(request.path["key_id"], request.author, ports))


handler = api.handler
