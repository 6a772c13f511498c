"""A model that exceeds its time: the caller gets a response before the gateway's timeout, and the cost is metered."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.deploy import deploy
from onggi.adapters.aws import AwsSession
from onggi.adapters.bedrock import ConverseGenerator
from onggi.adapters.model_calls import TimedCalls
from onggi.domain.chunk import Passage, Scores
from onggi.domain.errors import ModelTimeout
from onggi.domain.money import Model, ModelPrice
from tests.integration.local_cloud import REGION, running_cloud, wait_for
from tests.integration.product import Product
from tests.integration.test_documents_api import assert_problem

COMPLETION = {"choices": [{"message": {"content": "At ten. [1]"}, "finish_reason": "stop"}]}
USAGE = {"usage": {"prompt_tokens": 50, "completion_tokens": 5}}
HOURS = "The library of Seongbuk opens at ten."
GATEWAY_SECONDS = 29.0
"""The timeout of API Gateway (API Gateway quotas)."""


class Server:
    """Returns the same response to every POST, at once or after its release."""

    def __init__(self, body: bytes) -> None:
        self.released = threading.Event()
        self.released.set()
        self.requests = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                outer.requests += 1
                outer.released.wait(60)
                with suppress(OSError):  # the caller has timed out
                    self.send_response(200)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"

    @contextmanager
    def delayed(self) -> Iterator[None]:
        """Delays responses during the block."""
        self.released.clear()
        try:
            yield
        finally:
            self.released.set()


@contextmanager
def serving(body: object) -> Iterator[Server]:
    server = Server(json.dumps(body).encode())
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.http.shutdown()
        thread.join()
        server.http.server_close()


def test_a_late_answer_is_abandoned_within_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    passage = Passage("doc", "v1", "a.txt", 1, 0, len(HOURS), HOURS, Scores())
    response = {
        "output": {"message": {"role": "assistant", "content": [{"text": "At ten."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12},
        "metrics": {"latencyMs": 1},
    }
    with serving(response) as bedrock:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        session = AwsSession({"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": "test"})
        end = time.monotonic() + 60.0  # the first call also creates the client, which is slow on a busy machine
        calls = TimedCalls(session, lambda: end - time.monotonic())
        generator = ConverseGenerator(calls, {"claude": Model(ModelPrice(0, 0))})  # type: ignore[arg-type]  # prices do not matter
        assert generator.answer("When?", [passage], "claude", 100).output_tokens == 3
        end = time.monotonic() + 4.0
        with bedrock.delayed(), pytest.raises(ModelTimeout) as caught:
            generator.answer("When?", [passage], "claude", 100)
        assert time.monotonic() < end
        assert bedrock.requests == 2, "it is not called again: each call may be billed"
        assert caught.value.output_tokens == 100


@pytest.fixture(scope="module")
def language_model() -> Iterator[Server]:
    with serving(COMPLETION | USAGE) as server:
        yield server


@pytest.fixture(scope="module")
def slow_product(tmp_path_factory: pytest.TempPathFactory, language_model: Server) -> Iterator[Product]:
    """The product on a cloud whose Converse calls go to a server that can be delayed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ONGGI_LLM_URL", f"{language_model.url}/v1")
        with running_cloud(tmp_path_factory.mktemp("slow")) as cloud:
            yield Product(cloud, deploy(cloud.state).outputs)


def test_a_question_whose_model_hangs_gets_a_response_in_time_and_is_metered(
    slow_product: Product, language_model: Server
) -> None:
    tenant = slow_product.new_tenant("patient")
    tenant.ready("hours.txt", HOURS)
    question = {"question": "When does the library open?", "max_tokens": 300}
    requests, began = language_model.requests, time.monotonic()
    with language_model.delayed():
        reply = tenant.call("POST", "/query", question)
    assert time.monotonic() - began < GATEWAY_SECONDS
    assert_problem(reply, 504)
    assert reply.body["type"] == "urn:onggi:problem:model-timeout"
    assert "max_tokens" in reply.body["detail"]
    assert language_model.requests == requests + 1
    wait_for(lambda: tenant.metric("UnfinishedModelCalls") == 1)
    assert tenant.metric("UnfinishedTokens") > 300, "its input, and the maximum of its output"
    assert tenant.metric("EmbeddingTokens") > 0
    assert tenant.metric("Queries") == 0
    assert tenant.call("POST", "/query", question).body["grounded"]
