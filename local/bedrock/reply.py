"""Puts an answer into the shape of a Converse response, within the limits the request sets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from local.bedrock.conversation import Conversation, SearchResult

type CountTokens = Callable[[str], int]


@dataclass(frozen=True)
class Citation:
    """Where a passage of the answer comes from.

    Attributes:
        result: the search result quoted.
        block: position in its content array, from 0.
        text: the sentence quoted, verbatim.
    """

    result: SearchResult
    block: int
    text: str


@dataclass(frozen=True)
class Piece:
    """A stretch of the answer, with the citations that support it; none for words of the model's own."""

    text: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens of a request and of its answer."""

    input_tokens: int
    output_tokens: int


def limit(
    pieces: Sequence[Piece], max_tokens: int, stop_sequences: Sequence[str], count_tokens: CountTokens
) -> tuple[list[Piece], str]:
    """Ends an answer at its first stop sequence or at its last permitted token, whichever comes first.

    A piece that is cut keeps its citations, whose text stays whole; what follows is dropped. A stop sequence is looked
    for within a piece, not across two.

    Returns:
        What is left of the pieces, none of them empty, and the stop reason.
    """
    kept: list[Piece] = []
    left = max_tokens
    for piece in pieces:
        text, stopped = _until_stop(piece.text, stop_sequences)
        tokens = count_tokens(text)
        if tokens > left:
            return _with_text(kept, piece, _first_tokens(text, left, count_tokens)), "max_tokens"
        kept = _with_text(kept, piece, text)
        left -= tokens
        if stopped:
            return kept, "stop_sequence"
    return kept, "end_turn"


def converse_response(pieces: Sequence[Piece], stop_reason: str, usage: Usage, latency_ms: int) -> dict[str, Any]:
    """Builds the body of a Converse response."""
    return {
        "output": {"message": {"role": "assistant", "content": [_block(piece) for piece in pieces]}},
        "stopReason": stop_reason,
        "usage": {
            "inputTokens": usage.input_tokens,
            "outputTokens": usage.output_tokens,
            "totalTokens": usage.input_tokens + usage.output_tokens,
        },
        "metrics": {"latencyMs": latency_ms},
    }


def count_input(conversation: Conversation, count_tokens: CountTokens) -> int:
    """Counts the tokens of everything a request gives the model to read."""
    texts = [conversation.system, *(turn.text for turn in conversation.turns)]
    texts += [text for result in conversation.results for text in (result.title, result.source, *result.blocks)]
    return sum(count_tokens(text) for text in texts)


def _until_stop(text: str, stop_sequences: Sequence[str]) -> tuple[str, bool]:
    found = [position for stop in stop_sequences if (position := text.find(stop)) >= 0]
    return (text[: min(found)], True) if found else (text, False)


def _first_tokens(text: str, tokens: int, count_tokens: CountTokens) -> str:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count_tokens(text[:middle]) <= tokens else (low, middle - 1)
    return text[:low]


def _with_text(kept: list[Piece], piece: Piece, text: str) -> list[Piece]:
    return [*kept, replace(piece, text=text)] if text.strip() else kept


def _block(piece: Piece) -> dict[str, Any]:
    if not piece.citations:
        return {"text": piece.text}
    citations = [_citation(citation) for citation in piece.citations]
    return {"citationsContent": {"content": [{"text": piece.text}], "citations": citations}}


def _citation(citation: Citation) -> dict[str, Any]:
    """Builds a citation of a search result.

    ``searchResultIndex`` counts all search results of the request from 0. ``start`` and ``end`` are positions in the
    content array of that search result, not characters: the first block cited, and the one after the last
    (``end`` is exclusive). A quotation here lies within one block, so that ``end`` is ``start + 1``. Bedrock's models
    cite whole blocks: where the source shall be given to the sentence on Bedrock too, send each sentence as a block.
    """
    location = {
        "searchResultIndex": citation.result.index,
        "start": citation.block,
        "end": citation.block + 1,
    }
    return {
        "title": citation.result.title,
        "source": citation.result.source,
        "sourceContent": [{"text": citation.text}],
        "location": {"searchResultLocation": location},
    }
