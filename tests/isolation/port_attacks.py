"""Attacks through the application's ports: work for one tenant that asks for another's keys, ids and places."""

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
from tests.isolation.attacks import Attack, Scene, Walls, granted
from tests.isolation.jars import Jar

type Act = Callable[[TenantPorts, Jar], Any]

ALL: Final = tuple(Walls)
NEVER_RIGHT: Final = (Walls.BOTH, Walls.APPLICATION)
"""For names that lead nowhere, whoever asks: no wall can be taken down before them."""
LATER: Final = "F" * 64
DIRECTION: Final = [1.0] + [0.0] * 1023


def row_of(jar: Jar) -> Document:
    return document_of_item(jar.things().rows[f"DOCUMENT#{jar.document['document_id']}"])


def version_of(jar: Jar, **changes: str) -> DocumentVersion:
    return replace(DocumentVersion(**jar.registered), metadata={}, **changes)  # type: ignore[arg-type]  # all are texts


def downloaded(ports: TenantPorts, jar: Jar) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file")
        ports.documents.download(jar.document["key"], jar.document["version"], file)
        return file.read_bytes()


def uploaded(ports: TenantPorts, jar: Jar, name: str = "planted.txt") -> Reply:
    form = ports.documents.presign_upload(jar.tenant.prefix + name, "text/plain", 7, {}, 60)
    return granted(jar.tenant.send_form({"url": form.url, "fields": form.fields}, b"planted"))


def every_artifact(ports: TenantPorts, jar: Jar) -> list[bytes]:
    return [ports.artifacts.read(name) for name in ports.artifacts.names(jar.document["document_id"])]


def planted(ports: TenantPorts, jar: Jar) -> None:
    chunk = Chunk(99, 0, 7, 1, "planted")
    document = jar.document
    ports.index.put([IndexedChunk(document["document_id"], document["version"], "x", "en", chunk, DIRECTION, {})])


def progress_of(ports: TenantPorts, jar: Jar) -> str:
    """The numbers tell nothing by themselves: whose they are is said by the seal."""
    found = ports.progress.of([row_of(jar)])
    return f"{jar.seal}: {found}" if found else ""


ACTS: Final[dict[str, Act]] = {
    "facts of an upload": lambda ports, jar: ports.documents.facts(jar.document["key"]),
    "facts of a version": lambda ports, jar: ports.documents.facts(jar.document["key"], jar.document["version"]),
    "start of an upload": lambda ports, jar: ports.documents.read_start(jar.document["key"], 1000),
    "download": downloaded,
    "delete an upload": lambda ports, jar: ports.documents.delete(jar.document["key"]),
    "sign an upload": uploaded,
    "sign a replacement": lambda ports, jar: uploaded(ports, jar, "vault.txt"),
    "read a text": lambda ports, jar: ports.artifacts.read(jar.text_artifact),
    "list and read artifacts": every_artifact,
    "write an artifact": lambda ports, jar: ports.artifacts.write(jar.text_artifact, b"planted"),
    "delete artifacts": lambda ports, jar: ports.artifacts.delete([jar.text_artifact]),
    "write a manifest": lambda ports, jar: ports.artifacts.write_manifest(jar.document["document_id"], "v", [{}]),
    "delete a manifest": lambda ports, jar: ports.artifacts.delete_manifest(
        jar.document["document_id"], jar.document["version"]
    ),
    "row": lambda ports, jar: ports.ledger.get(jar.document["document_id"]),
    "rows": lambda ports, jar: ports.ledger.get_many(each["document_id"] for each in jar.documents),
    "page": lambda ports, _: ports.ledger.page(None, 10, None),
    "page at a cursor": lambda ports, jar: ports.ledger.page(None, 10, jar.cursor),
    "claim": lambda ports, jar: ports.ledger.claim(version_of(jar, sequencer=LATER), "attack"),
    "confirm": lambda ports, jar: ports.ledger.confirm(version_of(jar, sequencer=LATER)),
    "claim a deletion": lambda ports, jar: ports.ledger.claim_deletion(
        jar.document["document_id"], "key", "name", LATER, "attack"
    ),
    "expect": lambda ports, jar: ports.ledger.expect(replace(row_of(jar), document_id="0" * 32), ports.clock()),
    "publish": lambda ports, jar: ports.ledger.publish(version_of(jar), PublishedFacts(1, 1, 1, "en"), ports.clock()),
    "describe": lambda ports, jar: ports.ledger.describe(row_of(jar), {"planted": "yes"}, None),
    "fail": lambda ports, jar: ports.ledger.fail(version_of(jar, sequencer=LATER), "attack", "corrupt", "planted"),
    "mark as deleting": lambda ports, jar: bool(
        ports.ledger.mark_deleting(jar.document["document_id"], jar.document["version"])
    ),
    "mark as deleted": lambda ports, jar: ports.ledger.mark_deleted(
        jar.document["document_id"], row_of(jar).sequencer, {}, ports.clock()
    ),
    "forget a version": lambda ports, jar: ports.ledger.forget_version(
        jar.document["document_id"], jar.document["version"]
    ),
    "progress": progress_of,
    "begin a progress": lambda ports, jar: ports.progress.begin(version_of(jar, sequencer=LATER), 99),
    "count a batch": lambda ports, jar: ports.progress.embed(version_of(jar), 99, 99),
    "search": lambda ports, _: ports.index.search(DIRECTION, "vault", 10, None),
    "search by document": lambda ports, jar: ports.index.search(
        DIRECTION, "vault", 10, {"document_id": {"$eq": jar.document["document_id"]}}
    ),
    "search by seal": lambda ports, jar: ports.index.search(DIRECTION, jar.seal, 10, {"seal": {"$eq": jar.seal}}),
    "write vectors": planted,
    "delete vectors": lambda ports, jar: ports.index.delete([jar.vector_key]),
}

TRICKS: Final[dict[str, tuple[Act, str]]] = {
    "artifact above the prefix": (
        lambda ports, jar: ports.artifacts.read(f"../{jar.tenant_id}/{jar.text_artifact}"),
        "read a text",
    ),
    "artifact at the root": (
        lambda ports, jar: ports.artifacts.read(f"/tenants/{jar.tenant_id}/{jar.text_artifact}"),
        "read a text",
    ),
    "artifacts above the prefix": (
        lambda ports, _: [ports.artifacts.read(name) for name in ports.artifacts.names("../")],
        "list and read artifacts",
    ),
    "manifest above the prefix": (
        lambda ports, jar: ports.artifacts.write_manifest(f"../{jar.tenant_id}/x", "v", [{}]),
        "write a manifest",
    ),
    "row with a partition": (
        lambda ports, jar: ports.ledger.get(f"{jar.tenant_id}/DOCUMENT#{jar.document['document_id']}"),
        "row",
    ),
    "upload above the prefix": (
        lambda ports, jar: uploaded(ports, jar, f"../{jar.tenant_id}/planted.txt"),
        "sign an upload",
    ),
}


def _through(act: Act) -> Callable[[Scene], Any]:
    return lambda scene: scene.bench.run(lambda ports: act(ports, scene.target), scene.own, scene.target)


PORT_ATTACKS: Final = [
    *(Attack("ports", name, _through(act), ALL, strict=False, own=_through(act)) for name, act in ACTS.items()),
    *(
        Attack("ports", name, _through(act), NEVER_RIGHT, strict=False, own=_through(ACTS[plain]))
        for name, (act, plain) in TRICKS.items()
    ),
]
