"""The stand-in for Amazon Bedrock Runtime: its requests, limits, errors and responses, answered on this machine."""

import threading
from functools import cache
from typing import Any

from local.bedrock.chat_completions import ChatCompletions
from local.bedrock.runtime import BedrockRuntime
from local.bedrock.settings import language_model_server
from local.embedding.model import E5TextModel

_making = threading.Lock()


def _runtime() -> BedrockRuntime:
    with _making:  # two first requests at once must not start the workers twice
        return _only_runtime()


@cache
def _only_runtime() -> BedrockRuntime:
    server = language_model_server()
    return BedrockRuntime(E5TextModel(), ChatCompletions(server) if server else None)


def invoke_model(model_id: str, body: bytes) -> bytes:
    """Answers InvokeModel; see ``BedrockRuntime.invoke_model``."""
    return _runtime().invoke_model(model_id, body)


def converse(model_id: str, request: object) -> dict[str, Any]:
    """Answers Converse; see ``BedrockRuntime.converse``."""
    return _runtime().converse(model_id, request)


def count_tokens(model_id: str, request: object) -> dict[str, Any]:
    """Answers CountTokens; see ``BedrockRuntime.count_tokens``."""
    return _runtime().count_tokens(model_id, request)
