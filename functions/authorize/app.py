"""Lets API Gateway know which tenant is calling."""

import json
from typing import Any

from onggi import bootstrap, entry
from onggi.domain.errors import Unauthorized
from onggi.steps.authorize import authorize


def handler(event: entry.Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
    """Takes a TOKEN authoriser's request; answers a policy for all of the API, and the tenant as its context.

    Raises:
        Exception: with the text `Unauthorized`, which is how API Gateway is told to answer 401.
    """
    try:
        return entry.logged(context, {"route": "authorize"}, lambda: _policy(event))
    except Unauthorized as error:
        raise Exception("Unauthorized") from error  # API Gateway knows this text only


def _policy(event: entry.Event) -> dict[str, Any]:
    caller = authorize(event.get("authorizationToken", ""), bootstrap.directory())
    tenant = caller.record.context
    # The policy is cached by credential: it has to speak of the whole stage, not of the route that was called first.
    stage = "/".join(event["methodArn"].split("/")[:2])
    return {
        "principalId": f"{tenant.tenant_id}/{caller.key_id}",
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
        },
    }
