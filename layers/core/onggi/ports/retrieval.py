"""Ports for vector indexes."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from onggi.domain.chunk import IndexedChunk, Passage
from onggi.domain.tenant import TenantContext

Filter = Mapping[str, Any]


class VectorIndex(Protocol):
    """The tenant's own vector index."""

    def put(self, chunks: Sequence[IndexedChunk]) -> None:
        """Writes chunks; a chunk whose key is there is replaced."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes chunks by key; keys that are not there are no error."""
        ...

    def search(self, vector: Sequence[float], text: str, limit: int, metadata_filter: Filter | None) -> list[Passage]:
        """The best passages for a question by one hybrid query, best first.

        Raises:
            InvalidRequest: when the filter is not one that the index understands.
        """
        ...


class IndexProvisioner(Protocol):
    """Makes vector indexes for new tenants."""

    def provision(self, tenant: TenantContext) -> None:
        """Creates the tenant's index where it is not there yet."""
        ...
