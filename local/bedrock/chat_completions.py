"""Converse answered by an OpenAI-compatible server, for those who run a language model of their own."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from local.bedrock.conversation import Conversation, SearchResult
from local.bedrock.errors import ModelError, invalid, model_error
from local.bedrock.reply import Citation, Piece, Usage
from local.bedrock.sentences import split_sentences
from local.bedrock.settings import LanguageModelServer
from local.bedrock.terms import TermWeights, terms

TIMEOUT_SECONDS = 120.0
"""How long the server may take: a small model on a laptop is slow."""

_MARKS = re.compile(r"\s*((?:\[\d+(?:\s*,\s*\d+)*\]\s*)+)")
_SENTENCE_BREAK = re.compile(r"(?<=[.!?。！？])\s+|\n+")
_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "content_filtered"}
_CITE = (
    "Answer from the numbered sources only. After each statement put the number of its source in square brackets, "
    "such as [1]. If the sources hold no answer, say so in the language of the question and cite nothing."
)

type Post = Callable[[urllib.request.Request], bytes]


def post(request: urllib.request.Request) -> bytes:
    """Sends a request and returns the body of its answer.

    Raises:
        ModelError: the server refused, failed, or did not answer in time.
    """
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - settings allow http(s) only
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection
            raise _error_of_status(error.code) from error
    except TimeoutError as error:
        raise _timed_out() from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise _timed_out() from error
        raise _unreachable() from error
    except OSError as error:
        raise _unreachable() from error


@dataclass(frozen=True)
class ChatCompletions:
    """A client of ``POST /chat/completions``.

    Attributes:
        server: where it is and which model it shall run.
        post: sends a request; replaced in tests.
    """

    server: LanguageModelServer
    post: Post = post

    def answer(self, conversation: Conversation) -> tuple[list[Piece], str, Usage]:
        """Has the server answer a conversation.

        Returns:
            The pieces of the answer, in which every mark such as ``[1]`` has become a citation; the stop reason; and
            the tokens as the server counted them.

        Raises:
            ModelError: the server failed, or answered with something that is no chat completion.
        """
        payload = self.post(self._request(conversation))
        try:
            completion = json.loads(payload)
            choice = completion["choices"][0]
            text = str(choice["message"]["content"])
            usage = Usage(int(completion["usage"]["prompt_tokens"]), int(completion["usage"]["completion_tokens"]))
        except (ValueError, LookupError, TypeError) as error:
            raise model_error("ModelErrorException", "The language model server sent no chat completion.") from error
        stop_reason = _STOP_REASONS.get(choice.get("finish_reason") or "stop", "end_turn")
        return list(cited_pieces(text, conversation)), stop_reason, usage

    def _request(self, conversation: Conversation) -> urllib.request.Request:
        headers = {"content-type": "application/json"}
        if self.server.api_key:
            headers["authorization"] = f"Bearer {self.server.api_key}"
        body = json.dumps(chat_request(self.server.model, conversation)).encode()
        return urllib.request.Request(  # noqa: S310 - settings allow http(s) only
            f"{self.server.url}/chat/completions", body, headers, method="POST"
        )


def chat_request(model: str, conversation: Conversation) -> dict[str, Any]:
    """Translates a conversation into a chat completion request.

    The search results become numbered sources before the last question.
    """
    *earlier, last = conversation.turns
    system = "\n\n".join(filter(None, (conversation.system, _CITE if conversation.results else "")))
    messages = [{"role": "system", "content": system}] if system else []
    messages += [{"role": turn.role, "content": turn.text} for turn in earlier]
    messages.append({"role": "user", "content": "\n\n".join([*map(_source, conversation.results), last.text])})
    optional = {
        "temperature": conversation.temperature,
        "top_p": conversation.top_p,
        "stop": list(conversation.stop_sequences) or None,
    }
    return {
        "model": model,
        "messages": messages,
        "max_tokens": conversation.max_tokens,
        "stream": False,
        **{name: value for name, value in optional.items() if value is not None},
    }


def cited_pieces(text: str, conversation: Conversation) -> Iterator[Piece]:
    """Turns the marks in an answer into citations.

    The statement before a mark, back to the last sentence end or line break, is what the mark supports. Marks of
    sources that do not exist are dropped, and so are all marks when the request asked for no citations.
    """
    begin = 0
    for match in _MARKS.finditer(text):
        statement = text[begin : match.start()]
        begin = match.end()
        numbers = dict.fromkeys(int(number) for number in re.findall(r"\d+", match.group(1)))
        results = [conversation.results[number - 1] for number in numbers if 1 <= number <= len(conversation.results)]
        yield from _supported(statement, results if conversation.cited else [])
    if text[begin:].strip():
        yield Piece(text[begin:])


def _supported(statement: str, results: list[SearchResult]) -> Iterator[Piece]:
    if not statement.strip():
        return
    if not results:
        yield Piece(statement)
        return
    stripped = statement.rstrip()
    breaks = [match.end() for match in _SENTENCE_BREAK.finditer(stripped)]
    cut = breaks[-1] if breaks else 0
    if statement[:cut].strip():
        yield Piece(statement[:cut])
    yield Piece(statement[cut:], tuple(_best_citation(statement[cut:], result) for result in results))


def _best_citation(statement: str, result: SearchResult) -> Citation:
    stated = set(terms(statement))
    candidates = [
        (block, sentence.text) for block, text in enumerate(result.blocks) for sentence in split_sentences(text)
    ] or [(0, result.blocks[0])]
    weights = TermWeights(terms(text) for _, text in candidates)
    block, text = max(candidates, key=lambda candidate: weights.coverage(stated, set(terms(candidate[1]))))
    return Citation(result, block, text)


def _source(result: SearchResult) -> str:
    return f"[{result.index + 1}] {result.title}\n" + "\n".join(result.blocks)


def _error_of_status(status: int) -> ModelError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return model_error("ThrottlingException", "Too many requests, please wait before trying again.")
    if status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.GATEWAY_TIMEOUT}:
        return _timed_out()
    if status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE}:
        return _unreachable()
    if status in {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}:
        return invalid(f"The language model server refused the request with status {status}.")
    return model_error("ModelErrorException", f"The language model server answered with status {status}.")


def _timed_out() -> ModelError:
    return model_error(
        "ModelTimeoutException", "The model took too long to answer. Ask for fewer tokens, or try again."
    )


def _unreachable() -> ModelError:
    return model_error(
        "ServiceUnavailableException", "The language model server cannot be reached. Check ONGGI_LLM_URL, or try again."
    )
