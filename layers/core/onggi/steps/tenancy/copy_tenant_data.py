"""CopyTenantData: uploads, artifacts and vectors to a tenant's new place, page by page, without an embedding.

Every page may be copied twice. Uploads wait meanwhile, so that what the ledger says stays as it is. What the ledger
does not know is left out, sidecars too: it is reconciled after the switch, when the events of copies count.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Self

from onggi.domain.document import Document, DocumentVersion, document_id_of
from onggi.domain.errors import TransientError
from onggi.domain.tenant import TenantContext
from onggi.domain.tenant_data import CopyProgress
from onggi.ports.bundles import TenantPorts
from onggi.ports.tenant_data import MovingObjects, StoredObject
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.index_chunks import put_batch
from onggi.steps.tenancy.slices import SecondsLeft, work_slice

DOCUMENTS_A_PAGE: Final = 20
BATCHES_A_STEP: Final = 32
BATCHES_AT_A_TIME: Final = 8


@dataclass(frozen=True, slots=True)
class VectorPlace:
    """Where the copy of vectors has come to: a batch of a document on a page of the ledger.

    Attributes:
        page: the ledger's cursor; None for the first page.
        document_id: whose batches were copied last on that page; None at its beginning.
        batch: the last of them.
    """

    page: str | None = None
    document_id: str | None = None
    batch: int = -1

    def to_text(self) -> str:
        """The place as the progress of the copy keeps it: `<document>/<batch>/<page>`, or the page alone."""
        return f"{self.document_id}/{self.batch}/{self.page or ''}" if self.document_id else self.page or ""

    @classmethod
    def from_text(cls, text: str | None) -> Self:
        """Restores what `to_text` made; None is the beginning."""
        if not text or "/" not in text:
            return cls(text or None)
        document_id, batch, page = text.split("/", 2)
        return cls(page or None, document_id, int(batch))


def copy_tenant_data(
    tenant: TenantContext,
    progress: CopyProgress,
    objects: MovingObjects,
    ports: TenantPorts,
    new_place: TenantPorts,
    seconds_left: SecondsLeft,
) -> CopyProgress:
    """Copies pages as long as there is time; returns how far it has come.

    Args:
        tenant: whose data it is.
        progress: how far it has come before.
        objects: the uploads and artifacts at both places.
        ports: the tenant's, where it is.
        new_place: the tenant's, where it is going to be.
        seconds_left: returns the seconds until the function is ended.

    Raises:
        NotFound: when artifacts of a version that answers are not there.
        TransientError: when a dependency is not available, or a row has changed, which ends by itself.
    """

    def copy_page(progress: CopyProgress) -> CopyProgress:
        if progress.stage == "uploads":
            page, after = objects.uploads(progress.after)
            _copy_uploads(tenant, page, objects, ports)
        elif progress.stage == "artifacts":
            after = _copy_artifacts(progress.after, objects, ports)
        else:
            after = _copy_vectors(progress.after, ports, new_place)
        return progress.on(after)

    return work_slice(progress, copy_page, seconds_left, is_over=lambda now: not now.more)


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
    """Returns S3's ids of a document's live version, and of the newest upload if that is another and known."""
    version = row.version_of(newest.version)
    if version != row.version or row.status == "processing":
        return []
    other = row.current_version if row.current_version != version else None
    return [*(reversed(row.objects_of(other)) if other else []), newest.version]


def _copy_artifacts(after: str | None, objects: MovingObjects, ports: TenantPorts) -> str | None:
    """Copies those of the versions that answer; any other is being removed."""
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


def _copy_vectors(after: str | None, ports: TenantPorts, new_place: TenantPorts) -> str | None:
    """Writes some batches of vectors into the new index, from the artifacts that were copied there before.

    A document has as many batches as it likes, so that the place is one of a batch and not of a document.
    """
    place = VectorPlace.from_text(after)
    rows, following = ports.ledger.page(None, DOCUMENTS_A_PAGE, place.page)
    answering = [document for row in rows if (document := row.live_version(row.current_metadata)) is not None]
    with ThreadPoolExecutor(BATCHES_AT_A_TIME) as pool:
        batches = _behind(place, answering, list(pool.map(lambda each: _batch_numbers(each, ports), answering)))
        some = batches[:BATCHES_A_STEP]
        list(pool.map(lambda each: put_batch(each[0], each[1], new_place), some))
    if len(batches) > len(some):
        document, batch = some[-1]
        return VectorPlace(place.page, document.document_id, batch).to_text()
    return following


def _batch_numbers(document: DocumentVersion, ports: TenantPorts) -> list[int]:
    return sorted(VersionArtifacts(ports.artifacts, document.document_id, document.version).batch_numbers())


def _behind(
    place: VectorPlace, documents: Sequence[DocumentVersion], numbers: Sequence[Sequence[int]]
) -> list[tuple[DocumentVersion, int]]:
    """The batches of a page behind a place; all of them where its document is gone, since each may be copied twice."""
    ids = [document.document_id for document in documents]
    reached = ids.index(place.document_id) if place.document_id in ids else -1
    return [
        (document, number)
        for position, (document, own) in enumerate(zip(documents, numbers, strict=True))
        for number in own
        if position > reached or (position == reached and number > place.batch)
    ]
