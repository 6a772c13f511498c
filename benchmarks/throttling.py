"""A model of a burst of documents against a quota of the embedding model: what retries, kept results and long lives do.

`python -m benchmarks.throttling`. It is arithmetic, not a measurement: documents arrive as fast as Step Functions
starts executions, calls take 0.15 s, and the quota is a bucket that refills evenly and holds ten seconds' worth. It
compares the workflow as it is with the workflow as it was: batches that lose what they embedded, six retries, and
children that end after 300 s.
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
BATCHES_AT_A_TIME: Final = 4
CALLS_AT_A_TIME: Final = 8
CALL_SECONDS: Final = 0.15
THROTTLED_SECONDS: Final = 0.02
STARTS_A_SECOND: Final = 150
"""StartExecution in most regions: a bucket that refills by 150 a second (Step Functions quotas)."""
SDK_ATTEMPTS: Final = 4
SDK_MAX_SECONDS: Final = 20.0
BUCKET_SECONDS: Final = 10
HORIZON_SECONDS: Final = 12 * 3600


@dataclass(frozen=True)
class Rules:
    """How the workflow treats throttling.

    Attributes:
        keeps: whether a batch keeps what was embedded, and stops at the first call that fails.
        retries: of a batch, by Step Functions.
        max_delay: seconds.
        child_seconds: how long the execution of a batch may live.
    """

    keeps: bool
    retries: int
    max_delay: float
    child_seconds: float


BEFORE: Final = Rules(keeps=False, retries=6, max_delay=30, child_seconds=300)
NOW: Final = Rules(keeps=True, retries=1000, max_delay=60, child_seconds=365 * 86400)


@dataclass
class Quota:
    """Requests a minute, as a token bucket."""

    requests_a_minute: int
    tokens: float = field(init=False)
    last: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self._capacity

    @property
    def _capacity(self) -> float:
        return self.requests_a_minute / 60 * BUCKET_SECONDS

    def allows(self, now: float) -> bool:
        """Takes one request from the bucket if there is one."""
        self.tokens = min(self._capacity, self.tokens + (now - self.last) * self.requests_a_minute / 60)
        self.last = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Document:
    """A document under way."""

    batches: list[int]
    done: int = 0
    ended: float | None = None
    failed: bool = False


@dataclass
class Batch:
    """One batch of a document, over all its tries."""

    document: Document
    missing: int
    texts: int
    began: float
    tries: int = 0
    waiting: int = 0
    running: int = 0
    embedded: int = 0
    throttled: bool = False


class Model:
    """Events in the order of their time."""

    def __init__(self, rules: Rules, documents: int, requests_a_minute: int) -> None:
        self._rules = rules
        self._quota = Quota(requests_a_minute)
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._chance = random.Random(documents * requests_a_minute)  # noqa: S311 - the same run every time
        self.calls = 0
        sizes = [BATCH] * (CHUNKS // BATCH) + ([CHUNKS % BATCH] if CHUNKS % BATCH else [])
        self.documents = [Document(list(sizes)) for _ in range(documents)]
        for number, document in enumerate(self.documents):
            self._at(number / STARTS_A_SECOND, partial(self._begin, document))

    def run(self) -> None:
        """Runs until nothing is left to do, or the horizon is reached."""
        while self._events and self._events[0][0] < HORIZON_SECONDS:
            now, _, event = heapq.heappop(self._events)
            event(now)

    def _at(self, when: float, event: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), event))

    def _begin(self, document: Document, now: float) -> None:
        for _ in range(BATCHES_AT_A_TIME):
            self._next_batch(now, document)

    def _next_batch(self, now: float, document: Document) -> None:
        if document.batches and not document.failed:
            size = document.batches.pop()
            self._try(now, Batch(document, size, size, now))

    def _try(self, now: float, batch: Batch) -> None:
        if batch.document.failed:
            return
        batch.waiting, batch.throttled, batch.embedded = batch.missing, False, 0
        for _ in range(min(CALLS_AT_A_TIME, batch.waiting)):
            batch.running += 1
            batch.waiting -= 1
            self._call(now, batch, 0)

    def _call(self, now: float, batch: Batch, attempt: int) -> None:
        self.calls += 1
        if self._quota.allows(now):
            self._at(now + CALL_SECONDS, lambda then: self._answered(then, batch, embedded=True))
        elif attempt + 1 < SDK_ATTEMPTS:
            delay = self._chance.random() * min(SDK_MAX_SECONDS, 2**attempt)
            self._at(now + THROTTLED_SECONDS + delay, lambda then: self._call(then, batch, attempt + 1))
        else:
            self._at(now + THROTTLED_SECONDS, lambda then: self._answered(then, batch, embedded=False))

    def _answered(self, now: float, batch: Batch, *, embedded: bool) -> None:
        batch.running -= 1
        batch.embedded += embedded
        batch.throttled |= not embedded
        if batch.waiting and not (self._rules.keeps and batch.throttled):
            batch.waiting -= 1
            batch.running += 1
            self._call(now, batch, 0)
        elif not batch.running:
            self._tried(now, batch)

    def _tried(self, now: float, batch: Batch) -> None:
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
            delay = self._chance.random() * min(self._rules.max_delay, 2**batch.tries)
            batch.tries += 1
            self._at(now + delay, lambda then: self._try(then, batch))


def outcome(rules: Rules, documents: int, requests_a_minute: int) -> dict[str, float]:
    """What becomes of a burst: documents ready and failed, seconds to the last, calls, the share of the quota used."""
    model = Model(rules, documents, requests_a_minute)
    model.run()
    ready = sum(each.ended is not None and not each.failed for each in model.documents)
    seconds = max(each.ended or HORIZON_SECONDS for each in model.documents)
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
    rows = {name: [outcome(rules, *size) for size in sizes] for name, rules in (("before", BEFORE), ("now", NOW))}
    for name, outcomes in rows.items():
        for row in outcomes:
            print(f"{name:>6}: " + ", ".join(f"{field} {value}" for field, value in row.items()))
    result = {"date": today(), "chunks_a_document": CHUNKS, **rows}
    (RESULTS / "throttling.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
