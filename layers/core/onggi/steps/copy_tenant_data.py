"""CopyTenantData: uploads, artifacts and vectors to a tenant's new place, page by page, without an embedding.

Every page may be copied twice. Uploads wait meanwhile, so that what the ledger tells stays as it is. What the ledger
does not know is left out, sidecars too: it is carried over after the switch, when the events of copies count.
"""

from collections.abc import Sequence
from typing import Final

from onggi.domain.document import Document, document_id_of
from onggi.domain.errors import TransientError
from onggi.domain.tenant import TenantContext
from onggi.ports import CopyProgress, MovingObjects, StoredObject, TenantPorts
from onggi.steps.artifacts import VersionArtifacts
from onggi.steps.index_chunks import put_batch

PAGES_A_CALL: Final = 5
"""Up to five hundred copies: well within the time of a function."""
DOCUMENTS_A_PAGE: Final = 20


def copy_tenant_data(
    tenant: TenantContext, progress: CopyProgress, objects: MovingObjects, ports: TenantPorts, new_place: TenantPorts
) -> CopyProgress:
    """Copies some pages; answers how far it has come.

    Args:
        tenant: whose data it is.
        progress: how far it has come before.
        objects: the uploads and artifacts at both places.
        ports: the tenant's, where it is.
        new_place: the tenant's, where it is going to be.

    Raises:
        NotFound: when artifacts of a version that answers are not there.
        TransientError: when a dependency is not available, or a row has changed, which ends by itself.
    """
    for _ in range(PAGES_A_CALL):
        if not progress.more:
            break
        if progress.stage == "uploads":
            page, after = objects.uploads(progress.after)
            _copy_uploads(tenant, page, objects, ports)
        elif progress.stage == "artifacts":
            after = _copy_artifacts(progress.after, objects, ports)
        else:
            after = _copy_vectors(progress.after, ports, new_place)
        progress = progress.on(after)
    return progress


def _copy_uploads(
    tenant: TenantContext, page: Sequence[StoredObject], objects: MovingObjects, ports: TenantPorts
) -> None:
    there = [each for each in page if not each.is_deleted]
    rows = ports.ledger.get_many(document_id_of(tenant, each.key) for each in there)
    wanted: list[tuple[str, str | None]] = []
    for each in there:
        row = rows.get(document_id_of(tenant, each.key))
        wanted += [(each.key, version) for version in _objects_to_copy(row, each)] if row is not None else []
    copies: dict[str, dict[str, str]] = {}
    for (key, version), copy in zip(wanted, objects.copy_uploads(wanted), strict=True):
        if copy is not None and version is not None:
            copies.setdefault(key, {})[copy] = version
    for row in rows.values():
        if row.key not in copies:
            continue
        versions = {copy: row.version_of(version) for copy, version in copies[row.key].items()}
        if not ports.ledger.note_copies(row, versions):
            raise TransientError("A document has changed while it was being copied; try again.")


def _objects_to_copy(row: Document, newest: StoredObject) -> list[str]:
    """S3's ids of what a document has there: what answers, and the newest upload if that is another and known."""
    version = row.version_of(newest.version)
    if version != row.version or row.status == "processing":
        return []
    other = row.current_version if row.current_version != version else None
    return [*(reversed(row.objects_of(other)) if other else []), newest.version]


def _copy_artifacts(after: str | None, objects: MovingObjects, ports: TenantPorts) -> str | None:
    """Copies those of the versions that answer; what is left of any other is only on its way out."""
    names, following = objects.artifacts(after)
    rows = ports.ledger.get_many({document_id for document_id, _, _ in map(_parts, names)})
    answering = {row.document_id: row.current_version for row in rows.values()}
    objects.copy_artifacts(
        [
            name
            for name, (document_id, version, _) in zip(names, map(_parts, names), strict=True)
            if answering.get(document_id) == version
        ]
    )
    return following


def _parts(name: str) -> tuple[str, str, str]:
    document_id, _, rest = name.partition("/")
    version, _, rest = rest.partition("/")
    return document_id, version, rest


def _copy_vectors(cursor: str | None, ports: TenantPorts, new_place: TenantPorts) -> str | None:
    """Writes the vectors of some documents into the new index, from the artifacts that were copied there before."""
    rows, following = ports.ledger.page(None, DOCUMENTS_A_PAGE, cursor)
    for row in rows:
        document = row.answering_version(row.current_metadata)
        if document is None:
            continue
        for number in VersionArtifacts(ports.artifacts, document.document_id, document.version).batch_numbers():
            put_batch(document, number, new_place)
    return following
