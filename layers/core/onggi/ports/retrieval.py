"""The port for vector indexes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from onggi.domain.chunk import IndexedChunk, Passage

Filter = Mapping[str, Any]


class VectorIndex(Protocol):
    """One tenant's own vector index, as ingestion and questions use it."""

    def put(self, chunks: Sequence[IndexedChunk]) -> None:
        """Writes chunks; replaces a chunk whose key exists."""
        ...

    def search(self, vector: Sequence[float], text: str, limit: int, metadata_filter: Filter | None) -> list[Passage]:
        """Returns the best passages for a question by one hybrid query, best first.

        Raises:
            InvalidRequest: when the filter is not one that the index understands.
        """
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes chunks by key; keys that do not exist are no error, nor is an index that does not."""
        ...


class ManagedVectorIndex(VectorIndex, Protocol):
    """The same with everything else that Onggi does with a vector store."""

    def create(self) -> None:
        """Creates the index where it does not exist."""
        ...

    def count_page(self, cursor: str | None) -> tuple[int, str | None] | None:
        """Returns the number of vectors on the next page, and the cursor that others follow; None without an index."""
        ...

    def list_page(self, cursor: str | None) -> tuple[list[dict[str, Any]], str | None] | None:
        """Returns the next vectors with key, data and metadata, and a cursor; None without an index."""
        ...

    def drop(self) -> None:
        """Deletes the index with everything in it; one that does not exist is no error."""
        ...

    def write_probe(self, key: str) -> None:
        """Writes one vector that means nothing."""
        ...

    def read_probe(self, key: str) -> bool:
        """Reads a vector by key; returns whether it exists."""
        ...

    def search_probe(self, *, hybrid: bool) -> None:
        """Searches by a vector that means nothing; `hybrid` as questions do, with words and with metadata returned."""
        ...
