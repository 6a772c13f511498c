"""HTTP as the command speaks it: one request, one response, bounded waiting, no retries of its own."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from cli.errors import CommandError, StackError
from cli.stack import is_local, nothing_deployed

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
        """Sends a request and returns the response, of whatever status."""

    def download(self, url: str, take: Callable[[bytes], object]) -> int:
        """Hands over what an address answers, piece by piece, if its status is 200; returns the status."""


class HttpTransport:
    """Carries requests over the network. Safe to share between threads."""

    def __init__(self, connections: int) -> None:
        """Keeps up to so many connections a host."""
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )

    def send(self, request: Request) -> Response:
        """Sends a request and returns the response, of whatever status.

        Raises:
            StackError: Nobody answers at the address.
        """
        try:
            answer = self._pool.request(
                request.method, request.url, headers=request.headers, body=request.body, redirect=False
            )
        except HTTPError as error:
            raise _unreachable(request.url, error) from error
        return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    def download(self, url: str, take: Callable[[bytes], object]) -> int:
        """Hands over what an address answers, piece by piece, if its status is 200; returns the status.

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
            raise _unreachable(url, error) from error
        return answer.status


def redirected(name: str, status: int, location: str | None) -> CommandError:
    """Returns what to say where a signed address answers with a redirect, which a signature cannot follow.

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


def _unreachable(url: str, error: HTTPError) -> StackError:
    address = urllib3.util.parse_url(url)
    origin = f"{address.scheme}://{address.netloc}"
    if is_local(origin):
        if isinstance(error, NewConnectionError | ConnectTimeoutError):
            return nothing_deployed(f"No local cloud answers at {origin}")
        message = f"The local cloud at {origin} has broken off its answer: try again; its log is .local/cloud.log."
        return StackError("unreachable", message)
    return StackError("unreachable", f"{address.netloc} does not answer: check the network.")
