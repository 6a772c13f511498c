"""Attacks through the application's ports: one tenant's ports with another tenant's keys and ids."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from onggi.adapters.ledger_rows import document_of_item
from onggi.domain.chunk import Chunk, IndexedChunk
from onggi.domain.document import Document, DocumentVersion
from onggi.ports.bundles import TenantPorts
from onggi.ports.ledger import PublishedFacts
from tests.integration.product import Reply
from tests.isolation.attacks import Attack, Layers, Scene, granted
from tests.isolation.seeded_tenants import SeededTenant

type Act = Callable[[TenantPorts, SeededTenant], Any]

ALL_LAYERS: Final = tuple(Layers)
APPLICATION_LAYERS: Final = (Layers.BOTH, Layers.APPLICATION)
"""For names that are invalid for every tenant, with or without isolation layers."""
LATER: Final = "F" * 64
DIRECTION: Final = [1.0] + [0.0] * 1023


def row_of(target: SeededTenant) -> Document:
    return document_of_item(target.read_data().rows[f"DOCUMENT#{target.document['document_id']}"])


def version_of(target: SeededTenant, **changes: str) -> DocumentVersion:
    return replace(DocumentVersion(**target.registered_document), metadata={}, **changes)  # type: ignore[arg-type]  # all are strings


def download(ports: TenantPorts, target: SeededTenant) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file")
        ports.documents.download(target.document["key"], target.document["version"], file)
        return file.read_bytes()


def upload(ports: TenantPorts, target: SeededTenant, name: str = "planted.txt") -> Reply:
    form = ports.documents.presign_upload(target.tenant.prefix + name, "text/plain", 7, {}, 60)
    return granted(target.tenant.send_form({"url": form.url, "fields": form.fields}, b"planted"))


def every_artifact(ports: TenantPorts, target: SeededTenant) -> list[bytes]:
    return [ports.artifacts.read(name) for name in ports.artifacts.names(target.document["document_id"])]


def plant_vector(ports: TenantPorts, target: SeededTenant) -> None:
    chunk = Chunk(99, 0, 7, 1, "planted")
    document = target.document
    ports.index.put([IndexedChunk(document["document_id"], document["version"], "x", "en", chunk, DIRECTION, {})])


def progress_of(ports: TenantPorts, target: SeededTenant) -> str:
    """Returns the progress with the tenant's marker, since the numbers alone belong to no tenant."""
    found = ports.progress.of([row_of(target)])
    return f"{target.marker}: {found}" if found else ""


