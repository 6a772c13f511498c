"""What the API answers, whole: status, headers and body, and what is metered of a refusal."""

import json
from typing import Any

import pytest

from onggi.domain.errors import (
    BadDocument,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    OnggiError,
    QuotaExceeded,
    TenantMismatch,
    TransientError,
)
from onggi.entry.http import Answer, Api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.settings import Settings
from tests.application_parts import replace_parts
from tests.unit.core.fakes import FakeMeter, tenant_named

CODES = {
    400: "invalid_request",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    415: "unsupported_type",
    429: "quota_exceeded",
    500: "internal",
    503: "unavailable",
}
HEADERS = {"x-request-id": "r1", "cache-control": "no-store"}


def event(**claims: object) -> dict[str, Any]:
    return {"httpMethod": "GET", "resource": "/v1/me", "requestContext": {"requestId": "r1", "authorizer": claims}}


def of_tenant() -> dict[str, Any]:
    return event(tenant=json.dumps(tenant_named().to_dict()), role="reader", status="active", principalId="acme/k")


def answer(given: dict[str, Any], route: Answer) -> dict[str, Any]:
    api = Api()
    api.route("GET", "/v1/me", role="reader")(route)
    return api.handler(given, None)


def raising(error: Exception) -> Answer:
    def route(_: ApiRequest) -> ApiResponse:
        raise error

    return route


def test_an_answer() -> None:
    assert answer(of_tenant(), lambda _: ApiResponse(201, {"이름": "김"})) == {
        "statusCode": 201,
        "headers": {"content-type": "application/json; charset=utf-8", **HEADERS},
        "body": '{"이름": "김"}',
    }


@pytest.mark.parametrize(
    ("error", "status", "title", "detail"),
    [
        (InvalidRequest(("a", "is wrong")), 400, "Invalid request", "The request is invalid: a: is wrong"),
        (Forbidden("No."), 403, "Forbidden", "No."),
        (NotFound("None."), 404, "Not found", "None."),
        (TenantMismatch("None."), 404, "Not found", "None."),
        (Conflict("Moved on."), 409, "Conflict", "Moved on."),
        (BadDocument("too_large", "Split it."), 413, "Content too large", "Split it."),
        (BadDocument("unsupported_type", "Save it."), 415, "Unsupported media type", "Save it."),
        (BadDocument("empty", "Empty."), 400, "Invalid request", "Empty."),
        (QuotaExceeded("Full."), 429, "Limit reached", "Full."),
        (
            TransientError("DynamoDB."),
            503,
            "Service unavailable",
            "A part of the service is not available at the moment; try again soon.",
        ),
        (
            KeyError("secret"),
            500,
            "Internal error",
            "Something went wrong on our side; try again, and send us the request id if it happens again.",
        ),
    ],
)
def test_a_problem(monkeypatch: pytest.MonkeyPatch, error: OnggiError, status: int, title: str, detail: str) -> None:
    replace_parts(monkeypatch, meter=FakeMeter())
    found = answer(of_tenant(), raising(error))
    problem = {
        "type": "urn:onggi:problem:" + CODES[status].replace("_", "-"),
        "title": title,
        "status": status,
        "code": CODES[status],
        "detail": detail,
        "request_id": "r1",
    }
    if status == 400 and isinstance(error, InvalidRequest):
        problem["errors"] = [{"field": "a", "message": "is wrong"}]
    retry = {"retry-after": "1"} if status == 503 else {}
    assert found["statusCode"] == status
    assert found["headers"] == {"content-type": "application/problem+json; charset=utf-8", **HEADERS, **retry}
    assert json.loads(found["body"]) == problem


@pytest.mark.parametrize(
    ("error", "throttled"),
    [
        (QuotaExceeded("Later.", retry_after=7), 1),
        (QuotaExceeded("Full."), 0),
        (TransientError("Down.", retry_after=7), 1),
        (NotFound("None."), 0),
    ],
)
def test_what_is_refused_for_now_is_metered_and_what_is_refused_for_good_is_not(
    monkeypatch: pytest.MonkeyPatch, error: OnggiError, throttled: int
) -> None:
    meter = FakeMeter()
    replace_parts(monkeypatch, meter=meter)
    found = answer(of_tenant(), raising(error))
    assert meter.recorded == [("acme", {"ThrottledRequests": 1})] * throttled
    assert found["headers"].get("retry-after") == ("7" if throttled else None)


@pytest.mark.parametrize("origin", ["https://app.example.com", "*"])
@pytest.mark.parametrize("error", [None, NotFound("None."), KeyError("secret")])
def test_browsers_of_the_allowed_origin_may_read_every_response(
    monkeypatch: pytest.MonkeyPatch, origin: str, error: Exception | None
) -> None:
    replace_parts(monkeypatch, settings=Settings({"ALLOWED_ORIGIN": origin}))
    found = answer(of_tenant(), raising(error) if error else lambda _: ApiResponse(200, {}))
    assert found["headers"]["access-control-allow-origin"] == origin
    assert "retry-after" in found["headers"]["access-control-expose-headers"]


def test_no_origin_is_allowed_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_parts(monkeypatch, settings=Settings({"ALLOWED_ORIGIN": "none"}))
    found = answer(of_tenant(), lambda _: ApiResponse(200, {}))
    assert not [name for name in found["headers"] if name.startswith("access-control")]
