"""Ports for all data of one tenant: to count, purge, export or copy it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from onggi.domain.tenant_data import Counts, ExportProgress


class TenantPurger(Protocol):
    """Everything of one tenant that offboarding counts and removes."""

    def count_page(self, cursor: str | None) -> tuple[Counts, str | None]:
        """Counts one page of what there is, versions and delete markers of objects included.

        Returns:
            How much of each kind the page holds, each kind named by the first page; and the cursor that others follow.
        """
        ...

    def unfinished_page(self, cursor: str | None) -> tuple[list[str], str | None]:
        """Executions of the ingestion workflow to which documents belong that are neither done nor failed, by pages."""
        ...

    def purge_batch(self, seconds_left: Callable[[], float]) -> bool:
        """Removes the index and, while there is time, everything else; returns whether more may be left."""
        ...


@dataclass(frozen=True, slots=True)
class ExportedObject:
    """An exported object and a link to it that needs no credentials."""

    name: str
    size: int
    url: str


class TenantExport(Protocol):
    """What one tenant takes along: its uploads, their texts, its vectors and the rows of its ledger."""

    def some(self, progress: ExportProgress) -> ExportProgress:
        """Exports the next page; done twice, it writes the same once more."""
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[ExportedObject], str | None]:
        """Exported objects by name, each with a link for 15 minutes, and a cursor where there are more."""
        ...


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The newest version of an object, or the marker of its deletion.

    Attributes:
        modified: ISO 8601.
        hidden: the version that the marker hides; None where there is none, or it was not looked at.
    """

    key: str
    version: str
    modified: str
    is_deleted: bool
    hidden: str | None = None


class MovingObjects(Protocol):
    """A tenant's uploads and artifacts at the place they are copied from and at the one they are copied to."""

    def uploads(self, after: str | None) -> tuple[list[StoredObject], str | None]:
        """The next uploads by key at the first place, and the key that others follow; None where none do."""
        ...

    def copied(self, after: str | None, last: str) -> list[StoredObject]:
        """The uploads at the second place with keys behind one and up to another."""
        ...

    def copy_uploads(self, uploads: Sequence[tuple[str, str | None]]) -> list[str | None]:
        """Copies uploads by key and version, the newest where none is named, one of a key after another.

        Returns:
            The copies' ids; None for what is gone.
        """
        ...

    def delete(self, key: str) -> None:
        """Deletes an upload at the second place by a delete marker."""
        ...

    def artifacts(self, after: str | None) -> tuple[list[str], str | None]:
        """The names of the next artifacts at the first place, and the name that others follow; None where none do."""
        ...

    def copy_artifacts(self, names: Sequence[str]) -> None:
        """Copies artifacts; names that are not there are no error."""
        ...
