"""HTTP as the command speaks it: one request, one response, bounded waiting, no retries of its own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import urllib3
from urllib3.exceptions import HTTPError

from cli.errors import CommandError, StackError

CONNECT_SECONDS = 5
OK = 200
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PIECE_BYTES = 256 * 1024
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

    def download(self, url: str, take: Callable[[bytes], object]) -> int:
        """Hand over what an address answers, piece by piece, if its status is 200; returns the status."""


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
            raise _unreachable(request.url) from error
        return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    def download(self, url: str, take: Callable[[bytes], object]) -> int:
        """Hand over what an address answers, piece by piece, if its status is 200; returns the status.

        Raises:
            StackError: Nobody answers at the address, or the answer breaks off.
        """
        try:
            answer = self._pool.request("GET", url, redirect=False, preload_content=False)
            try:
                if answer.status == OK:
                    for piece in answer.stream(PIECE_BYTES, decode_content=False):
                        take(piece)
                answer.drain_conn()
            finally:
                answer.release_conn()
        except HTTPError as error:
            raise _unreachable(url) from error
        return answer.status


def redirected(name: str, status: int, location: str | None) -> CommandError:
    """Return what to say where a signed address answers with a redirect, which a signature cannot follow.

    Args:
        name: What is uploaded or fetched.
        status: The status of the redirect.
        location: The address that it names, if it is known.
    """
    host = urllib3.util.parse_url(location).netloc if location else None
    message = (
        f"S3 redirects {name} to {host or 'another host'} (status {status}), and a signed address cannot follow: "
        "deploy the stack again with this version, so that its addresses name the S3 host of its own region. "
        "If it is up to date, look for a proxy on the way."
    )
    return CommandError("redirected", message)


def _unreachable(url: str) -> StackError:
    host = urllib3.util.parse_url(url).netloc
    message = f"{host} does not answer: check the network, or start the local cloud with `make up`."
    return StackError("unreachable", message)
