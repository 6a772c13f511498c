"""Resource policies of REST APIs: `x-amazon-apigateway-policy` of an imported document.

The emulator's import leaves the policy out, and a method with a Lambda authoriser never meets it. AWS looks for an
explicit denial before it calls the authoriser (API Gateway developer guide, "How API Gateway resource policies affect
authorization workflow").

Remove when ministack evaluates the resource policy of a REST API before the authoriser.
"""

import json
from typing import Any

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.arn import execute_api_arn
from ministack.services import apigateway_v1

type Json = dict[str, Any]

POLICY = "x-amazon-apigateway-policy"
INVOKE = "execute-api:Invoke"


def apply() -> None:
    """Keep the policy of an imported API, and ask it before a Lambda authoriser."""
    import_api = apigateway_v1._import_rest_api  # the emulator has no public hooks
    authorize = apigateway_v1._authorize_request_v1

    def import_with_policy(document: Json, base: Json | None = None) -> str:
        api_id: str = import_api(document, base)
        if document.get(POLICY):
            apigateway_v1._rest_apis[api_id]["policy"] = json.dumps(document[POLICY])
        return api_id

    async def authorize_by_policy(
        api_id: str, stage: str, method: Json, verb: str, path: str, *rest: Any
    ) -> tuple[Any, Json | None]:
        account, region = rest[-2:]
        arn = execute_api_arn(region, account, api_id, stage, verb, path)
        if method.get("authorizationType", "").upper() == "CUSTOM" and app.AUTH and _is_denied(arn, region):
            return apigateway_v1._gw_error("ACCESS_DENIED", "Forbidden"), None
        answer: tuple[Any, Json | None] = await authorize(api_id, stage, method, verb, path, *rest)
        return answer

    apigateway_v1._import_rest_api = import_with_policy
    apigateway_v1._authorize_request_v1 = authorize_by_policy


def _is_denied(arn: str, region: str) -> bool:
    """Whether the policy denies a call to whoever makes it without a signature."""
    policy = (apigateway_v1.rest_api_policy_for_arn(arn) or ("",))[0]
    context = iam_evaluator.EvalContext("*", "Anonymous", "", INVOKE, arn, region)
    return bool(policy and iam_evaluator.evaluate_resource_policy(policy, context).decision == "Deny")
