"""REST APIs as SAM makes them: authorisers, gateway responses, catch-all routes, signed requests."""

import json
import time
from typing import Any

import boto3
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.integration.local_cloud import REGION
from tests.integration.patches.conftest import Stack

type Json = dict[str, Any]

KNOWN = {"Authorization": "Bearer known"}
PROBLEM = "application/problem+json"


def call(
    stack: Stack, method: str, path: str, headers: dict[str, str] | None = None, body: bytes | None = None
) -> urllib3.BaseHTTPResponse:
    return urllib3.request(method, f"{stack.api}{path}", headers=headers or {}, body=body, retries=False)


def signed(session: boto3.Session, method: str, url: str, body: bytes | None = None) -> urllib3.BaseHTTPResponse:
    request = AWSRequest(method, url, data=body)
    credentials = session.get_credentials()
    assert credentials
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return urllib3.request(method, url, headers=dict(request.headers), body=body, retries=False)


def test_the_authorizer_tells_the_function_who_calls(stack: Stack) -> None:
    reply = call(stack, "POST", "/v1/query", KNOWN, '{"question": "옹기?"}'.encode())
    assert reply.status == 200
    event = reply.json()
    assert event["requestContext"]["authorizer"]["tenant_id"] == "acme"
    assert json.loads(event["body"]) == {"question": "옹기?"}


def test_the_authorizer_is_asked_once_for_a_token(stack: Stack) -> None:
    def invocation(token: str) -> str:
        event = call(stack, "POST", "/v1/query", {"Authorization": token}).json()
        return str(event["requestContext"]["authorizer"]["invocation"])

    assert invocation("Bearer one") == invocation("Bearer one")
    assert invocation("Bearer one") != invocation("Bearer two")