ACTS: Final[dict[str, Act]] = {
    "facts of an upload": lambda ports, target: ports.documents.facts(target.document["key"]),
    "facts of a version": lambda ports, target: ports.documents.facts(
        target.document["key"], target.document["version"]
    ),
    "start of an upload": lambda ports, target: ports.documents.read_start(target.document["key"], 1000),
    "download": download,
    "delete an upload": lambda ports, target: ports.documents.delete(target.document["key"]),
    "sign an upload": upload,
    "sign a replacement": lambda ports, target: upload(ports, target, "vault.txt"),
    "read a text": lambda ports, target: ports.artifacts.read(target.text_artifact),
    "list and read artifacts": every_artifact,
    "write an artifact": lambda ports, target: ports.artifacts.write(target.text_artifact, b"planted"),
    "delete artifacts": lambda ports, target: ports.artifacts.delete([target.text_artifact]),
    "write a manifest": lambda ports, target: ports.artifacts.write_manifest(target.document["document_id"], "v", [{}]),
    "delete a manifest": lambda ports, target: ports.artifacts.delete_manifest(
        target.document["document_id"], target.document["version"]
    ),
    "row": lambda ports, target: ports.ledger.get(target.document["document_id"]),
    "rows": lambda ports, target: ports.ledger.get_many(each["document_id"] for each in target.documents),
    "page": lambda ports, _: ports.ledger.page(None, 10, None),
    "page at a cursor": lambda ports, target: ports.ledger.page(None, 10, target.cursor),
    "claim": lambda ports, target: ports.ledger.claim(version_of(target, sequencer=LATER), "attack"),
    "confirm": lambda ports, target: ports.ledger.confirm(version_of(target, sequencer=LATER)),
    "claim a deletion": lambda ports, target: ports.ledger.claim_deletion(
        target.document["document_id"], "key", "name", LATER, "attack"
    ),
    "expect": lambda ports, target: ports.ledger.expect(replace(row_of(target), document_id="0" * 32), ports.clock()),
    "publish": lambda ports, target: ports.ledger.publish(
        version_of(target), PublishedFacts(1, 1, 1, "en"), ports.clock()
    ),
    "describe": lambda ports, target: ports.ledger.describe(row_of(target), {"planted": "yes"}, None),
    "fail": lambda ports, target: ports.ledger.fail(
        version_of(target, sequencer=LATER), "attack", "corrupt", "planted"
    ),
    "mark as deleting": lambda ports, target: bool(
        ports.ledger.mark_deleting(target.document["document_id"], target.document["version"])
    ),
    "mark as deleted": lambda ports, target: ports.ledger.mark_deleted(
        target.document["document_id"], row_of(target).sequencer, {}, ports.clock()
    ),
    "forget a version": lambda ports, target: ports.ledger.forget_version(
        target.document["document_id"], target.document["version"]
    ),
    "progress": progress_of,
    "begin a progress": lambda ports, target: ports.progress.begin(version_of(target, sequencer=LATER), 99),
    "count a batch": lambda ports, target: ports.progress.embed(version_of(target), 99, 99),
    "search": lambda ports, _: ports.index.search(DIRECTION, "vault", 10, None),
    "search by document": lambda ports, target: ports.index.search(
        DIRECTION, "vault", 10, {"document_id": {"$eq": target.document["document_id"]}}
    ),
    "search by marker": lambda ports, target: ports.index.search(
        DIRECTION, target.marker, 10, {"marker": {"$eq": target.marker}}
    ),
    "write vectors": plant_vector,
    "delete vectors": lambda ports, target: ports.index.delete([target.vector_key]),
}

CRAFTED_NAMES: Final[dict[str, tuple[Act, str]]] = {
    "artifact above the prefix": (
        lambda ports, target: ports.artifacts.read(f"../{target.tenant_id}/{target.text_artifact}"),
        "read a text",
    ),
    "artifact at the root": (
        lambda ports, target: ports.artifacts.read(f"/tenants/{target.tenant_id}/{target.text_artifact}"),
        "read a text",
    ),
    "artifacts above the prefix": (
        lambda ports, _: [ports.artifacts.read(name) for name in ports.artifacts.names("../")],
        "list and read artifacts",
    ),
    "manifest above the prefix": (
        lambda ports, target: ports.artifacts.write_manifest(f"../{target.tenant_id}/x", "v", [{}]),
        "write a manifest",
    ),
    "row with a partition": (
        lambda ports, target: ports.ledger.get(f"{target.tenant_id}/DOCUMENT#{target.document['document_id']}"),
        "row",
    ),
    "upload above the prefix": (
        lambda ports, target: upload(ports, target, f"../{target.tenant_id}/planted.txt"),
        "sign an upload",
    ),
}


def _through(act: Act) -> Callable[[Scene], Any]:
    return lambda scene: scene.harness.run(lambda ports: act(ports, scene.target), scene.own, scene.target)


PORT_ATTACKS: Final = [
    *(Attack("ports", name, _through(act), ALL_LAYERS, strict=False, own=_through(act)) for name, act in ACTS.items()),
    *(
        Attack("ports", name, _through(act), APPLICATION_LAYERS, strict=False, own=_through(ACTS[plain]))
        for name, (act, plain) in CRAFTED_NAMES.items()
    ),
]
