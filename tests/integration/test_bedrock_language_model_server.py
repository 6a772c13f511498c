import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request

import pytest

from local.bedrock import chat_completions
from local.bedrock.errors import ModelError
from local.bedrock.runtime import BedrockRuntime
from local.bedrock.settings import LanguageModelServer
from local.embedding.model import E5TextModel


@contextmanager
def server(status: int, body: bytes = b"", release: threading.Event | None = None) -> Iterator[str]:
    """Runs a local HTTP server that returns the same response to every POST, once it is released."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received = self.rfile.read(int(self.headers["content-length"]))
            if release:
                release.wait(10)
            with suppress(BrokenPipeError):  # the caller has timed out
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body or received)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}/v1/chat/completions"
        finally:
            if release:
                release.set()
            http.shutdown()
            thread.join()


def post(url: str) -> bytes:
    return chat_completions.post(Request(url, json.dumps({"a": "가"}).encode(), method="POST"))  # noqa: S310 - a server of this test


def failure(url: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        post(url)
    return caught.value


def test_the_answer_of_the_server_is_returned() -> None:
    with server(200) as url:
        assert json.loads(post(url)) == {"a": "가"}


def test_converse_returns_the_answer_of_the_server() -> None:
    choice = {"message": {"content": "매월 25일입니다 [1]"}, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 3}})
    result = {
        "source": "s",
        "title": "연금",
        "content": [{"text": "매월 25일에 지급한다."}],
        "citations": {"enabled": True},
    }
    messages = [{"role": "user", "content": [{"searchResult": result}, {"text": "언제인가요?"}]}]
    with server(200, body.encode()) as url:
        settings = LanguageModelServer(url.removesuffix("/chat/completions"), "small", None)
        runtime = BedrockRuntime(E5TextModel(), chat_completions.ChatCompletions(settings))
        response = runtime.converse("amazon.nova-lite-v1:0", {"messages": messages})
    (block,) = response["output"]["message"]["content"]
    assert block["citationsContent"]["content"] == [{"text": "매월 25일입니다"}]
    assert block["citationsContent"]["citations"][0]["sourceContent"] == [{"text": "매월 25일에 지급한다."}]
    assert response["usage"] == {"inputTokens": 5, "outputTokens": 3, "totalTokens": 8}


@pytest.mark.parametrize(
    ("status", "code", "bedrock_status"),
    [
        (429, "ThrottlingException", 429),
        (400, "ValidationException", 400),
        (413, "ValidationException", 400),
        (401, "ModelErrorException", 424),
        (404, "ModelErrorException", 424),
        (500, "ModelErrorException", 424),
        (502, "ServiceUnavailableException", 503),
        (503, "ServiceUnavailableException", 503),
        (504, "ModelTimeoutException", 408),
    ],
)
def test_each_failure_of_the_server_becomes_an_error_of_bedrock(status: int, code: str, bedrock_status: int) -> None:
    with server(status) as url:
        error = failure(url)
    assert (error.code, error.status) == (code, bedrock_status)


def test_a_missing_server_is_unavailable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        error = failure(f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    assert (error.code, error.status) == ("ServiceUnavailableException", 503)
    assert "ONGGI_LLM_URL" in error.message


def test_a_slow_server_is_a_model_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_completions, "TIMEOUT_SECONDS", 0.1)
    with server(200, release=threading.Event()) as url:
        error = failure(url)
    assert (error.code, error.status) == ("ModelTimeoutException", 408)


def hang_up(listener: socket.socket) -> None:
    listener.accept()[0].close()


def test_a_server_that_closes_the_connection_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        error = failure(f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
    assert error.code == "ServiceUnavailableException"