@pytest.mark.parametrize(
    ("headers", "status", "title"),
    [
        ({}, 401, "Unauthorized"),
        ({"Authorization": "Bearer unknown"}, 401, "Unauthorized"),
        ({"Authorization": "Bearer denied"}, 403, "Forbidden"),
    ],
)
def test_refusals_are_problem_documents(stack: Stack, headers: dict[str, str], status: int, title: str) -> None:
    reply = call(stack, "POST", "/v1/query", headers)
    assert reply.status == status
    assert reply.headers["content-type"] == PROBLEM
    problem = reply.json()
    assert problem["title"] == title
    assert problem["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize("credential", ["known", "bearer known", "Bearer known!", "Bearer known x", "Bearer  known"])
def test_the_authorizer_is_not_asked_about_what_its_expression_does_not_match(stack: Stack, credential: str) -> None:
    """It would allow each of these: it refuses `Bearer unknown` alone."""
    reply = call(stack, "POST", "/v1/query", {"Authorization": credential})
    assert (reply.status, reply.headers["content-type"]) == (401, PROBLEM)


def test_the_policy_of_an_api_denies_what_the_authorizer_allows(stack: Stack) -> None:
    assert call(stack, "GET", "/v1/documents/d1", KNOWN).status == 200
    reply = call(stack, "GET", "/v1/documents/locked", KNOWN)
    assert (reply.status, reply.json()["title"]) == (403, "Forbidden")


@pytest.mark.parametrize(
    ("name", "status"), [("near", 200), ("far", 403), ("own", 200), ("strange", 403), ("tenants", 200)]
)
def test_the_policy_of_an_api_denies_what_iam_allows(stack: Stack, name: str, status: int) -> None:
    resource = f"arn:aws:execute-api:{REGION}:*:{stack['ApiId']}/live/*/v1/admin/*"
    operator = stack.role_session(f"contract-policy-{name}", ["execute-api:Invoke"], resource)
    assert signed(operator, "GET", f"{stack.api}/v1/admin/{name}").status == status


def test_paths_and_queries_arrive_decoded(stack: Stack) -> None:
    event = call(stack, "GET", "/v1/documents/d1?cursor=a%2Bb%3D%3D&k=%ED%95%9C%20%EA%B8%80&x=1&x=2", KNOWN).json()
    assert event["resource"] == "/v1/documents/{id}"
    assert event["pathParameters"] == {"id": "d1"}
    assert event["queryStringParameters"]["cursor"] == "a+b=="
    assert event["queryStringParameters"]["k"] == "한 글"
    assert event["multiValueQueryStringParameters"]["x"] == ["1", "2"]


def test_a_catch_all_route_takes_any_method(stack: Stack) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        event = call(stack, method, "/v1/p/a/b", KNOWN).json()
        assert (event["httpMethod"], event["pathParameters"]) == (method, {"proxy": "a/b"})


def test_a_route_without_authorizer_is_open_to_whom_the_policy_allows(stack: Stack) -> None:
    assert call(stack, "GET", "/v1/openapi.json").status == 200
    assert call(stack, "GET", "/v1/closed").status == 403


def test_an_unknown_route_is_a_problem_document(stack: Stack) -> None:
    reply = call(stack, "GET", "/v1/nothing", KNOWN)
    assert (reply.status, reply.headers["content-type"]) == (403, PROBLEM)


def test_a_preflight_tells_what_is_allowed(stack: Stack) -> None:
    reply = call(stack, "OPTIONS", "/v1/query", {"Origin": "https://app.example"})
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "authorization" in reply.headers["access-control-allow-headers"]


def test_binary_bodies_arrive_whole(stack: Stack) -> None:
    headers = {**KNOWN, "Content-Type": "application/octet-stream"}
    event = call(stack, "POST", "/v1/query", headers, b"\xff\x00").json()
    assert (event["body"], event["isBase64Encoded"]) == ("/wA=", True)


def test_signed_routes_take_those_whom_iam_allows(stack: Stack) -> None:
    url = f"{stack.api}/v1/admin/tenants"
    resource = f"arn:aws:execute-api:{REGION}:*:{stack['ApiId']}/live/*/v1/admin/*"
    operator = stack.role_session("contract-operator", ["execute-api:Invoke"], resource)
    event = signed(operator, "POST", url, b'{"tenant_id": "acme"}').json()
    assert ":assumed-role/contract-operator/" in event["requestContext"]["identity"]["userArn"]
    assert event["body"] == '{"tenant_id": "acme"}'
    assert signed(operator, "GET", f"{url}/acme?cursor=a%20b").status == 200


def test_signed_routes_refuse_everybody_else(stack: Stack) -> None:
    url = f"{stack.api}/v1/admin/tenants"
    resource = f"arn:aws:execute-api:{REGION}:*:{stack['ApiId']}/live/GET/v1/query"
    other = stack.role_session("contract-no-operator", ["execute-api:Invoke"], resource)
    known = other.get_credentials()
    assert known
    forged = boto3.Session(known.access_key, "forged", known.token, region_name=REGION)
    replies = [signed(other, "GET", url), signed(forged, "GET", url), call(stack, "GET", "/v1/admin/tenants")]
    assert [reply.status for reply in replies] == [403, 403, 403]
    assert [reply.headers["content-type"] for reply in replies] == [PROBLEM] * 3
    assert replies[0].json()["title"] == "Forbidden"
    assert call(stack, "GET", "/v1/admin/tenants", KNOWN).status == 403


def test_a_function_that_takes_longer_than_the_integration_waits(stack: Stack) -> None:
    assert call(stack, "POST", "/v1/slow", KNOWN, b"0").status == 200
    begin = time.monotonic()
    reply = call(stack, "POST", "/v1/slow", KNOWN, b"2.5")
    assert time.monotonic() - begin < 2.4, "nobody waits for the function"
    assert (reply.status, reply.headers["content-type"], reply.headers["retry-after"]) == (503, PROBLEM, "1")
    assert reply.json()["detail"] == "Endpoint request timed out"


def test_a_throttled_function_is_a_failure_of_the_integration(stack: Stack) -> None:
    functions = stack.cloud.client("lambda")
    functions.put_function_concurrency(FunctionName=stack["Disabled"], ReservedConcurrentExecutions=0)
    reply = call(stack, "POST", "/v1/disabled", KNOWN, b"{}")
    assert (reply.status, reply.headers["content-type"], reply.headers["retry-after"]) == (503, PROBLEM, "1")


def test_a_function_that_fails_shows_nothing_of_its_error(stack: Stack) -> None:
    reply = call(stack, "POST", "/v1/broken", KNOWN, b"{}")
    assert (reply.status, reply.headers["content-type"]) == (500, PROBLEM)
    assert "missing" not in reply.data.decode()
