"""Reads a Converse request: what is asked, and the search results that may answer it."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from local.bedrock.errors import ModelError, invalid
from local.bedrock.shapes import check_request

DEFAULT_MAX_TOKENS = 4_096
"""Answer length when the request sets none, in tokens."""

_READ_FIELDS = {
    "messages",
    "system",
    "inferenceConfig",
    "additionalModelRequestFields",
    "requestMetadata",
}
_READ_BLOCKS = {"user": {"text", "searchResult"}, "assistant": {"text", "citationsContent"}}

_WITHOUT_SAMPLING = re.compile(r"anthropic\.claude-[a-z]+-(4-[7-9]|[5-9])(\D|$)")
_THINKING = re.compile(r"anthropic\.claude-")
_SAMPLING = {"temperature": "temperature", "topP": "top_p"}


@dataclass(frozen=True)
class SearchResult:
    """A search result of the request.

    Attributes:
        index: position among all search results of the request, from 0, in the order of the messages.
        blocks: texts of its content array.
    """

    index: int
    source: str
    title: str
    blocks: tuple[str, ...]


@dataclass(frozen=True)
class Turn:
    """One message: its role and its plain text, search results left out."""

    role: str
    text: str


@dataclass(frozen=True)
class Conversation:
    """A valid Converse request.

    Attributes:
        turns: the messages in order; the last one is the user's.
        results: all search results of all messages.
        cited: whether the search results ask for citations.
        max_tokens: upper bound of the answer.
        temperature: as asked for, or None.
        top_p: as asked for, or None.
    """

    system: str
    turns: tuple[Turn, ...]
    results: tuple[SearchResult, ...]
    cited: bool
    max_tokens: int
    temperature: float | None
    top_p: float | None
    stop_sequences: tuple[str, ...]

    @property
    def question(self) -> str:
        """The text of the last message."""
        return self.turns[-1].text


def read_conversation(model_id: str, request: object) -> Conversation:
    """Checks a Converse request and reads it.

    Temperature, topP and ``top_k`` and ``thinking`` of ``additionalModelRequestFields`` are checked, and change nothing
    where the answer is extractive. What the local models cannot honour is refused.

    Args:
        model_id: identifier from the path.
        request: the body of the request.

    Raises:
        ModelError: ValidationException, with a sentence that tells what to change.
    """
    if not isinstance(request, dict):
        raise invalid("The body of a Converse request must be a JSON object.")
    check_request("ConverseRequest", {**request, "modelId": model_id})
    _refuse_unread_fields(model_id, request)
    messages = request.get("messages", [])
    _check_roles([message["role"] for message in messages])
    for position, message in enumerate(messages):
        _check_blocks(position, message)
    inference = request.get("inferenceConfig", {})
    _check_sampling(model_id, inference)
    return Conversation(
        system=_system_text(request.get("system", [])),
        turns=tuple(Turn(message["role"], _plain_text(message["content"])) for message in messages),
        results=_search_results(messages),
        cited=_citations_enabled(messages),
        max_tokens=inference.get("maxTokens", DEFAULT_MAX_TOKENS),
        temperature=inference.get("temperature"),
        top_p=inference.get("topP"),
        stop_sequences=tuple(inference.get("stopSequences", ())),
    )


def _refuse_unread_fields(model_id: str, request: dict[str, Any]) -> None:
    unread = sorted(set(request) - _READ_FIELDS)
    if unread:
        raise invalid(f"The local model does not support {', '.join(unread)}. Leave it out to run locally.")
    extra = request.get("additionalModelRequestFields", {})
    if not isinstance(extra, dict) or set(extra) - {"top_k", "thinking"}:
        raise invalid(
            "Of additionalModelRequestFields the local model knows top_k and thinking only. Leave the others out."
        )
    top_k = extra.get("top_k", 1)
    if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 1:
        raise invalid("additionalModelRequestFields.top_k must be an integer of at least 1.")
    if "thinking" in extra:
        _check_thinking(model_id, extra["thinking"])


def _check_thinking(model_id: str, thinking: object) -> None:
    """Lets pass what asks Claude not to think: the local models never do."""
    if not _THINKING.search(model_id):
        raise invalid(
            "Malformed input request: #: extraneous key [thinking] is not permitted, please reformat your input."
        )
    if thinking != {"type": "disabled"}:
        raise invalid('The local model does not think. Send {"type": "disabled"} or leave thinking out.')


def _check_roles(roles: list[str]) -> None:
    if not roles:
        raise invalid("The messages field is required: send at least one user message.")
    if "system" in roles:
        raise invalid("The local model takes no message with the role system. Put the text into the system field.")
    if roles[0] != "user":
        raise invalid("A conversation must start with a user message. Try again with a conversation that does.")
    if any(former == latter for former, latter in pairwise(roles)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. "
            "Make sure the conversation alternates between user and assistant roles and try again."
        )
    if roles[-1] != "user":
        raise invalid("The model does not support assistant message prefill. End the conversation with a user message.")


def _check_blocks(position: int, message: dict[str, Any]) -> None:
    role, blocks = message["role"], message["content"]
    if not blocks:
        raise invalid(f"The content field in the Message object at messages.{position} is empty. Add a block to it.")
    for index, block in enumerate(blocks):
        place = f"messages.{position}.content.{index}"
        ((kind, content),) = block.items()
        if kind not in _READ_BLOCKS[role]:
            raise _unreadable_block(place, role, kind)
        if kind == "text" and not content.strip():
            raise invalid(
                f"The text field in the ContentBlock object at {place} is blank. "
                "Add text to the text field, and try again."
            )
        if kind == "searchResult":
            _check_search_result(place, content)


def _unreadable_block(place: str, role: str, kind: str) -> ModelError:
    if kind in {"searchResult", "citationsContent"}:
        return invalid(f"{place}: a {kind} block may not stand in a message of the role {role}.")
    return invalid(f"{place}: the local model does not read {kind} blocks. Send text and searchResult blocks.")


def _check_search_result(place: str, result: dict[str, Any]) -> None:
    if not result["content"]:
        raise invalid(f"{place}.searchResult.content: at least one text block is required.")
    if any(not block["text"].strip() for block in result["content"]):
        raise invalid(f"{place}.searchResult.content: text content blocks must be non-empty.")


def _raw_results(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [block["searchResult"] for message in messages for block in message["content"] if "searchResult" in block]


def _search_results(messages: list[dict[str, Any]]) -> tuple[SearchResult, ...]:
    return tuple(
        SearchResult(index, result["source"], result["title"], tuple(block["text"] for block in result["content"]))
        for index, result in enumerate(_raw_results(messages))
    )


def _citations_enabled(messages: list[dict[str, Any]]) -> bool:
    settings = {result.get("citations", {}).get("enabled", False) for result in _raw_results(messages)}
    if len(settings) > 1:
        raise invalid("Citations must be enabled on all search results of a request, or on none of them.")
    return True in settings


def _plain_text(blocks: list[dict[str, Any]]) -> str:
    parts = [block["text"] for block in blocks if "text" in block]
    cited = [block["citationsContent"].get("content", []) for block in blocks if "citationsContent" in block]
    parts += [part["text"] for content in cited for part in content]
    return "\n".join(parts)


def _system_text(blocks: list[dict[str, Any]]) -> str:
    for index, block in enumerate(blocks):
        if "text" not in block:
            raise invalid(f"system.{index}: the local model reads text blocks only.")
    return "\n".join(block["text"] for block in blocks)


def _check_sampling(model_id: str, inference: dict[str, Any]) -> None:
    """Refuse what Claude models from Opus 4.7 on refuse, in the words that Bedrock passes on from them."""
    refused = _SAMPLING.keys() & inference.keys()
    if refused and _WITHOUT_SAMPLING.search(model_id):
        name = _SAMPLING[min(refused)]
        raise invalid(f"The model returned the following errors: `{name}` is deprecated for this model.")
