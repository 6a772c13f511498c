"""A tenant's documents over HTTP."""

from typing import Any

from onggi.bootstrap import application
from onggi.entry.http import Api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.requests.fields import json_object
from onggi.requests.listings import listing
from onggi.requests.uploads import upload_request
from onggi.steps.documents.deletion import delete_document
from onggi.steps.documents.shown import existing_document, shown
from onggi.steps.documents.uploads import permit_upload

api = Api()


@api.route("POST", "/v1/documents", role="writer")
def upload(request: ApiRequest) -> ApiResponse:
    """POST /documents."""
    tenant = request.verified_tenant
    wanted = upload_request(json_object(request.body))
    ports = application.tenant_ports(tenant)
    return ApiResponse(201, permit_upload(tenant, wanted, application.settings.max_document_bytes, ports))


@api.route("GET", "/v1/documents", role="reader")
def list_documents(request: ApiRequest) -> ApiResponse:
    """GET /documents."""
    wanted = listing(request.query, with_status=True)
    ports = application.tenant_ports(request.verified_tenant)
    documents, next_cursor = ports.ledger.page(wanted.status, wanted.limit, wanted.cursor)
    body: dict[str, Any] = {"documents": shown(documents, ports)}
    return ApiResponse(200, body | ({"next_cursor": next_cursor} if next_cursor else {}))


@api.route("GET", "/v1/documents/{id}", role="reader")
def show(request: ApiRequest) -> ApiResponse:
    """GET /documents/{id}."""
    ports = application.tenant_ports(request.verified_tenant)
    document, *_ = shown([existing_document(request.path["id"], ports)], ports)
    return ApiResponse(200, document)


@api.route("DELETE", "/v1/documents/{id}", role="writer")
def delete(request: ApiRequest) -> ApiResponse:
    """DELETE /documents/{id}."""
    ports = application.tenant_ports(request.verified_tenant)
    return ApiResponse(202, delete_document(request.path["id"], ports).to_json())


handler = api.handler
