"""What Schemathesis has to know of this API. It runs in an environment of its own, see `requirements/contract.in`."""

import itertools
import json
import os
from typing import Any

import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SERVER_ERROR = 500
UNAVAILABLE = 503
MODEL_TIMEOUT = 504


OWN_KEY = os.environ["ONGGI_API_KEY"][-55:-43]
EXISTING: dict[str, list[dict[str, str]]] = json.loads(os.environ["ONGGI_EXISTING"])
"""For some routes, the parameters in the path of things that exist."""
next_existing = {label: itertools.cycle([*known, {}]) for label, known in EXISTING.items()}


class Signed(requests.auth.AuthBase):
    """Signs requests as the operator whose keys are in the environment."""

    def __call__(self, request: Any) -> Any:
        credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        signed = AWSRequest(request.method, request.url, data=request.body)
        SigV4Auth(credentials, "execute-api", os.environ["AWS_REGION"]).add_auth(signed)
        request.headers.update(signed.headers.items())
        return request


class Bearer(requests.auth.AuthBase):
    """Sends the key of a tenant's owner."""

    def __call__(self, request: Any) -> Any:
        request.headers["authorization"] = "Bearer " + os.environ["ONGGI_API_KEY"]
        return request


schemathesis.auth.set_from_requests(Signed()).apply_to(path_regex="^/v1/admin/")
schemathesis.auth.set_from_requests(Bearer()).skip_for(path_regex="^/v1/(admin/|openapi)")


def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Names things that exist, and keeps the own key: without it, all further responses would be 401."""
    label, path = case.operation.label, case.path_parameters
    if label in next_existing:
        path.update(next(next_existing[label]))
    if label == "DELETE /v1/keys/{key_id}" and path["key_id"] == OWN_KEY:
        path["key_id"] = "0" * len(OWN_KEY)


def no_undocumented_server_error(_context: Any, response: Any, _case: Any) -> None:
    """A 503 says when to try again, a 504 is the model's; every other server error is a fault."""
    status = response.status_code
    if status < SERVER_ERROR or status == MODEL_TIMEOUT:
        return
    assert status == UNAVAILABLE, f"the status is {status}"
    assert response.headers.get("retry-after"), "a 503 without Retry-After"


schemathesis.hook(before_call)
schemathesis.check(no_undocumented_server_error)
