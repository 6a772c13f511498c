"""Authorisation of requests: an API key for a tenant's routes, an AWS signature for the operator's."""

from collections.abc import Callable
from dataclasses import replace

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from cli.account import Account
from cli.transport import Request

type Authorise = Callable[[Request], Request]


def with_api_key(api_key: str) -> Authorise:
    """Returns a function that adds a tenant's API key to a request."""

    def authorise(request: Request) -> Request:
        return replace(request, headers={**request.headers, "authorization": f"Bearer {api_key}"})

    return authorise


def with_signature(account: Account) -> Authorise:
    """Returns a function that signs a request for API Gateway with the operator's credentials (SigV4)."""

    def authorise(request: Request) -> Request:
        signed = AWSRequest(request.method, request.url, headers=dict(request.headers), data=request.body or b"")
        SigV4Auth(account.credentials(), "execute-api", account.region).add_auth(signed)
        return replace(request, headers=dict(signed.headers.items()))

    return authorise
