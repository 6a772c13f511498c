"""Tells API Gateway who is calling, for which tenant and with which role."""

import json
from functools import cache
from typing import Any

from onggi.bootstrap import application
from onggi.domain.access import PoolUser
from onggi.domain.errors import Unauthorized
from onggi.entry.events import Event
from onggi.entry.logging import best_effort, logged
from onggi.ports.access import TokenVerifier
from onggi.steps.access.authorize import authorize, note_use


def handler(event: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes a request of a TOKEN authoriser; returns a policy for the whole API, with tenant and role as its context.

    Raises:
        Exception: with the text `Unauthorized`, for which API Gateway responds with 401.
    """
    try:
        return logged(context, {"route": "authorize"}, lambda: _policy(event))
    except Unauthorized as error:
        raise Exception("Unauthorized") from error  # API Gateway responds with 401 only for this text


class PoolUsers:
    """Verifies tokens of the user pool; its library is imported for the first token, since most callers use keys."""

    def verify(self, token: str) -> PoolUser:
        """Returns the user of a token."""
        return _user_pool().verify(token)


@cache
def _user_pool() -> TokenVerifier:
    from user_pool import KeySet, UserPool, read_keys  # noqa: PLC0415 - see PoolUsers

    settings = application.settings
    keys = KeySet(lambda: read_keys(settings.user_pool_keys_url), application.now)
    return UserPool(settings.user_pool_issuer, settings.user_pool_client_id, keys)


def _policy(event: Event) -> dict[str, Any]:
    key_ring, now = application.key_ring, application.now
    caller = authorize(event.get("authorizationToken", ""), application.directory, key_ring, PoolUsers(), now)
    best_effort("the last use of a key was not noted", lambda: note_use(caller, key_ring, now))
    tenant = caller.record.context
    # The policy is cached by credential, so it must cover the whole stage, not only the route of the first call.
    stage = "/".join(event["methodArn"].split("/")[:2])
    return {
        "principalId": caller.name,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow" if caller.record.status == "active" else "Deny",
                    "Resource": f"{stage}/*",
                }
            ],
        },
        "context": {
            "tenant": json.dumps(tenant.to_dict(), ensure_ascii=False),
            "status": caller.record.status,
            "role": caller.role,
        },
    }
