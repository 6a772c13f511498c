import pytest

from cli.api import ApiClient, read_problem, retry_seconds
from cli.errors import ApiError
from cli.signing import with_api_key, with_signature
from cli.transport import Request, Response
from cli.waiting import wait_for
from tests.unit.cli.fakes import FakeAccount, FakeTime, ScriptedTransport, reply

BASE = "https://api.test/v1"


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def transport() -> ScriptedTransport:
    return ScriptedTransport()


@pytest.fixture
def api(transport: ScriptedTransport, time: FakeTime) -> ApiClient:
    return ApiClient(BASE, transport, with_api_key("onggi_a_b"), time.clock)


@pytest.mark.parametrize("status", [429, 503])
def test_a_throttled_request_is_retried_after_the_time_that_the_server_requests(
    api: ApiClient, transport: ScriptedTransport, time: FakeTime, status: int
) -> None:
    transport.on("GET", f"{BASE}/me", reply(status, {}, retry_after="7"), reply(200, {"tenant_id": "a"}))
    assert api.get("/me") == {"tenant_id": "a"}
    assert time.pauses == [7]


def test_persistent_throttling_fails(api: ApiClient, transport: ScriptedTransport, time: FakeTime) -> None:
    transport.on("GET", f"{BASE}/me", reply(429, {"detail": "Too many questions."}, retry_after="3600"))
    with pytest.raises(ApiError, match="Too many questions"):
        api.get("/me")
    assert time.pauses == [30] * 4


def test_pauses_grow_without_retry_after() -> None:
    response = Response(503, {}, b"")
    assert [retry_seconds(response, attempt) for attempt in range(3)] == [0.5, 1, 2]


@pytest.mark.parametrize("status", [400, 404, 409, 500, 502])
def test_other_problems_are_not_retried(
    api: ApiClient, transport: ScriptedTransport, time: FakeTime, status: int
) -> None:
    transport.on("POST", f"{BASE}/query", reply(status, {"title": "No"}))
    with pytest.raises(ApiError) as raised:
        api.post("/query", {"question": "x"})
    assert raised.value.status == status
    assert time.pauses == []


@pytest.mark.parametrize(
    ("response", "code", "message"),
    [
        (reply(404, {"type": "about:blank", "detail": "Not there."}), "http_404", "Not there."),
        (reply(409, {"type": "urn:onggi:conflict", "title": "Conflict"}), "conflict", "Conflict."),
        (reply(403, {"message": "Missing Authentication Token"}), "http_403", "Missing Authentication Token."),
        (reply(500, {"detail": "It broke.", "request_id": "r1"}), "http_500", "It broke (request r1)."),
        (
            reply(400, {"detail": "Invalid: name: is empty", "errors": [{"field": "name", "message": "is empty"}]}),
            "http_400",
            "Invalid: name: is empty.",
        ),
        (Response(502, {}, b"<html>"), "http_502", "The API returned status 502 without a reason."),
        (Response(502, {}, b"[]"), "http_502", "The API returned status 502 without a reason."),
    ],
)
def test_every_kind_of_problem_becomes_one_sentence(response: Response, code: str, message: str) -> None:
    problem = read_problem(response)
    assert (problem.code, problem.message) == (code, message)


def test_parameters_are_escaped_and_none_is_left_out(api: ApiClient, transport: ScriptedTransport) -> None:
    transport.on("GET", f"{BASE}/documents", reply(200, {}))
    api.get("/documents", {"cursor": "a b&c=/", "status": None, "limit": 5})
    assert transport.sent[0].url == f"{BASE}/documents?cursor=a%20b%26c%3D%2F&limit=5"


def test_korean_is_sent_as_utf_8(api: ApiClient, transport: ScriptedTransport) -> None:
    transport.on("POST", f"{BASE}/query", reply(200, {}))
    api.post("/query", {"question": "연차"})
    assert "연차".encode() in transport.sent[0].body


def test_a_signature_covers_the_body() -> None:
    sign = with_signature(FakeAccount())
    first, second = (
        sign(Request("POST", f"{BASE}/admin/tenants", {"content-type": "application/json"}, body))
        for body in (b'{"tenant_id":"a"}', b'{"tenant_id":"b"}')
    )
    assert first.headers["Authorization"] != second.headers["Authorization"]
    assert first.headers["content-type"] == "application/json"
    assert "X-Amz-Date" in first.headers


def test_waiting_ends_with_the_first_result(time: FakeTime) -> None:
    seen = iter([None, None, 0])
    assert wait_for(lambda: next(seen), seconds=10, timeout_message="late", clock=time.clock) == 0
    assert time.pauses == pytest.approx([0.2, 0.3])
