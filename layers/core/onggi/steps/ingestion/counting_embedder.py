"""Tells how far a batch is while it is being embedded."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from onggi.ports.clock import Clock
from onggi.ports.models import Embedder, Embedding

PAUSE: Final = timedelta(seconds=5)
"""Between two reports. A batch takes Titan less than a second, and minutes where a model is slow or throttles: there a
bar that only moves batch by batch would seem to stop."""


class CountingEmbedder:
    """An embedder that reports now and then how many texts it has embedded; safe to share between threads.

    Args:
        embedder: does the work.
        report: takes the number; what it raises, `embed` raises.
        clock: returns the time.
    """

    def __init__(self, embedder: Embedder, report: Callable[[int], None], clock: Clock) -> None:
        self._embedder = embedder
        self._report = report
        self._clock = clock
        self._lock = threading.Lock()
        self._texts = 0
        self._reported_at = clock()

    def embed(self, text: str) -> Embedding:
        """The embedding of one text."""
        embedding = self._embedder.embed(text)
        with self._lock:
            self._texts += 1
            texts, now = self._texts, self._clock()
            is_due = now - self._reported_at >= PAUSE
            if is_due:
                self._reported_at = now
        if is_due:
            self._report(texts)
        return embedding
