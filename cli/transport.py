"""HTTP as the command speaks it: one request, one response, bounded waiting, no retries of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import urllib3
from urllib3.exceptions import HTTPError

from cli.errors import StackError

CONNECT_SECONDS = 5
READ_SECONDS = 60  # above API Gateway's own limit of 29 s, so that its answer arrives first


@dataclass(frozen=True)
class Request:
    """An HTTP request; a body of several pieces needs a Content-Length."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None = None


@dataclass(frozen=True)
class Response:
    """An HTTP response; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Whatever carries a request to its server."""

    def send(self, request: Request) -> Response:
        """Send a request and return the response, of whatever status."""


class HttpTransport:
    """Carries requests over the network. Safe to share between threads."""

    def __init__(self, connections: int) -> None:
        """Keep up to so many connections a host."""
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )

    def send(self, request: Request) -> Response:
        """Send a request and return the response, of whatever status.

        Raises:
            StackError: Nobody answers at the address.
        """
        try:
            answer = self._pool.request(
                request.method, request.url, headers=request.headers, body=request.body, redirect=False
            )
        except HTTPError as error:
            host = urllib3.util.parse_url(request.url).netloc
            message = f"{host} does not answer: check the network, or start the local cloud with `make up`."
            raise StackError("unreachable", message) from error
        return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)
