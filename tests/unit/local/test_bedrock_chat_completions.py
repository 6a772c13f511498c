import json
import urllib.request
from typing import Any, NoReturn

import pytest

from local.bedrock.chat_completions import ChatCompletions, Post
from local.bedrock.errors import ModelError
from local.bedrock.runtime import BedrockRuntime
from local.bedrock.settings import LanguageModelServer

MODEL = "amazon.nova-lite-v1:0"
PENSION = "이 규정은 연금을 정한다. 연금은 매월 25일에 지급한다."
LEAVE = "Annual leave is fifteen days. Sick leave needs a certificate."


class UnusedModel:
    """The server counts tokens and there is nothing to embed."""

    def embed(self, texts: object, *, urgent: bool = False) -> NoReturn:
        raise AssertionError(texts, urgent)

    def count_tokens(self, text: str) -> NoReturn:
        raise AssertionError(text)


class RecordingServer:
    """Answers every request with the same body and keeps the requests."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.requests: list[urllib.request.Request] = []

    def __call__(self, request: urllib.request.Request) -> bytes:
        self.requests.append(request)
        return self.body


def completion(text: str, finish_reason: str = "stop") -> bytes:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    return json.dumps({"choices": [choice], "usage": {"prompt_tokens": 70, "completion_tokens": 9}}).encode()


def request(fields: dict[str, object], *, cited: bool) -> dict[str, Any]:
    results = [
        {
            "searchResult": {
                "source": f"doc-{n}",
                "title": title,
                "content": [{"text": text}],
                "citations": {"enabled": cited},
            }
        }
        for n, (title, text) in enumerate([("연금", PENSION), ("Leave", LEAVE)])
    ]
    return {"messages": [{"role": "user", "content": [*results, {"text": "언제 지급하나요?"}]}], **fields}


def converse(post: Post, api_key: str | None = None, *, cited: bool = True, **fields: object) -> dict[str, Any]:
    server = LanguageModelServer("http://127.0.0.1:1/v1", "small", api_key)
    return BedrockRuntime(UnusedModel(), ChatCompletions(server, post)).converse(MODEL, request(fields, cited=cited))


def test_the_server_is_sent_numbered_sources_and_the_settings() -> None:
    server = RecordingServer(completion("모릅니다."))
    converse(
        server,
        api_key="open-sesame",
        system=[{"text": "Be brief."}],
        inferenceConfig={"maxTokens": 77, "temperature": 0.2, "topP": 0.9, "stopSequences": ["END"]},
    )
    (sent,) = server.requests
    body = json.loads(sent.data if isinstance(sent.data, bytes) else b"")
    assert sent.full_url == "http://127.0.0.1:1/v1/chat/completions"
    assert sent.get_header("Authorization") == "Bearer open-sesame"
    assert (body["model"], body["max_tokens"], body["stop"]) == ("small", 77, ["END"])
    assert (body["temperature"], body["top_p"]) == (0.2, 0.9)
    assert body["messages"][0]["content"].startswith("Be brief.")
    assert body["messages"][1]["content"] == f"[1] 연금\n{PENSION}\n\n[2] Leave\n{LEAVE}\n\n언제 지급하나요?"


def test_without_a_key_no_credential_is_sent() -> None:
    server = RecordingServer(completion("a"))
    converse(server)
    assert server.requests[0].get_header("Authorization") is None


def test_marks_become_citations_of_the_sentence_that_fits_best() -> None:
    response = converse(RecordingServer(completion("찾아보았습니다. 매월 25일에 지급합니다 [1]. 끝.")))
    intro, cited, rest = response["output"]["message"]["content"]
    assert intro == {"text": "찾아보았습니다. "}
    assert cited["citationsContent"]["content"] == [{"text": "매월 25일에 지급합니다"}]
    assert cited["citationsContent"]["citations"] == [
        {
            "title": "연금",
            "source": "doc-0",
            "sourceContent": [{"text": "연금은 매월 25일에 지급한다."}],
            "location": {"searchResultLocation": {"searchResultIndex": 0, "start": 0, "end": 1}},
        }
    ]
    assert rest == {"text": ". 끝."}
    assert response["usage"] == {"inputTokens": 70, "outputTokens": 9, "totalTokens": 79}


@pytest.mark.parametrize("marks", ["[1][2]", "[1, 2]", "[1] [2]", "[1][2][1]"])
def test_several_marks_cite_several_sources(marks: str) -> None:
    (block,) = converse(RecordingServer(completion(f"Both say so {marks}")))["output"]["message"]["content"]
    sources = [citation["source"] for citation in block["citationsContent"]["citations"]]
    assert sources == ["doc-0", "doc-1"]


@pytest.mark.parametrize("text", ["It says so [7].", "It says so [0]."])
def test_a_mark_of_no_source_is_dropped(text: str) -> None:
    blocks = converse(RecordingServer(completion(text)))["output"]["message"]["content"]
    assert "".join(block["text"] for block in blocks) == "It says so."


def test_marks_are_dropped_when_no_citations_are_asked_for() -> None:
    blocks = converse(RecordingServer(completion("It says so [1].")), cited=False)["output"]["message"]["content"]
    assert "".join(block["text"] for block in blocks) == "It says so."


def test_the_length_limit_of_the_server_is_max_tokens() -> None:
    assert converse(RecordingServer(completion("a", "length")))["stopReason"] == "max_tokens"


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": "a"}}]}', b'["a"]']
)
def test_what_is_no_chat_completion_is_an_error_of_the_model(body: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        converse(RecordingServer(body))
    assert (caught.value.code, caught.value.status) == ("ModelErrorException", 424)
