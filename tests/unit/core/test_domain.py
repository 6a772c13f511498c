"""What tenants, documents, events, attributes and sums of money are."""

import json
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.chunk import Chunk, Passage, Scores
from onggi.domain.document import (
    DocumentVersion,
    ExtractedText,
    comparable_sequencer,
    document_id_of,
    document_name_of,
)
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument, InvalidRequest, TenantMismatch
from onggi.domain.formats import is_supported
from onggi.domain.metadata import RESERVED, metadata_fault
from onggi.domain.money import ModelPrice, usd
from onggi.domain.search import analysers_for_question, key_for_language
from onggi.domain.tenant import ChosenLimits, TenantContext, is_tenant_id, tenant_id_of_key
from onggi.domain.timestamps import timestamp
from onggi.domain.upload import ObjectEvent
from tests.unit.core.fakes import tenant_named, version_of


@pytest.mark.parametrize("tenant_id", ["abc", "a-b", "0a1", "a" * 31, "a" + "-b" * 30])
def test_tenant_ids(tenant_id: str) -> None:
    assert is_tenant_id(tenant_id)


@pytest.mark.parametrize(
    "tenant_id",
    [
        "",
        "ab",
        "a",
        "-ab",
        "ab-",
        "a--b",
        "Acme",
        "a_b",
        "a.b",
        "a/b",
        "acme\n",
        "acmé",
        "김치집",
        "a" * 32,
        "ａｃｍｅ",
        "a b",
        "١٢٣",
    ],
)
def test_what_is_no_tenant_id(tenant_id: str) -> None:
    assert not is_tenant_id(tenant_id)


@pytest.mark.parametrize(
    ("key", "tenant_id"),
    [
        ("tenants/acme/a.txt", "acme"),
        ("tenants/acme/a/b/../c.txt", "acme"),
        ("tenants/acme//x", "acme"),
        ("tenants/acme/../other/x", "acme"),
        (unicodedata.normalize("NFD", "tenants/acme/보고서.pdf"), "acme"),
        ("tenants//x", None),
        ("tenants/acme", None),
        ("tenants/acme/", None),
        ("tenants/../acme/x", None),
        ("tenants/./x", None),
        ("/tenants/acme/x", None),
        ("Tenants/acme/x", None),
        ("tenants/Acme/x", None),
        ("tenants/acme%2Fx/y", None),
        ("tenants/acme\n/x", None),
        ("x/tenants/acme/y", None),
        ("manifests/acme/x", None),
        ("tenant/acme/x", None),
        ("", None),
    ],
)
def test_which_tenant_a_key_names(key: str, tenant_id: str | None) -> None:
    assert tenant_id_of_key(key) == tenant_id


def test_a_context_survives_json() -> None:
    tenant = replace(tenant_named(), chosen_limits=ChosenLimits(documents=5))
    assert TenantContext.from_dict(json.loads(json.dumps(tenant.to_dict()))) == tenant
    assert TenantContext.for_document(tenant.to_dict(), "tenants/acme/x") == tenant


@pytest.mark.parametrize(
    "key", ["tenants/other/x", "tenants/acme", "tenants/acme-2/x", "tenants/acm/e/x", "acme/x", ""]
)
def test_a_context_is_not_restored_for_another_tenants_key(key: str) -> None:
    with pytest.raises(TenantMismatch):
        TenantContext.for_document(tenant_named().to_dict(), key)


