"""Indexes in memory: a matrix to search, columns to filter, postings to match; loaded on demand, dropped for space."""

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from local.s3vectors.analyzers import analyzer_for
from local.s3vectors.bm25 import TextIndex
from local.s3vectors.database import Database
from local.s3vectors.errors import NotFoundError, ServiceError
from local.s3vectors.filters import Columns
from local.s3vectors.metadata import searchable_text
from local.s3vectors.records import Index, Vector

INDEX_NOT_FOUND = "The specified index could not be found"

_SMALLEST_CAPACITY = 64
_TOLERATED_DEAD_ROWS = 1024  # fewer are not worth loading an index again


class LoadedIndex:
    """One index's vectors in memory. A changed vector gets a new row and its old row dies; rows are never used again.

    Vectors of a cosine index are kept at unit length, so that a dot product is the cosine. Columns and postings are
    built from the database when first asked for and follow every write from then on.
    """

    def __init__(self, index: Index, database: Database) -> None:
        self.index = index
        self._database = database
        stored = database.data(index.id)
        self.keys: list[str] = []
        self._row_of: dict[str, int] = {}
        self._matrix = np.empty((max(len(stored), _SMALLEST_CAPACITY), index.dimension), dtype=np.float32)
        self._alive = np.zeros(len(self._matrix), dtype=np.bool_)
        self._columns: Columns | None = None
        self._texts: dict[str, TextIndex] = {}
        self._append([key for key, _ in stored], b"".join(data for _, data in stored))

    @property
    def matrix(self) -> NDArray[np.float32]:
        """All rows, dead ones included."""
        return self._matrix[: len(self.keys)]

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Which rows live."""
        return self._alive[: len(self.keys)]

    @property
    def nbytes(self) -> int:
        """Approximate size in bytes."""
        return self._matrix.nbytes + sum(text.nbytes for text in self._texts.values())

    @property
    def wasteful(self) -> bool:
        """Whether most rows are dead, so that loading the index again pays."""
        living = len(self._row_of)
        return len(self.keys) - living > max(living, _TOLERATED_DEAD_ROWS)

    @property
    def columns(self) -> Columns:
        """The filterable metadata."""
        if self._columns is None:
            self._columns = Columns()
            for key, metadata in self._database.metadata(self.index.id):
                self._columns.add(self._row_of[key], json.loads(metadata), self.index.non_filterable)
        return self._columns

    def text(self, key: str) -> TextIndex:
        """The postings of a searchable metadata key."""
        if key not in self._texts:
            text_index = self._texts[key] = TextIndex()
            analyze = analyzer_for(self.index.searchable[key])
            rows = [
                (self._row_of[name], searchable_text(json.loads(text), key))
                for name, text in self._database.metadata(self.index.id)
            ]
            for row, text in sorted(rows):
                text_index.add(row, analyze(text))
        return self._texts[key]

    def put(self, vectors: Sequence[Vector]) -> None:
        """Follow a write to the database."""
        self.delete([vector.key for vector in vectors])
        first = len(self.keys)
        self._append([vector.key for vector in vectors], b"".join(vector.data for vector in vectors))
        if self._columns is None and not self._texts:
            return
        for row, vector in enumerate(vectors, start=first):
            metadata = json.loads(vector.metadata) if vector.metadata else {}
            if self._columns is not None:
                self._columns.add(row, metadata, self.index.non_filterable)
            for key, text_index in self._texts.items():
                text_index.add(row, analyzer_for(self.index.searchable[key])(searchable_text(metadata, key)))

    def delete(self, keys: Sequence[str]) -> None:
        """Follow a deletion from the database."""
        for key in keys:
            row = self._row_of.pop(key, None)
            if row is not None:
                self._alive[row] = False

    def _append(self, keys: list[str], data: bytes) -> None:
        first, last = len(self.keys), len(self.keys) + len(keys)
        if last > len(self._matrix):
            grown = np.empty((max(last, 2 * len(self._matrix)), self.index.dimension), dtype=np.float32)
            grown[:first] = self._matrix[:first]
            self._alive = np.concatenate([self._alive, np.zeros(len(grown) - len(self._matrix), dtype=np.bool_)])
            self._matrix = grown
        rows = np.frombuffer(data, dtype="<f4").reshape(len(keys), self.index.dimension)
        self._matrix[first:last] = unit(rows) if self.index.metric == "cosine" else rows
        self._alive[first:last] = True
        self.keys.extend(keys)
        self._row_of.update(zip(keys, range(first, last), strict=True))


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each vector (along the last axis, not zero) at length 1, measured in float64, where no square overflows."""
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors, dtype=np.float64))
    directions: NDArray[np.float32] = (vectors / lengths[..., np.newaxis]).astype(np.float32)
    return directions


@dataclass
class Slot:
    """One index's place in the cache. Holding `lock` keeps its database rows and its memory in step."""

    index: Index
    lock: RLock = field(default_factory=RLock)
    loaded: LoadedIndex | None = None


class IndexCache:
    """The loaded indexes, least recently used ones dropped beyond `budget` bytes. Safe to use from several threads."""

    def __init__(self, database: Database, budget: int) -> None:
        self._database = database
        self._budget = budget
        self._slots: OrderedDict[int, Slot] = OrderedDict()
        self._lock = RLock()

    @contextmanager
    def locked(self, arn: str) -> Iterator[Slot]:
        """The slot of an existing index, which nobody else reads or writes meanwhile.

        Raises:
            NotFoundError: If there is no such index.
        """
        slot = self._acquired(arn)
        try:
            yield slot
            if slot.loaded is not None and slot.loaded.wasteful:
                slot.loaded = None
        except ServiceError:
            raise
        except BaseException:
            slot.loaded = None  # it may no longer say what the database says
            raise
        finally:
            slot.lock.release()
        self._make_room()

    def _acquired(self, arn: str) -> Slot:
        while True:
            wanted = self._existing(arn)
            with self._lock:
                slot = self._slots.setdefault(wanted.id, Slot(wanted))
                self._slots.move_to_end(wanted.id)
            slot.lock.acquire()
            try:
                slot.index = self._existing(arn)  # it may have changed, or gone, while we waited
            except ServiceError:
                slot.lock.release()
                raise
            if slot.index.id == wanted.id:
                return slot
            slot.lock.release()  # it was deleted and made again: another slot is its place now

    def searchable(self, slot: Slot) -> LoadedIndex:
        """The index of a locked slot, loaded."""
        if slot.loaded is None:
            slot.loaded = LoadedIndex(slot.index, self._database)
        return slot.loaded

    def forget(self, slot: Slot) -> None:
        """Drop a locked slot whose index is gone."""
        slot.loaded = None
        with self._lock:
            self._slots.pop(slot.index.id, None)

    @property
    def nbytes(self) -> int:
        """Approximate bytes that the loaded indexes take."""
        with self._lock:
            return sum(slot.loaded.nbytes for slot in self._slots.values() if slot.loaded is not None)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._slots.clear()

    def _existing(self, arn: str) -> Index:
        index = self._database.index(arn)
        if index is None:
            raise NotFoundError(INDEX_NOT_FOUND)
        return index

    def _make_room(self) -> None:
        with self._lock:
            loaded = [(slot, slot.loaded.nbytes) for slot in self._slots.values() if slot.loaded is not None]
            excess = sum(size for _, size in loaded) - self._budget
            for slot, size in loaded[:-1]:
                if excess <= 0:
                    return
                if slot.lock.acquire(blocking=False):
                    slot.loaded = None
                    slot.lock.release()
                    excess -= size
