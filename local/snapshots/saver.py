"""Takes snapshots of a running cloud: soon after something has changed, and once more at its end."""

import asyncio
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from local.snapshots.blobs import sync
from local.snapshots.forked import ForkedCall, ForkedCallError
from local.snapshots.store import Snapshot, SnapshotStore

INTERVAL_SECONDS = 2.0
"""Between two snapshots of a cloud that is used: what a sudden end may lose."""

REST = 3.0
"""A snapshot that took long is followed by a pause this many times as long, so that saving takes a core's quarter."""

WRITE_SECONDS = 300.0
STOP_SECONDS = 40.0
QUIET_SECONDS = 1.0
_POLL_SECONDS = 0.01
_LOG = logging.getLogger(__name__)


class Services(Protocol):
    """What is saved; every method is called by the thread that answers requests."""

    def states(self) -> dict[str, Any]:
        """Return the state of each service by its name; called in a copy of the process."""

    def blobs(self) -> set[str]:
        """Return the names of the blobs that the states speak of; called in a copy of the process."""

    @property
    def changes(self) -> int:
        """A number that grows with each request that may have changed a state."""

    def is_working(self) -> bool:
        """Whether something runs that may change a state without a request."""

    def is_quiet(self) -> bool:
        """Whether nothing is half done that a restart could not go on with."""


class MarkedDatabase(Protocol):
    """A database that keeps itself, and can be taken back to the moment of a snapshot."""

    @property
    def files(self) -> Any:  # noqa: ANN401 - an iterable of paths
        """The files that hold its data."""

    def set_mark(self, mark: int) -> None:
        """Record what is written from now on under a mark."""

    def forget(self, mark: int) -> None:
        """Forget how to take back what was written up to a mark."""


@dataclass(frozen=True)
class _Attempt:
    """A snapshot that is being written.

    Attributes:
        number: of the snapshot.
        unsynced: blobs that are synced with it.
        call: writes it.
    """

    number: int
    unsynced: list[str]
    call: ForkedCall


class Saver:
    """Takes the snapshots of one cloud, one at a time.

    Args:
        store: where they are put.
        services: what they are of.
        database: goes along with them.
        number: of the snapshot that the cloud began with, 0 where it began empty.
    """

    def __init__(self, store: SnapshotStore, services: Services, database: MarkedDatabase, number: int) -> None:
        self._store = store
        self._services = services
        self._database = database
        self._number = number
        self._seen_changes = services.changes
        self._may_change = True
        self._attempt: _Attempt | None = None
        self._finishing = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "snapshots")  # the loop's own threads may all be waiting for functions

    async def run(self) -> None:
        """Take snapshots until the cloud ends."""
        pause = INTERVAL_SECONDS
        while True:
            await asyncio.sleep(pause)
            if self._services.changes == self._seen_changes and not self._may_change:
                continue
            began = time.monotonic()
            try:
                await self._save()
            except Exception:  # whatever it is, a cloud that no longer saves would be worse
                self._may_change = True  # so that the next attempt follows
                _LOG.exception("What the cloud holds could not be saved; another attempt follows")
            pause = max(INTERVAL_SECONDS, REST * (time.monotonic() - began))

    async def _save(self) -> None:
        deadline = time.monotonic() + QUIET_SECONDS
        while not self._services.is_quiet() and time.monotonic() < deadline:  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(_POLL_SECONDS)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._end, self._begin(), WRITE_SECONDS)

    def save_last(self) -> None:
        """Take the last snapshot, while nothing else is done; one that is being written is given up for it."""
        if self._attempt:
            self._attempt.call.kill()
        try:
            self._end(self._begin(), STOP_SECONDS)
        except Exception:  # the snapshot before it is there, and the cloud ends
            _LOG.exception("What the cloud holds could not be saved at its end; its last seconds are lost")

    def _begin(self) -> _Attempt:
        """Start to write a snapshot of this moment."""
        self._number += 1
        number, unsynced = self._number, list(self._store.blobs.unsynced)
        self._seen_changes, self._may_change = self._services.changes, self._services.is_working()
        self._database.set_mark(number + 1)
        self._attempt = _Attempt(number, unsynced, ForkedCall(lambda: self._write(number, unsynced)))
        return self._attempt

    def _write(self, number: int, unsynced: list[str]) -> dict[str, Any]:
        """Write everything through to the disk, in a copy of the process."""
        self._store.blobs.sync(unsynced)
        for file in self._database.files:
            sync(file)
        path, kept = self._store.write(Snapshot(number, self._services.states()))
        return {"path": str(path), "unused": self._store.blobs.unused(kept | self._services.blobs())}

    def _end(self, attempt: _Attempt, seconds: float) -> None:
        """Put the snapshot into its place once it is written, unless it was given up for the last one.

        Raises:
            ForkedCallError: it could not be written.
        """
        try:
            written = attempt.call.result(seconds)
        except ForkedCallError:
            if attempt is self._attempt:
                raise
            return
        with self._finishing:
            if attempt is not self._attempt:
                return
            self._store.commit(Path(written["path"]))
            self._database.forget(attempt.number)
            self._store.blobs.remove(written["unused"])
            del self._store.blobs.unsynced[: len(attempt.unsynced)]
