"""Amazon Bedrock Runtime answered by local models, under the permissions that AWS asks for.

The emulator answers with canned text, and names each operation as its own IAM action where AWS asks for
`bedrock:InvokeModel` (service authorization reference, "Actions defined by Amazon Bedrock").

Remove when ministack lets another process answer Bedrock's operations under `bedrock:InvokeModel`.
"""

import asyncio
import json
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from urllib.parse import unquote

from ministack import app
from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import get_account_id, get_region

from local import bedrock
from local.bedrock.errors import ModelError

type Json = dict[str, Any]
type Reply = tuple[int, dict[str, str], bytes]

_PATH = re.compile(r"/model/(?P<model>.+)/(?P<operation>[a-z-]+)")
_ACTIONS = {
    "invoke": "bedrock:InvokeModel",
    "converse": "bedrock:InvokeModel",
    "invoke-with-response-stream": "bedrock:InvokeModelWithResponseStream",
    "converse-stream": "bedrock:InvokeModelWithResponseStream",
    "count-tokens": "bedrock:CountTokens",
}
_PROFILE_ARN = re.compile(r"arn:aws:bedrock:(?P<region>[a-z0-9-]+):[0-9]{12}:inference-profile/(?P<id>.+)")
_INFERENCE_PROFILE = re.compile(r"(global|us|us-gov|eu|apac|jp|au)\.")


def apply() -> None:
    """Answer Bedrock Runtime here, behind IAM."""
    app.SERVICE_HANDLERS["bedrock-runtime"] = handle_request
    emulated_action = iam_actions.extract_iam_action
    emulated_resource = iam_actions.extract_resource_arn

    def action(service: str, method: str, path: str, *rest: Any) -> str | None:
        if service == "bedrock-runtime":
            operation = _PATH.fullmatch(path)
            # An operation without a name here is refused to everybody who is not allowed everything.
            return _ACTIONS.get(operation["operation"] if operation else "", "bedrock:Unknown")
        found: str | None = emulated_action(service, method, path, *rest)
        return found

    def resource(service: str, method: str, path: str, *rest: Any) -> str:
        operation = _PATH.fullmatch(path)
        if service == "bedrock-runtime" and operation:
            region, account = rest[-2:]
            return model_arn(unquote(operation["model"]), region, account)
        return str(emulated_resource(service, method, path, *rest))

    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = resource


def model_arn(model_id: str, region: str, account: str) -> str:
    """The ARN that a policy names for a model id, which may be an ARN already."""
    if model_id.startswith("arn:"):
        return model_id
    if _INFERENCE_PROFILE.match(model_id):
        return f"arn:aws:bedrock:{region}:{account}:inference-profile/{model_id}"
    return f"arn:aws:bedrock:{region}::foundation-model/{model_id}"


def behind_profile(arn: str) -> list[str]:
    """The models that a caller of an inference profile has to be allowed, too; none for what is no profile.

    AWS asks for the model in every region that the profile names. Here that is the one of the request, and for a global
    profile also the model's ARN without a region (Bedrock user guide, "Global cross-Region inference").
    """
    profile = _PROFILE_ARN.fullmatch(arn)
    if profile is None:
        return []
    geography, _, model = profile["id"].partition(".")
    regions = [profile["region"], ""] if geography == "global" else [profile["region"]]
    return [f"arn:aws:bedrock:{region}::foundation-model/{model}" for region in regions]


def _denial(model_id: str, action: str, access_key: str) -> str | None:
    """Why a caller who may use an inference profile may not use the model behind it; None where it may."""
    if not app.AUTH:
        return None
    region, account = get_region(), get_account_id()
    profile = model_arn(model_id, region, account)
    for arn in behind_profile(profile):
        context = {"bedrock:InferenceProfileArn": profile}
        denied = iam_evaluator.enforce(access_key, action, "bedrock", region, resource_arn=arn, service_context=context)
        if denied is not None:
            return f"The caller is not authorized to perform: {action} on resource: {arn}"
    return None


async def handle_request(method: str, path: str, headers: Json, body: bytes, query: Json) -> Reply:
    """Answer one request to Bedrock Runtime."""
    match = _PATH.fullmatch(path)
    answer = _ANSWERS.get(match["operation"]) if match and method == "POST" else None
    if match is None or answer is None:
        return _error("UnknownOperationException", 404, f"The local cloud does not answer {method} {path}.")
    denied = _denial(
        unquote(match["model"]), _ACTIONS[match["operation"]], router.extract_access_key_id(headers, query)
    )
    if denied:
        return _error("AccessDeniedException", 403, denied)
    try:
        result = await _in_a_thread(answer, unquote(match["model"]), body)
    except ModelError as error:
        return _error(error.code, error.status, error.message)
    return 200, {"Content-Type": "application/json"}, result


async def _in_a_thread(answer: Callable[[str, bytes], bytes], model_id: str, body: bytes) -> bytes:
    """Answer in a thread of its own: models compute for long, and the emulator's 64 threads are needed by functions.

    None may wait for a thread, since the embedding model serves urgent requests first; and what waits for the model
    must not keep the process from ending.
    """
    answered: Future[bytes] = Future()

    def run() -> None:
        answered.set_running_or_notify_cancel()
        try:
            answered.set_result(answer(model_id, body))
        except BaseException as error:
            answered.set_exception(error)

    threading.Thread(target=run, name="bedrock", daemon=True).start()
    return await asyncio.wrap_future(answered)


def _converse(model_id: str, body: bytes) -> bytes:
    return json.dumps(bedrock.converse(model_id, _parsed(body))).encode()


def _count_tokens(model_id: str, body: bytes) -> bytes:
    return json.dumps(bedrock.count_tokens(model_id, _parsed(body))).encode()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise ModelError("SerializationException", 400, "The request is not JSON.") from error


def _error(code: str, status: int, message: str) -> Reply:
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
    return status, headers, json.dumps({"message": message}).encode()


_ANSWERS: dict[str, Callable[[str, bytes], bytes]] = {
    "invoke": bedrock.invoke_model,
    "converse": _converse,
    "count-tokens": _count_tokens,
}
