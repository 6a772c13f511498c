import json
import math
from collections.abc import Sequence

import pytest

from local.bedrock.errors import ModelError
from local.bedrock.runtime import BedrockRuntime
from local.bedrock.text_model import Vector
from local.embedding.pool import EmbeddingBusyError, EmbeddingError

TITAN = "amazon.titan-embed-text-v2:0"
VECTOR = [0.6, -0.8] + [0.0] * 382


class OneVectorModel:
    """Gives every text the same vector and one token a word."""

    def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[Vector]:  # noqa: ARG002 - no order is kept
        return [VECTOR for _ in texts]

    def count_tokens(self, text: str) -> int:
        return len(text.split())


RUNTIME = BedrockRuntime(OneVectorModel())


def invoke(model_id: str = TITAN, **request: object) -> dict[str, object]:
    response: dict[str, object] = json.loads(RUNTIME.invoke_model(model_id, json.dumps(request).encode()))
    return response


def refusal(body: bytes, model_id: str = TITAN) -> ModelError:
    with pytest.raises(ModelError) as caught:
        RUNTIME.invoke_model(model_id, body)
    return caught.value


def test_vector_is_padded_to_1024_dimensions_by_default() -> None:
    response = invoke(inputText="두 단어")
    assert response["embedding"] == VECTOR + [0.0] * 640
    assert response["embeddingsByType"] == {"float": response["embedding"]}
    assert response["inputTextTokenCount"] == 2


def test_512_dimensions_keep_every_number_of_the_vector() -> None:
    assert invoke(inputText="a", dimensions=512)["embedding"] == VECTOR + [0.0] * 128


def test_256_dimensions_are_cut_and_brought_to_unit_length() -> None:
    class Spread(OneVectorModel):
        def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[Vector]:  # noqa: ARG002 - no order is kept
            return [[1 / math.sqrt(384)] * 384 for _ in texts]

    body = {"inputText": "a", "dimensions": 256}
    cut = json.loads(BedrockRuntime(Spread()).invoke_model(TITAN, json.dumps(body).encode()))["embedding"]
    raw = json.loads(BedrockRuntime(Spread()).invoke_model(TITAN, json.dumps(body | {"normalize": False}).encode()))
    assert len(cut) == 256
    assert math.hypot(*cut) == pytest.approx(1)
    assert math.hypot(*raw["embedding"]) == pytest.approx(math.sqrt(256 / 384))


def test_binary_embedding_has_one_bit_a_dimension() -> None:
    response = invoke(inputText="a", dimensions=512, embeddingTypes=["binary"])
    assert response["embeddingsByType"] == {"binary": [1] + [0] * 511}
    assert response["embedding"] == VECTOR + [0.0] * 128


def test_the_foundation_model_arn_names_the_same_model() -> None:
    arn = f"arn:aws:bedrock:ap-northeast-2::foundation-model/{TITAN}"
    assert invoke(arn, inputText="a") == invoke(inputText="a")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "expected type: JSONObject"),
        (b"{}", "required key [inputText] not found"),
        (b'{"inputText": ""}', "expected minLength: 1, actual: 0"),
        (b'{"inputText": 3}', "expected type: String"),
        (b'{"inputText": "a", "dimensions": 384}', "must be 1024, 512 or 256"),
        (b'{"inputText": "a", "dimensions": "512"}', "must be 1024, 512 or 256"),
        (b'{"inputText": "a", "dimensions": [512]}', "must be 1024, 512 or 256"),
        (b'{"inputText": "a", "normalize": "yes"}', "expected type: Boolean"),
        (b'{"inputText": "a", "embeddingTypes": []}', "must be a list of float, binary or both"),
        (b'{"inputText": "a", "embeddingTypes": ["int8"]}', "must be a list of float, binary or both"),
        (b'{"inputText": "a", "texts": ["b"]}', "extraneous keys are not permitted"),
        (json.dumps({"inputText": "a" * 50_001}).encode(), "expected maxLength: 50000, actual: 50001"),
    ],
)
def test_what_titan_refuses_is_refused(body: bytes, reason: str) -> None:
    error = refusal(body)
    assert (error.code, error.status) == ("ValidationException", 400)
    assert reason in error.message


def test_a_text_of_8192_tokens_is_embedded_and_one_more_is_refused() -> None:
    assert invoke(inputText="a " * 8192)["inputTextTokenCount"] == 8192
    error = refusal(json.dumps({"inputText": "a " * 8193}).encode())
    assert error.code == "ValidationException"
    assert "Max input tokens: 8192, request input token count: 8193" in error.message


@pytest.mark.parametrize("model_id", ["amazon.titan-embed-text-v1", "cohere.embed-multilingual-v3", "titan", "a b", ""])
def test_other_embedding_models_do_not_exist(model_id: str) -> None:
    error = refusal(b'{"inputText": "a"}', model_id)
    assert (error.code, error.message) == ("ValidationException", "The provided model identifier is invalid.")


def test_a_text_model_is_sent_to_converse() -> None:
    assert "Call Converse" in refusal(b"{}", "amazon.nova-lite-v1:0").message


def test_a_text_that_the_model_fails_at_is_an_error_of_the_model() -> None:
    class Failing(OneVectorModel):
        def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[Vector]:  # noqa: ARG002 - it fails anyway
            raise EmbeddingError("The local embedding model failed at this text.")

    with pytest.raises(ModelError) as caught:
        BedrockRuntime(Failing()).invoke_model(TITAN, b'{"inputText": "a"}')
    assert (caught.value.code, caught.value.status) == ("ModelErrorException", 424)


def test_a_model_that_too_many_texts_wait_for_throttles() -> None:
    class Busy(OneVectorModel):
        def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[Vector]:  # noqa: ARG002 - it is busy
            raise EmbeddingBusyError("60 texts wait for the local embedding model.")

    with pytest.raises(ModelError) as caught:
        BedrockRuntime(Busy()).invoke_model(TITAN, b'{"inputText": "a"}')
    assert (caught.value.code, caught.value.status) == ("ThrottlingException", 429)
