"""A client of the HTTP API: sends and reads JSON, retries throttled requests, turns problems into errors."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from cli.errors import ApiError
from cli.signing import Authorise
from cli.transport import Request, Response, Transport
from cli.waiting import Clock

type JsonObject = dict[str, Any]

RETRIED = frozenset({429, 503})
ATTEMPTS = 5
MAX_RETRY_SECONDS = 30.0
PAGE_SIZE = 100


class ApiClient:
    """Calls one stack's API as one caller. Safe to share between threads."""

    def __init__(self, base: str, transport: Transport, authorise: Authorise, clock: Clock) -> None:
        self._base = base
        self._transport = transport
        self._authorise = authorise
        self._clock = clock

    def get(self, route: str, query: Mapping[str, str | int | None] | None = None) -> JsonObject:
        """Sends a GET request; parameters that are None are left out.

        Raises:
            ApiError: The API returned a problem.
        """
        parameters = {name: value for name, value in (query or {}).items() if value is not None}
        query_string = f"?{urlencode(parameters, quote_via=quote, safe='')}" if parameters else ""
        return self._call("GET", route + query_string)

    def post(self, route: str, body: JsonObject) -> JsonObject:
        """Sends a POST request with a JSON body.

        Raises:
            ApiError: The API returned a problem.
        """
        return self._call("POST", route, body)

    def patch(self, route: str, body: JsonObject) -> JsonObject:
        """Sends a PATCH request; fields that are left out keep their values.

        Raises:
            ApiError: The API returned a problem.
        """
        return self._call("PATCH", route, body)

    def delete(self, route: str) -> JsonObject:
        """Sends a DELETE request.

        Raises:
            ApiError: The API returned a problem.
        """
        return self._call("DELETE", route)

    def pages(
        self, route: str, items: str, query: Mapping[str, str | int | None] | None = None
    ) -> Iterator[JsonObject]:
        """Yields the items of a list, page by page.

        Args:
            route: The route of the list.
            items: The field that holds a page's items.
            query: Filters of the list.

        Raises:
            ApiError: The API returned a problem.
        """
        cursor: str | None = None
        while True:
            page = self.get(route, {**(query or {}), "limit": PAGE_SIZE, "cursor": cursor})
            yield from page[items]
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def _call(self, method: str, route: str, body: JsonObject | None = None) -> JsonObject:
        headers = {"accept": "application/json"}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body, ensure_ascii=False).encode()
        response = self._send(Request(method, self._base + route, headers, data))
        if not 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's own range of success
            raise read_problem(response)
        return _read_object(response) or {}

    def _send(self, request: Request) -> Response:
        for attempt in range(ATTEMPTS):
            # Each attempt is signed again: a signature is valid for minutes only.
            response = self._transport.send(self._authorise(request))
            if response.status not in RETRIED or attempt == ATTEMPTS - 1:
                break
            self._clock.sleep(retry_seconds(response, attempt))
        return response


def retry_seconds(response: Response, attempt: int) -> float:
    """Returns the seconds before the next attempt: those of Retry-After, or else 0.5 s doubled each time."""
    retry_after = response.headers.get("retry-after", "")
    seconds = float(retry_after) if retry_after.isdecimal() else 0.5 * 2**attempt
    return min(seconds, MAX_RETRY_SECONDS)


def read_problem(response: Response) -> ApiError:
    """Returns the error of a response (RFC 9457, or API Gateway's own format), its message one sentence."""
    problem = _read_object(response) or {}
    sentence = problem.get("detail") or problem.get("title") or problem.get("message")
    if not sentence:
        sentence = f"The API returned status {response.status} without a reason"
    fields = [f"{error.get('field')}: {error.get('message')}" for error in problem.get("errors") or []]
    missing = [field for field in fields if field not in sentence]
    if missing:
        sentence = f"{sentence.rstrip('.')} ({'; '.join(missing)})"
    request_id = problem.get("request_id")
    if response.status >= 500 and request_id:  # noqa: PLR2004 - HTTP's own range of server errors
        sentence = f"{sentence.rstrip('.')} (request {request_id})"
    sentence = sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
    return ApiError(response.status, _problem_code(problem, response.status), sentence)


def _problem_code(problem: JsonObject, status: int) -> str:
    name = str(problem.get("type") or "").rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1]
    return name if name and name != "blank" else f"http_{status}"


def _read_object(response: Response) -> JsonObject | None:
    try:
        read = json.loads(response.body)
    except ValueError:
        return None
    return read if isinstance(read, dict) else None
