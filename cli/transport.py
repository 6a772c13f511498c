"""HTTP requests with timeouts and without retries."""

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
CHUNK_BYTES = 256 * 1024
READ_SECONDS = 60  # above API Gateway's own limit of 29 s, so that its response arrives first


@dataclass(frozen=True)
class Request:
    """An HTTP request; a body of several chunks needs a Content-Length."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Iterable[bytes] | None = None


@dataclass(frozen=True)
class Response:
    """An HTTP response; its header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends HTTP requests."""

    def send(self, request: Request) -> Response:
        """Sends a request and returns the response, whatever its status."""

    def download(self, url: str, write: Callable[[bytes], object]) -> int:
        """Passes the body of a response with status 200 to `write`, chunk by chunk; returns the status."""


class HttpTransport:
    """Sends requests over the network. Safe to share between threads."""

    def __init__(self, connections: int) -> None:
        """Keeps up to `connections` connections per host."""
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )

    def send(self, request: Request) -> Response:
        """Sends a request and returns the response, whatever its status.

        Raises:
            StackError: The address cannot be reached.
        """
        try:
            response = self._pool.request(
                request.method, request.url, headers=request.headers, body=request.body, redirect=False
            )
        except HTTPError as error:
            raise _unreachable(request.url, error) from error
        return Response(
            response.status, {name.lower(): value for name, value in response.headers.items()}, response.data
        )

    def download(self, url: str, write: Callable[[bytes], object]) -> int:
        """Passes the body of a response with status 200 to `write`, chunk by chunk; returns the status.

        Raises:
            StackError: The address cannot be reached, or the response is interrupted.
        """
        try:
            response = self._pool.request("GET", url, redirect=False, preload_content=False)
            try:
                if response.status == OK:
                    for chunk in response.stream(CHUNK_BYTES, decode_content=False):
                        write(chunk)
                response.drain_conn()
            finally:
                response.release_conn()
        except HTTPError as error:
            raise _unreachable(url, error) from error
        return response.status


def redirected(name: str, status: int, location: str | None) -> CommandError:
    """Returns the error of a signed URL that is redirected, since its signature is not valid for another host.

    Args:
        name: The object that is uploaded or downloaded.
        status: The status of the redirect.
        location: The URL of the redirect, if it is known.
    """
    host = urllib3.util.parse_url(location).netloc if location else None
    message = (
        f"S3 redirects {name} to {host or 'another host'} (status {status}), and a signed URL cannot follow: "
        "deploy the stack again with this version, so that its URLs name the S3 host of its own region. "
        "If it is up to date, check for a proxy on the network."
    )
    return CommandError("redirected", message)


def _unreachable(url: str, error: HTTPError) -> StackError:
    address = urllib3.util.parse_url(url)
    origin = f"{address.scheme}://{address.netloc}"
    if is_local(origin):
        if isinstance(error, NewConnectionError | ConnectTimeoutError):
            return nothing_deployed(f"There is no local cloud at {origin}")
        message = f"The local cloud at {origin} interrupted its response: try again; its log is .local/cloud.log."
        return StackError("unreachable", message)
    return StackError("unreachable", f"{address.netloc} cannot be reached: check the network.")
