import math
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from local.embedding import model
from local.embedding.model import E5TextModel
from local.embedding.pool import EmbeddingError, Vector, WorkerPool

WAIT = 10.0


class WatchedFuture(Future[Vector]):
    """Counts who waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Semaphore(0)

    def result(self, timeout: float | None = None) -> Vector:
        self.waits.release()
        return super().result(timeout)


class RecordingPool(WorkerPool):
    """Keeps what it is asked for, and computes it at once or leaves that to the test."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.futures: queue.SimpleQueue[WatchedFuture] = queue.SimpleQueue()
        self.at_once = at_once

    def submit(self, text: str, *, urgent: bool) -> Future[Vector]:
        self.asked.append((text, urgent))
        future = WatchedFuture()
        self.futures.put(future)
        if self.at_once:
            future.set_result([float(len(text))])
        return future


def test_a_text_is_computed_once() -> None:
    pool = RecordingPool()
    texts = E5TextModel(pool)
    assert texts.embed(["ab", "abc", "ab"]) == [[2.0], [3.0], [2.0]]
    assert texts.embed(["abc"]) == [[3.0]]
    assert [text for text, _ in pool.asked] == ["ab", "abc"]


def test_a_text_that_is_in_work_is_not_computed_again() -> None:
    pool = RecordingPool(at_once=False)
    texts = E5TextModel(pool)
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(texts.embed, ["ab"]) for _ in range(2)]
        future = pool.futures.get(timeout=WAIT)
        for _ in asked:
            assert future.waits.acquire(timeout=WAIT)
        future.set_result([2.0])
        assert [each.result(WAIT) for each in asked] == [[[2.0]], [[2.0]]]
    assert len(pool.asked) == 1


@pytest.mark.parametrize(
    ("text", "urgent", "expected"), [("a" * 200, False, True), ("a" * 201, False, False), ("a" * 201, True, True)]
)
def test_short_texts_and_those_of_an_answer_are_urgent(text: str, urgent: bool, expected: bool) -> None:
    pool = RecordingPool()
    E5TextModel(pool).embed([text], urgent=urgent)
    assert pool.asked == [(text, expected)]


def test_a_text_that_failed_is_tried_again_when_it_is_asked_for_again() -> None:
    pool = RecordingPool(at_once=False)
    texts = E5TextModel(pool)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(texts.embed, ["ab"])
        pool.futures.get(timeout=WAIT).set_exception(EmbeddingError("failed"))
        with pytest.raises(EmbeddingError):
            asked.result(WAIT)
        asked = threads.submit(texts.embed, ["ab"])
        pool.futures.get(timeout=WAIT).set_result([2.0])
        assert asked.result(WAIT) == [[2.0]]


def test_the_vectors_used_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "CACHED_VECTORS", 2)
    pool = RecordingPool()
    texts = E5TextModel(pool)
    for text in ("a", "b", "a", "c", "a", "b"):
        assert math.isclose(texts.embed([text])[0][0], 1.0)
    assert [text for text, _ in pool.asked] == ["a", "b", "c", "b"]


def test_what_no_engine_could_read_is_replaced() -> None:
    pool = RecordingPool()
    E5TextModel(pool).embed(["a\0b", "\ud800"])
    assert [text for text, _ in pool.asked] == ["a b", "?"]