def test_a_context_is_not_restored_with_another_tenants_index() -> None:
    context = tenant_named("acme").to_dict()
    context["placement"]["index"] = "acme-2"
    with pytest.raises(TenantMismatch):
        TenantContext.from_dict(context)


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_id": "../other"},
        {"tenant_id": None},
        {"tier": "gold"},
        {"placement": None},
        {"placement": {}},
        {"placement": {"x": 1}},
        {"chosen_limits": None},
        {"chosen_limits": []},
        {"chosen_limits": {"documents": 0}},
        {"chosen_limits": {"documents": "5"}},
        {"chosen_limits": {"documents": True}},
        {"chosen_limits": {"stored_bytes": 1.5}},
    ],
)
def test_what_is_no_context(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        TenantContext.from_dict(tenant_named().to_dict() | change)
    with pytest.raises(InvalidRequest):
        TenantContext.from_dict({})


def test_document_ids_differ_by_tenant_and_key() -> None:
    acme, other = tenant_named("acme"), tenant_named("other")
    ids = {document_id_of(tenant, key) for tenant in (acme, other) for key in ("a", "b", "e\u0301", "\u00e9")}
    assert len(ids) == 8
    assert document_id_of(acme, "a") == document_id_of(tenant_named("acme", bucket="moved"), "a")
    assert all(len(document_id) == 32 for document_id in ids)


def test_names_are_composed_and_lack_the_prefix() -> None:
    key = "tenants/acme/" + unicodedata.normalize("NFD", "계약/2026 +%.pdf")
    assert document_name_of(tenant_named(), key) == "계약/2026 +%.pdf"


@given(st.integers(0, 2**80), st.integers(0, 2**80), st.integers(0, 5), st.booleans())
def test_the_order_of_sequencers_is_the_order_of_events(one: int, other: int, shorter: int, lower: bool) -> None:
    texts = [f"{number:021X}".rstrip("0") + "0" * shorter for number in (one, other)]
    if lower:
        texts[0] = texts[0].lower()
    compared = [comparable_sequencer(text) for text in texts]
    assert (compared[0] < compared[1]) == (one < other)
    assert (compared[0] == compared[1]) == (one == other)


def test_a_document_version_survives_the_workflows_state() -> None:
    version = version_of(tenant_named(), metadata={"a": ["x"], "b": 1.5})
    assert DocumentVersion.from_dict(tenant_named(), version.to_dict()) == version


@pytest.mark.parametrize("change", [{"document_id": "0" * 32}, {"key": "tenants/acme/other.txt"}])
def test_a_document_of_another_key_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(TenantMismatch):
        DocumentVersion.from_dict(tenant_named(), version_of(tenant_named()).to_dict() | change)


def test_a_document_of_another_tenant_is_refused() -> None:
    with pytest.raises(TenantMismatch):
        DocumentVersion.from_dict(tenant_named("other"), version_of(tenant_named()).to_dict())
    with pytest.raises(InvalidRequest):
        DocumentVersion.from_dict(tenant_named(), {"key": "tenants/acme/x"})


def event(kind: str = "Object Created", **detail: Any) -> dict[str, Any]:
    described = {"key": "tenants/acme/a b+%.txt", "size": 5, "version-id": "v", "sequencer": "0055aed6dca"}
    content = {"bucket": {"name": "documents"}, "object": described} | detail
    return {"detail-type": kind, "time": "2026-11-21T04:01:17Z", "detail": content}


def test_events_of_objects() -> None:
    created = ObjectEvent.from_eventbridge(event())
    assert (created.kind, created.bucket, created.key) == ("created", "documents", "tenants/acme/a b+%.txt")
    assert (created.version, created.size) == ("v", 5)
    assert created.sequencer == comparable_sequencer("0055AED6DCA")
    marker = ObjectEvent.from_eventbridge(event("Object Deleted", **{"deletion-type": "Delete Marker Created"}))
    removed = ObjectEvent.from_eventbridge(event("Object Deleted", **{"deletion-type": "Permanently Deleted"}))
    assert (marker.kind, removed.kind) == ("deleted", "version_removed")


def test_an_event_without_a_version_or_size_is_one() -> None:
    bare = ObjectEvent.from_eventbridge(event(object={"key": "k", "sequencer": "1"}))
    assert (bare.version, bare.size) == (None, 0)


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"detail": {}},
        event("Object Restore Completed"),
        event(object={"key": "k"}),
        event(object=None),
        event(bucket={}),
        event() | {"detail": None},
    ],
)
def test_what_is_no_event_of_an_object(other: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        ObjectEvent.from_eventbridge(other)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"a": "b"},
        {"a": 1, "b": 1.5, "c": True, "d": ["x", ""]},
        {"이름": "값"},
        {str(n): n for n in range(40)},
        {"n" * 63: ""},
    ],
)
def test_attributes_that_a_document_may_have(metadata: dict[str, Any]) -> None:
    assert metadata_fault(metadata) is None


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({str(n): n for n in range(41)}, "more than 40"),
        ({"": 1}, "name"),
        ({"n" * 64: 1}, "name"),
        ({"$and": 1}, "begins with"),
        ({"a": None}, "at a"),
        ({"a": {}}, "at a"),
        ({"a": []}, "at a"),
        ({"a": [1]}, "at a"),
        ({"a": float("nan")}, "at a"),
        ({"a": float("inf")}, "at a"),
        ({"a": 10**400}, "at a"),
        ({"a": "가" * 500}, "1280 bytes"),
        ({"a": "\ud800"}, "half of a character"),
        ({"\udfff": 1}, "half of a character"),
        *(({name: "x"}, "reserved") for name in sorted(RESERVED)),
    ],
)
def test_attributes_that_a_document_may_not_have(metadata: dict[str, Any], told: str) -> None:
    assert told in (metadata_fault(metadata) or "")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0"),
        ("0.000412", "0.000412"),
        ("10", "10"),
        ("100.50", "100.5"),
        ("0.0000000001", "0.0000000001"),
        ("1E+3", "1000"),
    ],
)
def test_money_is_plain(amount: str, text: str) -> None:
    assert usd(Decimal(amount)) == text


