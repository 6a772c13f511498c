"""REST APIs imported from OpenAPI, as SAM's `AWS::Serverless::Api` makes them.

The emulator's import leaves out the catch-all method, gateway responses, binary media types, and the time limits,
templates and responses of integrations, so that `{proxy+}` routes, problem documents and CORS preflights do not work.
The answer to a caller whom IAM denies a method bypasses the gateway responses. So does the answer for a function that
fails or is throttled; for one that takes too long the emulator waits without end.

Remove when ministack's import of OpenAPI documents keeps all of these, and its errors pass through the gateway
responses.
"""

import asyncio
import json
from typing import Any

from ministack import app
from ministack.core.iam_evaluator import AuthError
from ministack.services import apigateway_v1

type Json = dict[str, Any]

_ANY_METHOD = "x-amazon-apigateway-any-method"
_BINARY_MEDIA_TYPES = "x-amazon-apigateway-binary-media-types"
_GATEWAY_RESPONSES = "x-amazon-apigateway-gateway-responses"
_INTEGRATION = "x-amazon-apigateway-integration"


# The longest that a REST API waits for an integration, unless it says less (API Gateway quotas).
INTEGRATION_MILLISECONDS = 29_000


def apply() -> None:
    """Complete the import of OpenAPI documents, and the answers where IAM denies or a function does not answer."""
    _complete_imports()
    _answer_denials()
    _answer_for_functions()


def _complete_imports() -> None:
    import_api = apigateway_v1._import_rest_api
    import_path = apigateway_v1._import_path_item
    import_operation = apigateway_v1._import_operation
    apigateway_v1._OPENAPI_HTTP_METHODS.add("any")

    def whole_api(document: Json, base: Json | None = None) -> str:
        media_types = document.get(_BINARY_MEDIA_TYPES) or []
        known = (base or {}).get("binaryMediaTypes") or []
        api_id: str = import_api(document, {**(base or {}), "binaryMediaTypes": [*known, *media_types]})
        for kind, response in (document.get(_GATEWAY_RESPONSES) or {}).items():
            apigateway_v1._put_gateway_response(api_id, kind, response)
        return api_id

    def path_item(api_id: str, path: str, item: Json, *rest: Any) -> None:
        renamed = {"any" if name == _ANY_METHOD else name: operation for name, operation in item.items()}
        import_path(api_id, path, renamed, *rest)

    def operation(api_id: str, resource_id: str, method: str, definition: Json, *rest: Any) -> None:
        import_operation(api_id, resource_id, method, definition, *rest)
        _complete_integration(api_id, resource_id, method, definition)

    apigateway_v1._import_rest_api = whole_api
    apigateway_v1._import_path_item = path_item
    apigateway_v1._import_operation = operation


def _complete_integration(api_id: str, resource_id: str, method: str, definition: Json) -> None:
    integration = (definition or {}).get(_INTEGRATION)
    if not integration:
        return
    imported = apigateway_v1._resources[api_id][resource_id]["resourceMethods"][method]["methodIntegration"]
    imported["requestTemplates"] = integration.get("requestTemplates") or {}
    if "timeoutInMillis" in integration:
        imported["timeoutInMillis"] = integration["timeoutInMillis"]
    for status, response in (definition.get("responses") or {}).items():
        apigateway_v1._put_method_response(api_id, resource_id, method, str(status), response)
    for pattern, response in (integration.get("responses") or {}).items():
        selected = {**response, "selectionPattern": "" if pattern == "default" else pattern}
        status = str(response.get("statusCode", "200"))
        apigateway_v1._put_integration_response(api_id, resource_id, method, status, selected)


def _answer_denials() -> None:
    enforce = app._enforce_execute_api
    apigateway_v1._AUTHENTICATION_GATEWAY_ERRORS["AccessDenied"] = ("ACCESS_DENIED", "AccessDeniedException")

    def enforce_with_gateway_response(
        api_id: str, stage: str, method: str, path: str, headers: Json, query: Json, **kwargs: Any
    ) -> Any:
        denied = enforce(api_id, stage, method, path, headers, query, **kwargs)
        message = _denial_message(denied)
        if message is None:
            return denied
        error = AuthError("AccessDenied", message)
        return apigateway_v1.authentication_error_response(api_id, stage, error, headers, query) or denied

    app._enforce_execute_api = enforce_with_gateway_response


def _denial_message(reply: Any) -> str | None:
    """What a reply from the IAM check says, if it is one that denies."""
    if not reply or not reply[1].get("Content-Type", "").startswith("application/x-amz-json"):
        return None
    return str(json.loads(reply[2]).get("message"))


class _NoAnswerError(Exception):
    """An integration gave no answer that a client may see; the text is the type of the gateway response."""


def _answer_for_functions() -> None:
    """Answer by gateway responses where a function fails, is throttled or takes too long.

    A throttled function is INTEGRATION_FAILURE once that is customised, one that takes longer than the integration
    waits is INTEGRATION_TIMEOUT; for one that ends with an error, AWS writes of 502 and of no type of its own.
    """
    invoke = apigateway_v1._invoke_lambda_proxy_v1
    call = apigateway_v1._call_lambda_raw
    unfinished: set[asyncio.Task[Any]] = set()

    async def invoke_in_time(integration: Json, *args: Any, **kwargs: Any) -> Any:
        milliseconds = int(integration.get("timeoutInMillis") or INTEGRATION_MILLISECONDS)
        # The function runs on when nobody waits for it any more, as it does on AWS.
        task = asyncio.create_task(invoke(integration, *args, **kwargs))
        unfinished.add(task)
        task.add_done_callback(unfinished.discard)
        done, _ = await asyncio.wait({task}, timeout=milliseconds / 1000)
        if not done:
            return apigateway_v1._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
        try:
            return task.result()
        except _NoAnswerError as error:
            return apigateway_v1._gw_error(str(error), "Internal server error")

    async def call_function(*args: Any, **kwargs: Any) -> tuple[Json | None, str | None]:
        result, error = await call(*args, **kwargs)
        if result and result.get("throttle"):
            raise _NoAnswerError("INTEGRATION_FAILURE")
        if result and result.get("error"):
            raise _NoAnswerError("DEFAULT_5XX")
        return result, error

    apigateway_v1._invoke_lambda_proxy_v1 = invoke_in_time
    apigateway_v1._call_lambda_raw = call_function
