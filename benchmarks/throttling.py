"""Simulates a burst of documents against a quota of the embedding model.

`python -m benchmarks.throttling`. Documents arrive as fast as Step Functions starts executions, calls take 0.15 s,
and the quota is a token bucket with a capacity of ten seconds. The present workflow is compared with an earlier one,
in which a failed batch lost its embeddings, was retried six times and ended after 300 s.
"""

import heapq
import itertools
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from benchmarks.machine import RESULTS, today

CHUNKS: Final = 60
BATCH: Final = 32
CONCURRENT_BATCHES: Final = 4
CONCURRENT_CALLS: Final = 8
CALL_SECONDS: Final = 0.15
THROTTLED_SECONDS: Final = 0.02
STARTS_PER_SECOND: Final = 150
"""StartExecution in most regions: a token bucket that refills by 150 per second (Step Functions quotas)."""
SDK_ATTEMPTS: Final = 4
SDK_MAX_SECONDS: Final = 20.0
BUCKET_SECONDS: Final = 10
MAX_SECONDS: Final = 12 * 3600


@dataclass(frozen=True)
class Rules:
    """How the workflow handles throttling.

    Attributes:
        keeps: Whether a batch keeps its embeddings and stops at the first failed call.
        retries: Number of retries of a batch by Step Functions.
        max_delay: Maximum delay of a retry in seconds.
        child_seconds: Timeout of the execution of a batch.
    """

    keeps: bool
    retries: int
    max_delay: float
    child_seconds: float


BEFORE: Final = Rules(keeps=False, retries=6, max_delay=30, child_seconds=300)
PRESENT: Final = Rules(keeps=True, retries=1000, max_delay=60, child_seconds=365 * 86400)


@dataclass
class Quota:
    """A quota of requests per minute, as a token bucket."""

    requests_a_minute: int
    tokens: float = field(init=False)
    last: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self._capacity

    @property
    def _capacity(self) -> float:
        return self.requests_a_minute / 60 * BUCKET_SECONDS

    def allows(self, now: float) -> bool:
        """Takes a token if there is one; returns whether the request is allowed."""
        self.tokens = min(self._capacity, self.tokens + (now - self.last) * self.requests_a_minute / 60)
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Document:
    """A document in processing."""

    batches: list[int]
    done: int = 0
    ended: float | None = None
    failed: bool = False


@dataclass
class Batch:
    """A batch of a document, over all its tries."""

    document: Document
    missing: int
    texts: int
    began: float
    tries: int = 0
    waiting: int = 0
    running: int = 0
    embedded: int = 0
    throttled: bool = False


class Simulation:
    """A discrete-event simulation."""

    def __init__(self, rules: Rules, documents: int, requests_a_minute: int) -> None:
        self._rules = rules
        self._quota = Quota(requests_a_minute)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._random = random.Random(documents * requests_a_minute)  # noqa: S311 - the same result every time
        self.calls = 0
        sizes = [BATCH] * (CHUNKS // BATCH) + ([CHUNKS % BATCH] if CHUNKS % BATCH else [])
        self.documents = [Document(list(sizes)) for _ in range(documents)]
        for number, document in enumerate(self.documents):
            self._schedule(number / STARTS_PER_SECOND, partial(self._start, document))

    def run(self) -> None:
        """Processes events until none is left or MAX_SECONDS is reached."""
        while self._events and self._events[0][0] < MAX_SECONDS:
            now, _, event = heapq.heappop(self._events)
            event(now)

    def _schedule(self, when: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), event))

    def _start(self, document: Document, now: float) -> None:
        for _ in range(CONCURRENT_BATCHES):
            self._next_batch(now, document)

    def _next_batch(self, now: float, document: Document) -> None:
        if document.batches and not document.failed:
            size = document.batches.pop()
            self._try(now, Batch(document, size, size, now))

    def _try(self, now: float, batch: Batch) -> None:
        if batch.document.failed:
            return
        batch.waiting, batch.throttled, batch.embedded = batch.missing, False, 0
        for _ in range(min(CONCURRENT_CALLS, batch.waiting)):
            batch.running += 1
            batch.waiting -= 1
            self._call(now, batch, 0)

    def _call(self, now: float, batch: Batch, attempt: int) -> None:
        self.calls += 1
        if self._quota.allows(now):
            self._schedule(now + CALL_SECONDS, lambda then: self._finish_call(then, batch, embedded=True))
        elif attempt + 1 < SDK_ATTEMPTS:
            delay = self._random.random() * min(SDK_MAX_SECONDS, 2**attempt)
            self._schedule(now + THROTTLED_SECONDS + delay, lambda then: self._call(then, batch, attempt + 1))
        else:
            self._schedule(now + THROTTLED_SECONDS, lambda then: self._finish_call(then, batch, embedded=False))

    def _finish_call(self, now: float, batch: Batch, *, embedded: bool) -> None:
        batch.running -= 1
        batch.embedded += embedded
        batch.throttled |= not embedded
        if batch.waiting and not (self._rules.keeps and batch.throttled):
            batch.waiting -= 1
            batch.running += 1
            self._call(now, batch, 0)
        elif not batch.running:
            self._finish_try(now, batch)

    def _finish_try(self, now: float, batch: Batch) -> None:
        document = batch.document
        if document.failed:
            return
        if now - batch.began > self._rules.child_seconds:
            document.failed, document.ended = True, now
        elif not batch.throttled:
            document.done += batch.texts
            if document.done == CHUNKS:
                document.ended = now
            self._next_batch(now, document)
        elif batch.tries == self._rules.retries:
            document.failed, document.ended = True, now
        else:
            batch.missing -= batch.embedded if self._rules.keeps else 0
            delay = self._random.random() * min(self._rules.max_delay, 2**batch.tries)
            batch.tries += 1
            self._schedule(now + delay, lambda then: self._try(then, batch))


def simulate(rules: Rules, documents: int, requests_a_minute: int) -> dict[str, float]:
    """Returns the outcome of a burst: documents ready and failed, seconds, calls and the share of the quota used."""
    model = Simulation(rules, documents, requests_a_minute)
    model.run()
    ready = sum(each.ended is not None and not each.failed for each in model.documents)
    seconds = max(each.ended or MAX_SECONDS for each in model.documents)
    allowed = requests_a_minute / 60 * (seconds + BUCKET_SECONDS)
    return {
        "documents": documents,
        "requests_a_minute": requests_a_minute,
        "ready": ready,
        "failed": sum(each.failed for each in model.documents),
        "seconds": round(seconds),
        "calls": model.calls,
        "share_of_quota": round(ready * CHUNKS / allowed, 2),
    }


def main() -> None:
    """Computes, prints and writes `benchmarks/results/throttling.json`."""
    sizes = [(documents, rate) for rate in (2000, 6000) for documents in (10, 30, 100, 300, 1000)]
    rows = {name: [simulate(rules, *size) for size in sizes] for name, rules in (("before", BEFORE), ("now", PRESENT))}
    for name, outcomes in rows.items():
        for row in outcomes:
            print(f"{name:>6}: " + ", ".join(f"{field} {value}" for field, value in row.items()))
    result = {"date": today(), "chunks_a_document": CHUNKS, **rows}
    (RESULTS / "throttling.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
