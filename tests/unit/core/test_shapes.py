"""What goes out over the API and into a workflow's state or an artifact: each whole, since others read it by its names.

State and artifacts are also read by the version before and the version after, while a deployment goes on.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from onggi.domain.access import ApiKey
from onggi.domain.audit import AuditEntry, Author
from onggi.domain.chunk import Chunk, Citation, Passage, Scores
from onggi.domain.document import (
    Document,
    DocumentProperties,
    DocumentVersion,
    ExtractedText,
    HeadingSpan,
    TableSpan,
)
from onggi.domain.tenant import ChosenLimits, ChosenSettings, Move, Placement, Receipt, TenantContext, TenantRecord
from onggi.steps.access import audit, keys
from onggi.steps.ingestion.artifacts import ChunkBatch, PlannedChunk, VectorBatch, VersionArtifacts
from onggi.steps.ingestion.register_document import Registration
from onggi.steps.tenancy import tenants
from tests.unit.core.fakes import FakeArtifactStore, tenant_named

PASSAGE = Passage("d", "v", "a.txt", 3, 10, 12, "김치", Scores(0.5, 2.0, 0.1), (11,), "제1장")
DOCUMENT = Document(
    document_id="d",
    key="tenants/acme/a.txt",
    name="a.txt",
    version="v2",
    sequencer="02",
    status="ready",
    size=7,
    content_type="text/plain",
    uploaded_at="2026-11-21T09:00:00.000Z",
    metadata={"year": 2026},
)
ANSWERING = replace(
    DOCUMENT,
    current_version="v1",
    current_size=5,
    current_metadata={"year": 2025},
    pages=2,
    chunks=3,
    tokens=40,
    language="ko",
    needs_ocr=1,
    properties=DocumentProperties(title="제목", author="김"),
    indexed_at="2026-11-21T09:01:00.000Z",
    error_code="corrupt",
    error_message="Broken.",
    receipt={"vectors": 0},
    execution="e1",
    versions=frozenset({"v1"}),
)
SHOWN: dict[str, Any] = {
    "document_id": "d",
    "name": "a.txt",
    "key": "tenants/acme/a.txt",
    "version": "v2",
    "status": "ready",
    "size": 7,
    "content_type": "text/plain",
    "pages": 0,
    "chunks": 0,
    "tokens": 0,
    "metadata": {"year": 2026},
    "uploaded_at": "2026-11-21T09:00:00.000Z",
    "language": None,
    "current_version": None,
    "needs_ocr": 0,
    "properties": {},
}
TENANT = TenantContext(
    "acme",
    "김치집",
    "premium",
    Placement("docs", "arts", "vecs", "acme", "onggi-silo-1", 2, "titan", 512),
    ChosenSettings(400, ocr=True),
    ChosenLimits(stored_bytes=7),
)
STATE_OF_TENANT = {
    "tenant_id": "acme",
    "name": "김치집",
    "tier": "premium",
    "placement": {
        "documents_bucket": "docs",
        "artifacts_bucket": "arts",
        "vector_bucket": "vecs",
        "index": "acme",
        "stack": "onggi-silo-1",
        "generation": 2,
        "embedding_model": "titan",
        "embedding_dimensions": 512,
    },
    "settings": {"chunk_size": 400, "ocr": True},
    "chosen_settings": {"chunk_size": 400, "ocr": True},
    "chosen_limits": {"stored_bytes": 7},
}


def test_scores_are_shown_where_there_are_any() -> None:
    assert Scores(0.5, 2.0, 0.1).to_json() == {"vector": 0.5, "bm25": 2.0, "fused": 0.1}
    assert Scores(bm25=0.0).to_json() == {"bm25": 0.0}
    assert Scores().to_json() == {}


def test_a_passage_is_shown() -> None:
    assert PASSAGE.to_json() == {
        "document_id": "d",
        "document_name": "a.txt",
        "page": 3,
        "start": 10,
        "end": 12,
        "text": "김치",
        "context": "제1장",
        "score": 0.5,
        "scores": {"vector": 0.5, "bm25": 2.0, "fused": 0.1},
    }
    bare = Passage("d", "v", "a.txt", 3, 10, 12, "김치", Scores())
    assert (bare.context, bare.page_at(12), bare.to_json()["score"]) == ("", 3, 0.0)


def test_a_citation_is_shown() -> None:
    assert Citation(1, "d", "a.txt", 3, 10, 12, "김치", 0.5).to_json() == {
        "marker": 1,
        "document_id": "d",
        "document_name": "a.txt",
        "page": 3,
        "start": 10,
        "end": 12,
        "quote": "김치",
        "score": 0.5,
    }


def test_a_document_is_shown() -> None:
    assert DOCUMENT.to_json() == SHOWN
    assert ANSWERING.to_json() == SHOWN | {
        "pages": 2,
        "chunks": 3,
        "tokens": 40,
        "metadata": {"year": 2025},
        "language": "ko",
        "current_version": "v1",
        "needs_ocr": 1,
        "properties": {"title": "제목", "author": "김"},
        "error": {"code": "corrupt", "message": "Broken."},
        "indexed_at": "2026-11-21T09:01:00.000Z",
        "receipt": {"vectors": 0},
    }


def test_what_a_row_is_without_more() -> None:
    assert (DOCUMENT.execution, DOCUMENT.current_size, DOCUMENT.descriptions) == ("", 0, 0)
    assert not DOCUMENT.is_stored
    assert replace(DOCUMENT, current_size=1).is_stored


@pytest.mark.parametrize(
    ("version", "status", "needed"),
    [
        ("v1", "failed", True),
        ("v2", "processing", True),
        ("v2", "ready", True),
        ("v2", "failed", False),
        ("v2", "deleting", False),
        ("v0", "processing", False),
    ],
)
def test_which_versions_are_needed(version: str, status: Any, *, needed: bool) -> None:
    assert replace(ANSWERING, status=status).needs(version) is needed


def test_a_version_that_answers() -> None:
    assert ANSWERING.live_version({"a": "b"}) == DocumentVersion(
        document_id="d",
        key="tenants/acme/a.txt",
        name="a.txt",
        version="v1",
        sequencer="02",
        size=5,
        content_type="text/plain",
        uploaded_at="2026-11-21T09:00:00.000Z",
        metadata={"a": "b"},
    )
    assert DOCUMENT.live_version({}) is None


def test_copies_are_found_the_newest_first() -> None:
    copied = replace(DOCUMENT, copies={"c1": "v1", "c2": "v2", "c3": "v1"})
    assert copied.objects_of("v1") == ["c3", "c1", "v1"]
    assert [copied.version_of(each) for each in ("c1", "c2", "v9")] == ["v1", "v2", "v9"]


def test_the_state_of_a_registration() -> None:
    document = ANSWERING.live_version({"a": "b"})
    assert document is not None
    state_of_document = {
        "document_id": "d",
        "key": "tenants/acme/a.txt",
        "name": "a.txt",
        "version": "v1",
        "sequencer": "02",
        "size": 5,
        "content_type": "text/plain",
        "uploaded_at": "2026-11-21T09:00:00.000Z",
        "metadata": {"a": "b"},
    }
    assert Registration("remove", TENANT, document, ["v1"]).to_dict() == {
        "outcome": "remove",
        "tenant": STATE_OF_TENANT,
        "document": state_of_document,
        "versions": ["v1"],
    }
    assert Registration("process", TENANT, document).to_dict()["versions"] == []


def test_the_state_of_a_tenant_is_read_as_it_was_written_and_with_less() -> None:
    assert TENANT.to_dict() == STATE_OF_TENANT
    assert TenantContext.from_dict(STATE_OF_TENANT) == TENANT
    less = {name: STATE_OF_TENANT[name] for name in ("tenant_id", "name", "tier")}
    placement = {"documents_bucket": "docs", "artifacts_bucket": "arts", "vector_bucket": "vecs", "index": "acme"}
    assert TenantContext.from_dict(less | {"placement": placement}) == TenantContext(
        "acme", "김치집", "premium", Placement("docs", "arts", "vecs", "acme", "", 0), ChosenSettings()
    )


def test_artifacts_as_they_lie_in_s3() -> None:
    store = FakeArtifactStore()
    artifacts = VersionArtifacts(store, "d", "v")
    extracted = ExtractedText(
        "김치", (0,), "ko", DocumentProperties("제목"), (HeadingSpan(0, 1, 1),), (TableSpan(0, 2, 1),), (1,)
    )
    artifacts.write_text(extracted)
    planned = (PlannedChunk(Chunk(0, 0, 2, 1, "김치", (1,), "제1장"), (3, 4)), PlannedChunk(Chunk(1, 0, 1, 1, "김")))
    artifacts.write_chunks(0, ChunkBatch("ko", "v0", planned))
    artifacts.write_vectors(12, VectorBatch("titan", 2, ([1.0, 0.5],)))
    assert artifacts.write_manifest(2) == "manifests/d/v.jsonl"
    assert store.manifests == {("d", "v"): [{"batch": 0}, {"batch": 1}]}
    assert store.content.pop("d/v/text.txt") == "김치".encode()
    assert {name: json.loads(content) for name, content in store.content.items()} == {
        "d/v/text.json": {
            "page_starts": [0],
            "language": "ko",
            "properties": {"title": "제목", "author": None, "created": None, "modified": None},
            "headings": [{"start": 0, "end": 1, "level": 1}],
            "tables": [{"start": 0, "end": 2, "header_end": 1}],
            "needs_ocr": [1],
        },
        "d/v/chunks/00000.json": {
            "language": "ko",
            "reuse_version": "v0",
            "chunks": [
                {
                    "number": 0,
                    "start": 0,
                    "end": 2,
                    "page": 1,
                    "text": "김치",
                    "page_breaks": [1],
                    "context": "제1장",
                    "reuse": [3, 4],
                },
                {
                    "number": 1,
                    "start": 0,
                    "end": 1,
                    "page": 1,
                    "text": "김",
                    "page_breaks": [],
                    "context": "",
                    "reuse": None,
                },
            ],
        },
        "d/v/vectors/00012.json": {"model": "titan", "dimensions": 2, "vectors": ["AACAPwAAAD8="]},
    }
    assert "김치".encode() in store.content["d/v/chunks/00000.json"], "Hangul takes half the room unescaped"
    assert artifacts.read_vectors(12) == VectorBatch("titan", 2, ([1.0, 0.5],))
    assert artifacts.names() == [
        "d/v/chunks/00000.json",
        "d/v/text.json",
        "d/v/vectors/00012.json",
    ]


def test_a_tenant_is_shown() -> None:
    record = TenantRecord(TENANT, "active", "2026-11-21T09:00:00.000Z")
    shown: dict[str, Any] = {
        "tenant_id": "acme",
        "name": "김치집",
        "tier": "premium",
        "status": "active",
        "created_at": "2026-11-21T09:00:00.000Z",
        "settings": {"chunk_size": 400, "ocr": True},
        "chosen_settings": {"chunk_size": 400, "ocr": True},
        "limits": {"documents": 1_000_000, "stored_bytes": 7, "document_bytes": 100},
        "chosen_limits": {"stored_bytes": 7},
        "placement": {
            "documents_bucket": "docs",
            "artifacts_bucket": "arts",
            "vector_bucket": "vecs",
            "index": "acme",
            "prefix": "tenants/acme/",
            "embedding_model": "titan",
            "embedding_dimensions": 512,
        },
    }
    assert tenants.shown(record, 100) == shown
    unplaced = replace(record, context=TenantContext("acme", "A", "basic", Placement("d", "a", "", "acme")))
    unknown = {name for name, value in tenants.shown(unplaced, 100)["placement"].items() if value is None}
    assert unknown == {"vector_bucket", "embedding_model", "embedding_dimensions"}
    other = Placement("d", "a", "v", "acme")
    moving = replace(record, reason="Why.", move=Move("basic", other, "copying", "run-1"))
    assert tenants.shown(moving, 100) == shown | {"reason": "Why.", "move": {"tier": "basic", "stage": "copying"}}
    stopped = replace(record, move=Move("basic", other, "leaving", "run-1", "Full."))
    assert tenants.shown(stopped, 100)["move"] == {"tier": "basic", "stage": "leaving", "reason": "Full."}


def test_a_tenant_that_was_removed_is_shown() -> None:
    receipt = Receipt("acme", "t1", "t2", {"uploads": 2}, {"uploads": 0}, {"bucket": "b", "run": "r", "objects": 3})
    assert tenants.shown_receipt(receipt) == {
        "tenant_id": "acme",
        "status": "removed",
        "receipt": {
            "tenant_id": "acme",
            "created_at": "t1",
            "removed_at": "t2",
            "before": {"uploads": 2},
            "after": {"uploads": 0},
            "export": {"bucket": "b", "run": "r", "objects": 3},
        },
    }


def test_a_key_is_shown_without_what_opens() -> None:
    key = ApiKey("k", "salt", "hash", "t1", "owner", "CI", "t2", "t3", "t4")
    assert keys.shown(key) == {
        "key_id": "k",
        "role": "owner",
        "name": "CI",
        "created_at": "t1",
        "expires_at": "t2",
        "last_used_at": "t3",
        "revoked_at": "t4",
    }
    assert keys.shown(ApiKey("k", "salt", "hash", "t1")) == {"key_id": "k", "role": "writer", "created_at": "t1"}


def test_a_change_is_shown() -> None:
    entry = AuditEntry("t1", Author("arn:operator", "r1"), "key.issued", {"a": 1}, {"a": 2})
    assert audit.shown(entry) == {
        "at": "t1",
        "author": "arn:operator",
        "request_id": "r1",
        "action": "key.issued",
        "before": {"a": 1},
        "after": {"a": 2},
    }


def test_the_names_of_runs_and_places() -> None:
    moment = datetime(2026, 11, 21, 9, 30, 1, 5000, tzinfo=UTC)
    assert tenants.new_run(lambda: moment) == "1a1fd70f5ad"
    record = TenantRecord(tenant_named(), "active", "t", run="1a1fd70f5ad")
    assert tenants.execution_name(record) == "acme-1a1fd70f5ad"
    places = tenants.Places(tenants.Pool("docs", "arts"), tenants.Silo("onggi-silo-"), "titan", 512)
    assert places.place("acme", "basic") == Placement("docs", "arts", "", "acme", "", 0, "titan", 512)
    own = places.place("acme", "premium")
    assert own == Placement(
        f"{own.stack}-documents",
        f"{own.stack}-artifacts",
        f"{own.stack}-vectors",
        "acme",
        own.stack,
        0,
        "titan",
        512,
    )
    assert len(own.stack) == len("onggi-silo-") + 12, "with its ending a bucket's name has 63 characters at most"
