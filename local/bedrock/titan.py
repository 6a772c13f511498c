"""Titan Text Embeddings V2: its request, its limits and its response."""

import json
import math
from typing import Any

from local.bedrock.errors import invalid
from local.bedrock.text_model import TextModel, Vector

MAX_TOKENS = 8_192
MAX_CHARACTERS = 50_000
DIMENSIONS = (1024, 512, 256)
EMBEDDING_TYPES = ("float", "binary")

_MEMBERS = {"inputText", "dimensions", "normalize", "embeddingTypes"}


def embed_text(body: bytes, model: TextModel) -> bytes:
    """Answers an InvokeModel request as Titan Text Embeddings V2 does.

    The model behind it has 384 dimensions. For 1,024 and 512 its vector is padded with zeros, which leaves every
    cosine as it is; for 256 it is cut and, unless ``normalize`` is false, brought to unit length again. The model only
    makes vectors of unit length, so ``normalize: false`` changes nothing but that last step. ``inputTextTokenCount``
    counts by the local model's own tokenizer, which is not Titan's: near it, not equal.

    Raises:
        ModelError: ValidationException, for a body that Titan refuses.
    """
    request = _parse(body)
    text = _input_text(request)
    dimensions = _dimensions(request)
    normalize = _normalize(request)
    types = _embedding_types(request)
    tokens = model.count_tokens(text)
    if tokens > MAX_TOKENS:
        raise invalid(
            f"400 Bad Request: Too many input tokens. Max input tokens: {MAX_TOKENS}, "
            f"request input token count: {tokens}"
        )
    vector = _fit(model.embed([text])[0], dimensions, normalize=normalize)
    by_type: dict[str, list[float] | list[int]] = {"float": vector, "binary": [int(number > 0) for number in vector]}
    response = {
        "embedding": vector,
        "embeddingsByType": {kind: by_type[kind] for kind in types},
        "inputTextTokenCount": tokens,
    }
    return json.dumps(response).encode()


def _parse(body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except ValueError:
        raise invalid(
            "Malformed input request: the body is not JSON, please reformat your input and try again."
        ) from None
    if not isinstance(request, dict):
        raise _malformed("expected type: JSONObject")
    if set(request) - _MEMBERS:
        raise _malformed(f"extraneous keys are not permitted, known are {', '.join(sorted(_MEMBERS))}")
    return request


def _input_text(request: dict[str, Any]) -> str:
    if "inputText" not in request:
        raise _malformed("required key [inputText] not found")
    text = request["inputText"]
    if not isinstance(text, str):
        raise _malformed("#/inputText: expected type: String")
    if not text:
        raise _malformed("#/inputText: expected minLength: 1, actual: 0")
    if len(text) > MAX_CHARACTERS:
        raise _malformed(f"#/inputText: expected maxLength: {MAX_CHARACTERS}, actual: {len(text)}")
    return text


def _dimensions(request: dict[str, Any]) -> int:
    dimensions = request.get("dimensions", DIMENSIONS[0])
    if isinstance(dimensions, bool) or dimensions not in DIMENSIONS:
        raise _malformed("#/dimensions: must be 1024, 512 or 256")
    return int(dimensions)


def _normalize(request: dict[str, Any]) -> bool:
    normalize = request.get("normalize", True)
    if not isinstance(normalize, bool):
        raise _malformed("#/normalize: expected type: Boolean")
    return normalize


def _embedding_types(request: dict[str, Any]) -> list[str]:
    types = request.get("embeddingTypes", ["float"])
    if not isinstance(types, list) or not types or any(kind not in EMBEDDING_TYPES for kind in types):
        raise _malformed("#/embeddingTypes: must be a list of float, binary or both")
    return types


def _malformed(reason: str) -> Exception:
    return invalid(f"Malformed input request: {reason}, please reformat your input and try again.")


def _fit(vector: Vector, dimensions: int, *, normalize: bool) -> list[float]:
    if dimensions >= len(vector):
        return [*vector, *[0.0] * (dimensions - len(vector))]
    cut = list(vector[:dimensions])
    length = math.hypot(*cut)
    return [number / length for number in cut] if normalize and length else cut
