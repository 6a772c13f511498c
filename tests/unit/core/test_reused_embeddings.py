"""What a version takes from the one before it: the right embedding, and none where that one is damaged."""

import json
from pathlib import Path

import pytest

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import BadDocument, NotFound
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.embed_chunks import embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import OCR_MODEL, FakeTenant, LineSplitter, PlainReader, try_of
from tests.unit.core.test_steps import MODEL

LINES = [f"line {number} of the first version" for number in range(70)]
"""They fill three batches of 32 texts."""


def prepared(acme: FakeTenant, lines: list[str], execution: str) -> tuple[DocumentVersion, int]:
    upload = acme.documents.upload("tenants/acme/a.txt", "\n".join(lines).encode())
    event = ObjectEvent.from_eventbridge(upload)
    document = register_document(event, execution, owner_of(event, acme.directory), acme.ports_of, 10_000).document
    extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL)
    return document, chunk_text(document, acme.ports, LineSplitter(), "manifests").batches


def first_version(acme: FakeTenant) -> DocumentVersion:
    document, batches = prepared(acme, LINES, "e1")
    assert batches == 3
    for number in range(batches):
        embed_chunks(acme.context, document, try_of(number), acme.ports, MODEL)
    acme.ledger.publish(document, PublishedFacts(1, 70, 1, "en"), acme.clock())
    acme.embedder.embedded.clear()
    return document


def artifacts_of(acme: FakeTenant, document: DocumentVersion) -> VersionArtifacts:
    return VersionArtifacts(acme.artifacts, document.document_id, document.version)


def test_each_line_takes_its_own_embedding_from_any_batch(acme: FakeTenant) -> None:
    before = first_version(acme)
    after, _ = prepared(acme, [LINES[69], LINES[40], LINES[1], LINES[33]], "e2")
    result = embed_chunks(acme.context, after, try_of(0), acme.ports, MODEL)
    assert (result.reused, result.embedded, acme.embedder.embedded) == (4, 0, [])
    first, second, third = (artifacts_of(acme, before).read_vectors(number).vectors for number in range(3))
    expected = [third[5], second[8], first[1], second[1]]
    assert list(artifacts_of(acme, after).read_vectors(0).vectors) == expected


def test_a_batch_of_the_version_before_that_is_gone_is_embedded_again(acme: FakeTenant) -> None:
    before = first_version(acme)
    after, _ = prepared(acme, [LINES[1], LINES[40]], "e2")
    prefix = f"{before.document_id}/{before.version}/vectors/"
    gone = acme.artifacts.names(prefix)[0]
    acme.artifacts.delete([gone])
    result = embed_chunks(acme.context, after, try_of(0), acme.ports, MODEL)
    assert (result.reused, result.embedded) == (1, 1)
    assert acme.embedder.embedded == [LINES[1]]


def test_a_version_before_whose_chunks_are_gone_lends_nothing(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = first_version(acme)
    read = acme.artifacts.read

    def read_after_removal(name: str) -> bytes:
        if name.startswith(f"{before.document_id}/{before.version}/chunks/"):
            acme.artifacts.delete([name])
        return read(name)

    monkeypatch.setattr(acme.artifacts, "read", read_after_removal)
    after, _ = prepared(acme, [LINES[1]], "e2")
    result = embed_chunks(acme.context, after, try_of(0), acme.ports, MODEL)
    assert (result.reused, result.embedded) == (0, 1)


class NothingToCut(LineSplitter):
    def spans(self, _extracted: object) -> list[tuple[int, int]]:
        return []


def test_a_text_of_which_nothing_is_left_to_cut_holds_no_text(acme: FakeTenant) -> None:
    document, _ = prepared(acme, ["kimchi"], "e1")
    with pytest.raises(BadDocument) as caught:
        chunk_text(document, acme.ports, NothingToCut(), "manifests")
    assert caught.value.code == "no_text"


def test_the_second_copy_of_a_version_is_read_where_the_first_is_gone(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenant that was moved twice has copies of a version; some may have been removed with their place."""
    document, _ = prepared(acme, ["kimchi"], "e1")
    (row,) = acme.ledger.rows.values()
    acme.ledger.note_copies(row, {"copy-1": document.version, "copy-2": document.version})
    asked: list[str] = []

    def download(_key: str, version: str, target: Path) -> None:
        asked.append(version)
        if version != "copy-2":
            raise NotFound("gone")
        target.write_bytes(b"kimchi")

    monkeypatch.setattr(acme.documents, "download", download)
    assert extract_text(acme.context, document, acme.ports, PlainReader(), OCR_MODEL).characters == 6
    assert asked[-1] == "copy-2"
    assert set(asked) <= {"copy-1", "copy-2"}


def test_what_was_extracted_describes_the_document(acme: FakeTenant) -> None:
    document, _ = prepared(acme, ["kimchi"], "e1")
    name = f"{document.document_id}/{document.version}/text.json"
    text = json.loads(acme.artifacts.read(name))
    text["properties"] = {"title": "규정", "author": None, "created": None, "modified": None}
    acme.artifacts.write(name, json.dumps(text).encode())
    publish_document(acme.context, document, PublishedFacts(1, 1, 1, "ko"), acme.ports)
    (row,) = acme.ledger.rows.values()
    assert row.properties.title == "규정"
