"""Several workers that share the texts to embed."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

from local.embedding.lanes import Lanes

type Vector = Sequence[float]

ATTEMPTS = 3
"""How often a text is tried on a worker that ends: one that was killed by chance is no fault of the text."""

_log = logging.getLogger(__name__)


MAX_WAIT_SECONDS = 30.0
"""The longest that a text which is not urgent may be expected to wait: half of what an SDK waits for a response. One
document has 32 texts on their way at a time, which wait less."""

FIRST_GUESS_SECONDS = 0.5
"""For a text, until one was measured."""

NEWEST_SHARE = 0.1
"""The share of the newest text in the mean of what a text takes."""


class EmbeddingError(Exception):
    """A text could not be embedded: every worker that tried has ended."""


class EmbeddingBusyError(Exception):
    """So many texts wait that this one would wait too long."""


class Worker(Protocol):
    """Embeds one text at a time."""

    def embed(self, text: str) -> Vector:
        """Return the vector of a text.

        Raises:
            OSError, EOFError: the worker has ended.
        """

    def is_running(self) -> bool:
        """Return whether the worker can take a text."""

    def close(self) -> None:
        """End the worker."""


@dataclass(eq=False)
class _Task:
    text: str
    urgent: bool
    vector: Future[Vector] = field(default_factory=Future)
    attempts: int = 0


class WorkerPool:
    """Embeds texts on up to `size` workers, each started when there is work for it, and again after it has ended.

    A text is computed by one worker alone and without any other text, so that its vector is always the same, and so
    that an urgent text waits for no more than what is being computed. A batch would gain nothing: one text or five at a
    time cost the same within the noise, from 100 tokens on. Neither would the windows of a long text on several
    workers: the engine takes texts, not tokens, and the halves of a text are not the tokens of the whole.

    Args:
        size: most workers at a time.
        start: starts a worker.
    """

    def __init__(self, size: int, start: Callable[[], Worker]) -> None:
        self._size = size
        self._start = start
        self._lanes: Lanes[_Task] = Lanes()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._seconds_a_text = FIRST_GUESS_SECONDS

    def submit(self, text: str, *, urgent: bool) -> Future[Vector]:
        """Add a text; returns where its vector will be, or an `EmbeddingError`.

        Raises:
            EmbeddingBusyError: the text is not urgent and would wait too long.
        """
        task = _Task(text, urgent)
        with self._changed:
            if not urgent and len(self._lanes) * self._seconds_a_text / self._size > MAX_WAIT_SECONDS:
                raise EmbeddingBusyError(f"{len(self._lanes)} texts wait for the local embedding model.")
            self._lanes.add(task, urgent=urgent)
            if len(self._lanes) > self._idle and self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name="embedding", daemon=True).start()
            self._changed.notify()
        return task.vector

    def _work(self) -> None:
        worker: Worker | None = None
        while True:
            task = self._next()
            try:
                worker = self._running(worker)
                began = time.monotonic()
                vector = worker.embed(task.text)
                self._measured(time.monotonic() - began)
            except Exception as error:
                if worker:
                    worker.close()
                worker = None
                self._failed(task, error)
            else:
                task.vector.set_result(vector)

    def _measured(self, seconds: float) -> None:
        with self._changed:
            self._seconds_a_text += NEWEST_SHARE * (seconds - self._seconds_a_text)

    def _running(self, worker: Worker | None) -> Worker:
        """A worker that runs: the one there is, unless it has ended while it had nothing to do."""
        if worker and not worker.is_running():
            worker.close()
            worker = None
        return worker or self._start()

    def _next(self) -> _Task:
        with self._changed:
            self._idle += 1
            while not self._lanes:
                self._changed.wait()
            self._idle -= 1
            return self._lanes.take()

    def _failed(self, task: _Task, error: Exception) -> None:
        """Let another worker try the text, up to `ATTEMPTS` times."""
        task.attempts += 1
        _log.warning("An embedding worker failed at attempt %d: %s", task.attempts, type(error).__name__)
        if task.attempts == ATTEMPTS:
            failure = EmbeddingError("The local embedding model failed at this text.")
            failure.__cause__ = error
            task.vector.set_exception(failure)
            return
        with self._changed:
            self._lanes.add_again(task, urgent=task.urgent)
            self._changed.notify()
