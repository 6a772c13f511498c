"""CarryOverUploads: what was uploaded to the place that a tenant has left, or deleted there, after it was copied."""

from typing import Final

from onggi.domain.document import Document, document_id_of
from onggi.domain.tenant import TenantContext
from onggi.ports import DocumentLedger, MovingObjects, StoredObject

PAGES_A_CALL: Final = 5


def carry_over_uploads(
    tenant: TenantContext, after: str | None, objects: MovingObjects, ledger: DocumentLedger
) -> str | None:
    """Compares both places key by key, repeats at the new one what is newer at the old one; answers where to go on.

    What is copied here is an upload like any other to the new place: its event starts the workflow.

    Args:
        tenant: whose uploads they are.
        after: the key to go on behind; None for the beginning.
        objects: the uploads at both places, the old one as the source.
        ledger: the tenant's.

    Raises:
        TransientError: when a dependency is not available.
    """
    for _ in range(PAGES_A_CALL):
        old, following = objects.uploads(after)
        new = {each.key: each for each in objects.copied(after, old[-1].key)} if old else {}
        rows = ledger.get_many(document_id_of(tenant, each.key) for each in old if each.is_deleted)
        for each in old:
            row = rows.get(document_id_of(tenant, each.key))
            if _is_newer(each, new.get(each.key), row):
                _repeat(each, row if each.key not in new else None, objects)
        after = following
        if after is None:
            break
    return after


def _is_newer(old: StoredObject, new: StoredObject | None, row: Document | None) -> bool:
    """Copies are newer than what they are copies of, so that anything newer than a copy came afterwards."""
    if new is not None:
        return old.modified >= new.modified and not (old.is_deleted and new.is_deleted)
    return not old.is_deleted or (row is not None and row.status != "deleted")


def _repeat(old: StoredObject, uncopied: Document | None, objects: MovingObjects) -> None:
    """Repeats an upload or a deletion; one of what was never copied gets a copy first, so that S3 tells of it."""
    if not old.is_deleted:
        objects.copy_uploads([(old.key, old.version)])
        return
    if uncopied is not None:
        objects.copy_uploads([(old.key, uncopied.objects_of(uncopied.version)[0])])
    objects.delete(old.key)
