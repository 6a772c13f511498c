"""CarryOverUploads: what was uploaded to the place that a tenant has left, or deleted there, after it was copied."""

from collections.abc import Mapping, Sequence
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
        _repeat([each for each in old if _is_newer(each, new.get(each.key), tenant, rows)], objects)
        after = following
        if after is None:
            break
    return after


def _is_newer(old: StoredObject, new: StoredObject | None, tenant: TenantContext, rows: Mapping[str, Document]) -> bool:
    """Copies are newer than what they are copies of, so that anything newer than a copy came afterwards."""
    if new is not None:
        return old.modified >= new.modified and not (old.is_deleted and new.is_deleted)
    if not old.is_deleted:
        return True
    row = rows.get(document_id_of(tenant, old.key))
    return row is not None and row.status != "deleted"


def _repeat(objects: Sequence[StoredObject], at: MovingObjects) -> None:
    for each in objects:
        if each.is_deleted:
            at.delete(each.key)
    at.copy_uploads([(each.key, each.version) for each in objects if not each.is_deleted])
