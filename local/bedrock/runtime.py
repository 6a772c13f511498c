"""Amazon Bedrock Runtime, answered in this process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.bedrock import extractive
from local.bedrock.chat_completions import ChatCompletions
from local.bedrock.conversation import read_conversation
from local.bedrock.errors import invalid, model_error
from local.bedrock.model_ids import check_embedding_model, check_text_model
from local.bedrock.reply import Usage, converse_response, count_input, limit
from local.bedrock.shapes import check_request
from local.bedrock.text_model import TextModel
from local.bedrock.titan import embed_text
from local.embedding.pool import EmbeddingBusyError, EmbeddingError


@dataclass(frozen=True)
class BedrockRuntime:
    """The operations of Bedrock Runtime that the local cloud answers; safe to call from many threads.

    Attributes:
        text_model: embeds and counts tokens.
        chat: the server that answers Converse, or None for the extractive model.
    """

    text_model: TextModel
    chat: ChatCompletions | None = None

    def invoke_model(self, model_id: str, body: bytes) -> bytes:
        """Answers InvokeModel: Titan Text Embeddings V2.

        Raises:
            ModelError: the model is another one, or it refuses the body.
        """
        check_embedding_model(model_id)
        with _translated():
            return embed_text(body, self.text_model)

    def converse(self, model_id: str, request: object) -> dict[str, Any]:
        """Answers Converse.

        Args:
            model_id: any identifier of a text model; one local model answers for all.
            request: the body of the request.

        Returns:
            The body of the response. The extractive model gives the same one for the same request, but for the latency.

        Raises:
            ModelError: the request is refused, or the server behind it failed.
        """
        begin = time.monotonic()
        check_text_model(model_id)
        conversation = read_conversation(model_id, request)
        if self.chat:
            pieces, stop_reason, usage = self.chat.answer(conversation)
        else:
            count = self.text_model.count_tokens
            with _translated():
                answer = extractive.answer(conversation, self.text_model)
            pieces, stop_reason = limit(answer, conversation.max_tokens, conversation.stop_sequences, count)
            usage = Usage(count_input(conversation, count), sum(count(piece.text) for piece in pieces))
        return converse_response(pieces, stop_reason, usage, round((time.monotonic() - begin) * 1000))

    def count_tokens(self, model_id: str, request: object) -> dict[str, Any]:
        """Answers CountTokens for the input of a Converse request, by the tokenizer of the local model.

        Raises:
            ModelError: the request is refused.
        """
        check_text_model(model_id)
        if not isinstance(request, dict):
            raise invalid("The body of a CountTokens request must be a JSON object.")
        check_request("CountTokensRequest", {**request, "modelId": model_id})
        if "converse" not in request["input"]:
            raise invalid("Locally CountTokens counts Converse requests only. Send input.converse.")
        conversation = read_conversation(model_id, request["input"]["converse"])
        return {"inputTokens": count_input(conversation, self.text_model.count_tokens)}


@contextmanager
def _translated() -> Iterator[None]:
    """Turns a failure of the local embedding model into the one that Bedrock would answer.

    Raises:
        ModelError: ModelErrorException; ThrottlingException where too many texts wait for the model.
    """
    try:
        yield
    except EmbeddingBusyError as error:
        raise model_error("ThrottlingException", "Too many requests, please wait before trying again.") from error
    except EmbeddingError as error:
        raise model_error("ModelErrorException", str(error)) from error
