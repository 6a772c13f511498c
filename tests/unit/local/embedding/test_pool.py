import threading
import time
from collections.abc import Callable, Iterator

import pytest

from local.embedding.pool import EmbeddingBusyError, EmbeddingError, Vector, WorkerPool

WAIT = 10.0


class Workshop:
    """Makes workers that hold a text until it is released, and ends those that get `poison` or a text of `deadly`."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.begun: list[str] = []
        self.released: set[str] = set()
        self.deadly: dict[str, int] = {}
        self.running: set[int] = set()
        self.started = 0
        self.hold = False

    def start(self) -> "HeldWorker":
        with self.changed:
            self.started += 1
            self.running.add(self.started)
            return HeldWorker(self, self.started)

    def release(self, *texts: str) -> None:
        with self.changed:
            self.released.update(texts)
            self.changed.notify_all()

    def release_all(self) -> None:
        with self.changed:
            self.hold = False
            self.changed.notify_all()

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, WAIT)

    def wait_until_begun(self, *texts: str) -> None:
        self.wait_for(lambda: self.begun == list(texts))


class HeldWorker:
    def __init__(self, workshop: Workshop, number: int) -> None:
        self._workshop = workshop
        self._number = number

    def embed(self, text: str) -> Vector:
        shop = self._workshop
        with shop.changed:
            shop.begun.append(text)
            shop.changed.notify_all()
            assert shop.changed.wait_for(lambda: not shop.hold or text in shop.released, WAIT)
            if text == "poison" or shop.deadly.get(text, 0) > 0:
                shop.deadly[text] = shop.deadly.get(text, 0) - 1
                shop.running.discard(self._number)
            if self._number not in shop.running:
                raise EOFError
        return [float(len(text))]

    def is_running(self) -> bool:
        return self._number in self._workshop.running

    def close(self) -> None:
        self._workshop.running.discard(self._number)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    made = Workshop()
    yield made
    made.release_all()


def test_a_text_gets_its_own_vector(workshop: Workshop) -> None:
    pool = WorkerPool(2, workshop.start)
    futures = [pool.submit("a" * length, urgent=False) for length in range(1, 20)]
    assert [future.result(WAIT) for future in futures] == [[float(length)] for length in range(1, 20)]


def test_no_worker_is_started_before_there_is_work_and_no_more_than_there_is_work_for(workshop: Workshop) -> None:
    pool = WorkerPool(8, workshop.start)
    assert workshop.started == 0
    for text in ("one", "two", "three"):
        pool.submit(text, urgent=False).result(WAIT)
    assert workshop.started == 1


def test_as_many_texts_are_embedded_at_a_time_as_there_are_workers(workshop: Workshop) -> None:
    workshop.hold = True
    pool = WorkerPool(3, workshop.start)
    futures = [pool.submit(f"text {number}", urgent=False) for number in range(5)]
    workshop.wait_for(lambda: len(workshop.begun) == 3)
    assert (workshop.started, sorted(workshop.begun)) == (3, ["text 0", "text 1", "text 2"])
    workshop.release("text 1")
    workshop.wait_for(lambda: len(workshop.begun) == 4)
    workshop.release_all()
    assert len([future.result(WAIT) for future in futures]) == 5
    assert workshop.started == 3


def test_an_urgent_text_waits_for_nothing_but_what_is_being_computed(workshop: Workshop) -> None:
    workshop.hold = True
    pool = WorkerPool(1, workshop.start)
    long = [pool.submit(f"chunk {number}", urgent=False) for number in range(50)]
    workshop.wait_until_begun("chunk 0")
    question = pool.submit("question", urgent=True)
    workshop.release("chunk 0", "question")
    assert question.result(WAIT) == [8.0]
    workshop.wait_until_begun("chunk 0", "question", "chunk 1")
    assert long[0].done()
    assert not long[1].done()


def test_a_text_is_tried_on_another_worker_when_one_ends(workshop: Workshop) -> None:
    workshop.deadly["unlucky"] = 2
    pool = WorkerPool(1, workshop.start)
    assert pool.submit("unlucky", urgent=False).result(WAIT) == [7.0]
    assert workshop.started == 3
    assert len(workshop.running) == 1


def test_a_text_that_ends_every_worker_fails_alone(workshop: Workshop) -> None:
    pool = WorkerPool(2, workshop.start)
    futures = {text: pool.submit(text, urgent=False) for text in ("before", "poison", "after", "later")}
    with pytest.raises(EmbeddingError) as caught:
        futures["poison"].result(WAIT)
    assert "poison" not in str(caught.value)
    assert [futures[text].result(WAIT) for text in ("before", "after", "later")] == [[6.0], [5.0], [5.0]]
    assert workshop.begun.count("poison") == 3


def test_workers_that_ended_while_idle_are_no_fault_of_the_next_text(workshop: Workshop) -> None:
    workshop.hold = True
    pool = WorkerPool(4, workshop.start)
    first = [pool.submit(f"text {number}", urgent=False) for number in range(4)]
    workshop.wait_for(lambda: len(workshop.begun) == 4)
    workshop.release_all()
    for future in first:
        future.result(WAIT)
    workshop.running.clear()  # the system needed the memory
    again = [pool.submit(f"again {number}", urgent=False) for number in range(8)]
    assert [future.result(WAIT) for future in again] == [[7.0]] * 8
    assert sorted(text for text in workshop.begun if "again" in text) == [f"again {number}" for number in range(8)]


def test_a_worker_that_cannot_be_started_is_an_error_of_the_text_and_is_tried_again_for_the_next() -> None:
    workshop = Workshop()
    starts: list[float] = []

    def start() -> HeldWorker:
        starts.append(time.monotonic())
        if len(starts) <= 3:
            raise OSError("no memory")
        return workshop.start()

    pool = WorkerPool(1, start)
    with pytest.raises(EmbeddingError):
        pool.submit("first", urgent=False).result(WAIT)
    assert pool.submit("second", urgent=False).result(WAIT) == [6.0]


def test_a_text_that_would_wait_too_long_is_refused_unless_it_is_urgent(workshop: Workshop) -> None:
    pool = WorkerPool(1, workshop.start)
    workshop.hold = True
    pool.submit("computed now", urgent=False)
    workshop.wait_until_begun("computed now")
    waiting = [pool.submit(f"text {number}", urgent=False) for number in range(61)]  # 30 s at half a second each
    with pytest.raises(EmbeddingBusyError):
        pool.submit("one more", urgent=False)
    urgent = pool.submit("a question", urgent=True)
    workshop.release_all()
    assert [future.result(WAIT) for future in [*waiting, urgent]]
    pool.submit("one more", urgent=False).result(WAIT)