def test_costs_are_exact() -> None:
    price = ModelPrice(Decimal("0.1"), Decimal("0.2"))
    assert price.cost(3, 1) == Decimal("0.0000005")
    assert price.cost(0) == 0


def test_moments_sort_as_text() -> None:
    seoul = datetime(2026, 11, 21, 18, 30, 0, 5000, tzinfo=timezone(timedelta(hours=9)))
    assert timestamp(seoul) == "2026-11-21T09:30:00.005Z"
    assert timestamp(seoul) < timestamp(datetime(2026, 11, 21, 9, 30, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "content_type", "supported"),
    [
        ("a.PDF", "application/octet-stream", True),
        ("a", "text/plain; charset=utf-8", True),
        ("보고서.HWPX", "application/octet-stream", True),
        ("a", "application/vnd.ms-excel.sheet.macroEnabled.12", True),
        ("a.doc", "application/msword", False),
        ("a.pdf/b", "image/png", False),
    ],
)
def test_formats(name: str, content_type: str, supported: bool) -> None:
    assert is_supported(name, content_type) is supported


@pytest.mark.parametrize(
    ("question", "keys"),
    [
        ("연차는?", ["text_ko"]),
        ("GPU 가격", ["text_ko", "text_en"]),
        ("leave", ["text_ko", "text_en"]),
        ("休暇", ["text"]),
        ("2026?", ["text"]),
        ("연차 休", ["text_ko", "text"]),
    ],
)
def test_where_a_questions_words_are_looked_for(question: str, keys: list[str]) -> None:
    assert analysers_for_question(question) == keys


def test_languages_have_a_key() -> None:
    assert [key_for_language(language) for language in ("ko", "en", "ja", "und")] == [
        "text_ko",
        "text_en",
        "text",
        "text",
    ]


def test_every_code_has_a_sentence() -> None:
    for code, message in BAD_DOCUMENT_MESSAGES.items():
        assert str(BadDocument(code)) == f"{code}: {message}"
        assert message.endswith(".")


@given(st.lists(st.integers(0, 30), max_size=5), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_pages_of_a_passage_are_those_of_the_text(breaks: list[int], start: int, length: int, within: int) -> None:
    text = ExtractedText("x" * 100, (0, *sorted(breaks)), "en")
    end = start + length
    offset = min(start + within, end)
    inside = text.page_breaks(start, end + 1)
    passage = Passage("d", "v", "n", text.page_at(start), start, end, "", Scores(), inside)
    assert passage.page_at(offset) == text.page_at(offset)


def test_a_chunk_survives_json() -> None:
    chunk = Chunk(1, 2, 3, 4, "김", (5,), "제1장")
    assert Chunk.from_dict(json.loads(json.dumps(chunk.to_dict()))) == chunk


def test_chunks_are_embedded_alike_where_text_and_context_are_the_same() -> None:
    chunk = Chunk(1, 2, 3, 4, "김", (5,), "제1장")
    assert chunk.text_in_context == "제1장\n\n김"
    assert replace(chunk, context="").text_in_context == "김"
    moved = replace(chunk, number=7, start=20, end=21, page=9, page_breaks=())
    assert moved.embedding_hash == chunk.embedding_hash
    others = [replace(chunk, context="제2장"), replace(chunk, context=""), replace(chunk, text="치")]
    assert len({chunk.embedding_hash, *(other.embedding_hash for other in others)}) == 4


@pytest.mark.parametrize(
    ("scores", "score"),
    [(Scores(0.0, 3.0, 0.5), 0.0), (Scores(None, 3.0, 0.5), 0.5), (Scores(None, 3.0), 0.0), (Scores(), 0.0)],
)
def test_the_score_that_people_see(scores: Scores, score: float) -> None:
    assert Passage("d", "v", "n", 1, 0, 1, "x", scores).score == score
