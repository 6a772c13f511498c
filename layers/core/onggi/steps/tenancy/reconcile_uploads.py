"""ReconcileUploads: what was uploaded to the place that a tenant has left, or deleted there, after it was copied."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from onggi.domain.document import Document, document_id_of
from onggi.domain.metadata import document_key_of_sidecar
from onggi.domain.tenant import TenantContext
from onggi.ports.ledger import DocumentLedger
from onggi.ports.tenant_data import MovingObjects, StoredObject
from onggi.steps.tenancy.slices import SecondsLeft, work_slice


@dataclass(frozen=True, slots=True)
class CarryProgress:
    """How far it has come: whether more may follow, and behind which key."""

    more: bool = True
    after: str | None = None


def reconcile_uploads(
    tenant: TenantContext,
    after: str | None,
    objects: MovingObjects,
    ledger: DocumentLedger,
    seconds_left: SecondsLeft,
) -> CarryProgress:
    """Compares both places key by key, and repeats at the new one what is newer at the old one, while there is time.

    What is copied here is an upload like any other to the new place: its event starts the workflow.

    Args:
        tenant: whose uploads they are.
        after: the key to go on behind; None for the beginning.
        objects: the uploads at both places, the old one as the source.
        ledger: the tenant's.
        seconds_left: returns the seconds until the function is ended.

    Raises:
        TransientError: when a dependency is not available.
    """

    def reconcile_page(progress: CarryProgress) -> CarryProgress:
        following = _reconcile_page(tenant, progress.after, objects, ledger)
        return CarryProgress(following is not None, following)

    return work_slice(CarryProgress(after=after), reconcile_page, seconds_left, is_over=lambda now: not now.more)


def _reconcile_page(
    tenant: TenantContext, after: str | None, objects: MovingObjects, ledger: DocumentLedger
) -> str | None:
    old, following = objects.uploads(after)
    new = {each.key: each for each in objects.copied(after, old[-1].key)} if old else {}
    rows = ledger.get_many(document_id_of(tenant, _document_key(each)) for each in old)
    known = {row.key: row for row in rows.values()}
    newer = [each for each in old if _is_newer(each, new.get(each.key), known.get(_document_key(each)))]
    while newer:
        _repeat(newer, new, objects)
        newer = _replaced(newer, objects.uploads(after)[0])
    return following


def _document_key(stored: StoredObject) -> str:
    """The key of the document that an object is, or is the sidecar of."""
    return document_key_of_sidecar(stored.key) or stored.key


def _is_newer(old: StoredObject, new: StoredObject | None, row: Document | None) -> bool:
    """Whether what is newest at the old place is missing at the new one.

    Times alone do not tell: what is uploaded while an older version is being copied is older than the copy. Of a
    sidecar that is gone nobody knows whether its document has heard of that; it hears of it again.

    Args:
        old: at the old place.
        new: at the new one.
        row: of the document that it is, or is the sidecar of.
    """
    if new is None:
        return not old.is_deleted or (row is not None and row.status != "deleted")
    if row is not None and new.version in row.copies:
        return old.is_deleted or row.version_of(old.version) != row.copies[new.version]
    return old.modified >= new.modified and not (old.is_deleted and new.is_deleted)


def _replaced(repeated: Sequence[StoredObject], now: Sequence[StoredObject]) -> list[StoredObject]:
    """What has come while something else of its key was being repeated, and looks older than the repetition."""
    versions = {each.key: each.version for each in repeated}
    return [each for each in now if versions.get(each.key, each.version) != each.version]


def _repeat(objects: Sequence[StoredObject], new: Container[str], at: MovingObjects) -> None:
    """Repeats uploads and deletions; copies deleted objects that were never copied first, so that S3 sends events."""
    hidden = [(each.key, each.hidden) for each in objects if each.is_deleted and each.hidden and each.key not in new]
    at.copy_uploads(hidden)
    for each in objects:
        if each.is_deleted:
            at.delete(each.key)
    at.copy_uploads([(each.key, each.version) for each in objects if not each.is_deleted])
