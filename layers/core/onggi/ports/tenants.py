"""Ports for the records of tenants and for what is made for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from onggi.domain.errors import BadDocumentCode
from onggi.domain.tenant import Receipt, TenantContext, TenantRecord


class TenantDirectory(Protocol):
    """The control table's list of who the tenants are. No tenant session can reach it."""

    def find(self, tenant_id: str) -> TenantRecord | None:
        """A tenant's record, read consistently."""
        ...

    def create(self, record: TenantRecord) -> None:
        """Adds a tenant.

        Raises:
            Conflict: when the id is taken.
        """
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[TenantRecord], str | None]:
        """Tenants by id, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this directory.
        """
        ...

    def record_rejection(self, bucket: str, key: str, version: str, code: BadDocumentCode, message: str) -> None:
        """Keeps note of an upload that belongs to no tenant."""
        ...


class TenantLifecycle(Protocol):
    """The control table's tenants on their way in and out; every change is one conditional write."""

    def change(self, known: TenantRecord, changed: TenantRecord) -> TenantRecord:
        """Writes a tenant's context, status, reason, run and move; returns the record as it is now.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def place(self, known: TenantRecord, vector_bucket: str, capacity: int) -> TenantRecord | None:
        """Gives a tenant a place in a vector bucket and counts its index there; None where the bucket is full.

        One that is being moved gets it at its new place.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def remove(self, known: TenantRecord, receipt: Receipt) -> None:
        """Removes a tenant's record, gives its place free and keeps its receipt, all at once.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def end_move(self, known: TenantRecord) -> TenantRecord:
        """Ends a tenant's move and gives the place free that it has left, at once; returns the record as it is now.

        Raises:
            Conflict: when the tenant is no longer as it was known.
        """
        ...

    def receipt(self, tenant_id: str) -> Receipt | None:
        """The newest receipt of a tenant that was removed."""
        ...


@dataclass(frozen=True, slots=True)
class DeferredEvent:
    """An S3 event that waits until its tenant is active.

    Attributes:
        key: the S3 key that it speaks of.
        sequencer: comparable; of the events of a key only the newest has to wait.
        noted_by: the execution of the ingestion workflow that has noted it.
        event: what starts that workflow.
    """

    key: str
    sequencer: str
    noted_by: str
    event: Mapping[str, Any]


class DeferredEvents(Protocol):
    """Events of tenants that are not active."""

    def note(self, tenant_id: str, waiting: DeferredEvent) -> None:
        """Keeps an event, in the place of an older one of the same key; a newer one stays."""
        ...

    def some(self, tenant_id: str, most: int) -> list[DeferredEvent]:
        """Some of the events that wait, read consistently; nothing once none does."""
        ...

    def forget(self, tenant_id: str, waiting: DeferredEvent) -> None:
        """Removes an event, unless another has been noted in its place."""
        ...


class IsolationProbe(Protocol):
    """Tries what a tenant's session can and cannot do."""

    def use_own(self) -> None:
        """Writes, reads and deletes something of the tenant's own in every store.

        Raises:
            Conflict: when something else is read than was written.
            Forbidden: when the session is denied what is its own.
        """
        ...

    def breaches(self) -> list[str]:
        """Returns what the session can reach of other tenants, in words; an empty list where isolation holds."""
        ...


class TenantStacks(Protocol):
    """Makes what tenants have for themselves."""

    def provide(self, tenant: TenantContext, run: str) -> bool:
        """Makes the stack of a tenant's place for a run of a workflow; False while it is being made.

        One that another run has failed to make is removed first.

        Raises:
            Conflict: when this run has failed to make it.
        """
        ...
