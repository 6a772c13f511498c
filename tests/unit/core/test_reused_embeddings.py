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
from onggi.steps.ingestion.embed_chunks import embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.register_document import register_document
from tests.unit.core.fakes import OCR_MODEL, Jar, LineSplitter, PlainReader, try_of
from tests.unit.core.test_steps import MODEL

LINES = [f"line {number} of the first version" for number in range(70)]
"""They fill three batches of 32 texts."""


def prepared(jar: Jar, lines: list[str], execution: str) -> tuple[DocumentVersion, int]:
    upload = jar.documents.upload("tenants/acme/a.txt", "\n".join(lines).encode())
    event = ObjectEvent.from_eventbridge(upload)
    document = register_document(event, execution, jar.directory, jar.ports_of, 10_000).document
    extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL)
    return document, chunk_text(document, jar.ports, LineSplitter(), "manifests").batches


def first_version(jar: Jar) -> DocumentVersion:
    document, batches = prepared(jar, LINES, "e1")
    assert batches == 3
    for number in range(batches):
        embed_chunks(jar.tenant, document, try_of(number), jar.ports, MODEL)
    jar.ledger.publish(document, PublishedFacts(1, 70, 1, "en"), jar.clock())
    jar.embedder.embedded.clear()
    return document


def artifacts_of(jar: Jar, document: DocumentVersion) -> VersionArtifacts:
    return VersionArtifacts(jar.artifacts, document.document_id, document.version)


def test_each_line_takes_its_own_embedding_from_any_batch(jar: Jar) -> None:
    before = first_version(jar)
    after, _ = prepared(jar, [LINES[69], LINES[40], LINES[1], LINES[33]], "e2")
    result = embed_chunks(jar.tenant, after, try_of(0), jar.ports, MODEL)
    assert (result.reused, result.embedded, jar.embedder.embedded) == (4, 0, [])
    first, second, third = (artifacts_of(jar, before).read_vectors(number).vectors for number in range(3))
    expected = [third[5], second[8], first[1], second[1]]
    assert list(artifacts_of(jar, after).read_vectors(0).vectors) == expected


def test_a_batch_of_the_version_before_that_is_gone_is_embedded_again(jar: Jar) -> None:
    before = first_version(jar)
    after, _ = prepared(jar, [LINES[1], LINES[40]], "e2")
    prefix = f"{before.document_id}/{before.version}/vectors/"
    gone = jar.artifacts.names(prefix)[0]
    jar.artifacts.delete([gone])
    result = embed_chunks(jar.tenant, after, try_of(0), jar.ports, MODEL)
    assert (result.reused, result.embedded) == (1, 1)
    assert jar.embedder.embedded == [LINES[1]]


def test_a_version_before_whose_chunks_are_gone_lends_nothing(jar: Jar, monkeypatch: pytest.MonkeyPatch) -> None:
    before = first_version(jar)
    read = jar.artifacts.read

    def read_after_removal(name: str) -> bytes:
        if name.startswith(f"{before.document_id}/{before.version}/chunks/"):
            jar.artifacts.delete([name])
        return read(name)

    monkeypatch.setattr(jar.artifacts, "read", read_after_removal)
    after, _ = prepared(jar, [LINES[1]], "e2")
    result = embed_chunks(jar.tenant, after, try_of(0), jar.ports, MODEL)
    assert (result.reused, result.embedded) == (0, 1)


class NothingToCut(LineSplitter):
    def spans(self, _extracted: object) -> list[tuple[int, int]]:
        return []


def test_a_text_of_which_nothing_is_left_to_cut_holds_no_text(jar: Jar) -> None:
    document, _ = prepared(jar, ["kimchi"], "e1")
    with pytest.raises(BadDocument) as caught:
        chunk_text(document, jar.ports, NothingToCut(), "manifests")
    assert caught.value.code == "no_text"


def test_the_second_copy_of_a_version_is_read_where_the_first_is_gone(
    jar: Jar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tenant that was moved twice has copies of a version; some may have been removed with their place."""
    document, _ = prepared(jar, ["kimchi"], "e1")
    (row,) = jar.ledger.rows.values()
    jar.ledger.note_copies(row, {"copy-1": document.version, "copy-2": document.version})
    asked: list[str] = []

    def download(_key: str, version: str, target: Path) -> None:
        asked.append(version)
        if version != "copy-2":
            raise NotFound("gone")
        target.write_bytes(b"kimchi")

    monkeypatch.setattr(jar.documents, "download", download)
    assert extract_text(jar.tenant, document, jar.ports, PlainReader(), OCR_MODEL).characters == 6
    assert asked[-1] == "copy-2"
    assert set(asked) <= {"copy-1", "copy-2"}


def test_what_was_extracted_describes_the_document(jar: Jar) -> None:
    document, _ = prepared(jar, ["kimchi"], "e1")
    name = f"{document.document_id}/{document.version}/text.json"
    text = json.loads(jar.artifacts.read(name))
    text["properties"] = {"title": "규정", "author": None, "created": None, "modified": None}
    jar.artifacts.write(name, json.dumps(text).encode())
    publish_document(jar.tenant, document, PublishedFacts(1, 1, 1, "ko"), jar.ports)
    (row,) = jar.ledger.rows.values()
    assert row.properties.title == "규정"
