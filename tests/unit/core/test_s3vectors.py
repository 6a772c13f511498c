"""The tenant's vector index, against the local S3 Vectors served in this process."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

from local.s3vectors.engine import Engine
from local.s3vectors.service import DEFAULT_CALLER
from onggi.adapters.aws import AwsSession
from onggi.adapters.s3vectors import S3VectorsIndex
from onggi.domain.chunk import Chunk, IndexedChunk, vector_key
from onggi.domain.errors import InvalidRequest, TransientError
from onggi.domain.tenant import TenantContext
from tests.unit.core.fakes import tenant_named
from tests.unit.core.served import as_json, session_answered_by


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsSession]:
    engine = Engine(tmp_path_factory.mktemp("vectors"), Path(botocore.__file__).parent / "data")

    def answer(request: AWSPreparedRequest) -> tuple[int, dict[str, str], bytes]:
        url, body = urlsplit(request.url), request.body or b""
        assert isinstance(body, str | bytes)
        sent = body.encode() if isinstance(body, str) else body
        return engine.answer(str(request.method), url.path, parse_qs(url.query), sent, DEFAULT_CALLER)

    made = session_answered_by("s3vectors", answer)
    made.client("s3vectors").create_vector_bucket(vectorBucketName="vectors")
    yield made
    engine.close()


@pytest.fixture
def tenant(unused_tenant_id: str) -> TenantContext:
    return tenant_named(unused_tenant_id)


@pytest.fixture
def index(session: AwsSession, tenant: TenantContext) -> S3VectorsIndex:
    S3VectorsIndex(session, tenant.placement.recorded("titan", 2)).create()
    return S3VectorsIndex(session, tenant.placement)


def indexed(number: int, text: str, vector: list[float], language: str = "en", **metadata: Any) -> IndexedChunk:
    chunk = Chunk(number, 10, 10 + len(text), 3, text, (12, 14))
    return IndexedChunk("doc", "v1", "보고서.pdf", language, chunk, vector, metadata)


def test_provisioning_twice_is_no_error_and_keeps_what_is_there(
    session: AwsSession, tenant: TenantContext, index: S3VectorsIndex
) -> None:
    index.put([indexed(0, "kimchi", [1.0, 0.0])])
    S3VectorsIndex(session, tenant.placement.recorded("titan", 2)).create()
    assert len(index.search([1.0, 0.0], "kimchi", 10, None)) == 1


def test_a_passage_comes_back_as_it_was_put(index: S3VectorsIndex) -> None:
    index.put([indexed(0, "fermented kimchi", [1.0, 0.0])])
    (passage,) = index.search([1.0, 0.0], "kimchi", 10, None)
    assert (passage.document_id, passage.version, passage.document_name) == ("doc", "v1", "보고서.pdf")
    assert (passage.text, passage.start, passage.end, passage.page) == ("fermented kimchi", 10, 26, 3)
    assert passage.page_breaks == (12, 14)
    assert passage.scores.vector == pytest.approx(1)
    assert passage.scores.bm25 is not None
    assert passage.scores.fused is not None


@pytest.mark.parametrize("context", ["제1장 총칙 > 목적\n항목 | 값", "", "\n\n"])
@pytest.mark.parametrize("language", ["ko", "en", "ja"])
def test_a_context_is_searched_and_stays_apart_from_the_text(
    index: S3VectorsIndex, context: str, language: str
) -> None:
    text = "보증금 | 7\n\n월세 😀 | 8"
    made = indexed(0, text, [1.0, 0.0], language)
    index.put([replace(made, chunk=replace(made.chunk, context=context))])
    (passage,) = index.search([1.0, 0.0], "총칙", 10, None)
    assert (passage.text, passage.context) == (text, context)
    assert passage.end - passage.start == len(passage.text)


def test_words_of_a_heading_find_what_stands_under_it(index: S3VectorsIndex) -> None:
    below = indexed(9, "It is a acme.", [-1.0, 0.0])
    near = [indexed(number, f"plain rice {number}", [1.0, 0.01 * number]) for number in range(5)]
    index.put([*near, replace(below, chunk=replace(below.chunk, context="Onggi"))])
    assert "It is a acme." in [passage.text for passage in index.search([1.0, 0.0], "onggi", 3, None)]


def test_words_find_what_the_vector_does_not(index: S3VectorsIndex) -> None:
    near = [indexed(number, f"plain rice {number}", [1.0, 0.01 * number]) for number in range(5)]
    index.put([*near, indexed(9, "gochujang", [-1.0, 0.0])])
    found = index.search([1.0, 0.0], "gochujang", 3, None)
    assert "gochujang" in [passage.text for passage in found]


def test_korean_words_are_found_in_korean_texts(index: S3VectorsIndex) -> None:
    index.put(
        [
            indexed(0, "연차는 열다섯 날입니다.", [0.0, 1.0], "ko"),
            indexed(1, "점심은 열두 시입니다.", [0.0, 1.0], "ko"),
            indexed(2, "unrelated", [0.0, 1.0]),
        ]
    )
    assert index.search([0.0, 1.0], "연차", 1, None)[0].text.startswith("연차")


def test_a_language_without_an_analyser_of_its_own_is_searchable(index: S3VectorsIndex) -> None:
    index.put([indexed(0, "発酵食品", [0.0, 1.0], "ja"), indexed(1, "米", [0.0, 1.0], "ja")])
    assert index.search([0.0, 1.0], "発酵食品", 2, None)[0].text == "発酵食品"


def test_filters_see_the_documents_own_attributes(index: S3VectorsIndex) -> None:
    index.put(
        [indexed(0, "a", [1.0, 0.0], team="legal", year=2026), indexed(1, "b", [1.0, 0.0], team="sales", year=2020)]
    )
    for wanted in (
        {"team": {"$eq": "legal"}},
        {"year": {"$gte": 2026}},
        {"document_id": {"$eq": "doc"}, "team": "legal"},
    ):
        assert [passage.text for passage in index.search([1.0, 0.0], "x", 10, wanted)] == ["a"]


def test_a_filter_finds_texts_by_how_they_start(index: S3VectorsIndex) -> None:
    index.put([indexed(0, "a", [1.0, 0.0], path="계약/2026"), indexed(1, "b", [1.0, 0.0], path="규정/2026")])
    found = index.search([1.0, 0.0], "x", 10, {"path": {"$startsWith": "계약/"}})
    assert [passage.text for passage in found] == ["a"]


@pytest.mark.parametrize("limit", [99, 100, 101, 110])
def test_a_search_takes_as_many_passages_as_the_service_gives_at_most(index: S3VectorsIndex, limit: int) -> None:
    index.put([indexed(number, f"rice {number}", [1.0, 0.001 * number]) for number in range(120)])
    assert len(index.search([1.0, 0.0], "x", limit, None)) == min(limit, 100)


def test_a_search_goes_on_where_the_service_returns_fewer_passages_than_it_was_asked_for(
    index: S3VectorsIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.s3vectors.vectors.QUERY_PAGE", 4)
    index.put([indexed(number, f"rice {number}", [1.0, 0.01 * number]) for number in range(12)])
    passages = index.search([1.0, 0.0], "x", 10, None)
    assert [passage.text for passage in passages] == [f"rice {number}" for number in range(10)]


@pytest.mark.parametrize(
    "wanted", [{"team": {"$like": "l"}}, {"$and": "x"}, {"text_en": {"$eq": "a"}}, {"team": {"$eq": None}}, {"a": {}}]
)
def test_a_filter_that_the_index_does_not_know_is_the_callers_fault(index: S3VectorsIndex, wanted: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        index.search([1.0, 0.0], "x", 10, wanted)
    assert [field for field, _ in caught.value.errors] == ["filter"]


def test_a_question_of_any_length_and_script_is_a_query(index: S3VectorsIndex) -> None:
    for question in ("x" * 4000, "김치" * 2000, "?", "１２３", "🦊"):
        assert index.search([1.0, 0.0], question, 110, None) == []


def test_putting_again_replaces_and_deleting_again_is_no_error(
    index: S3VectorsIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onggi.adapters.s3vectors.PUT_BATCH", 2)
    monkeypatch.setattr("onggi.adapters.s3vectors.DELETE_BATCH", 2)
    index.put([indexed(number, f"old {number}", [1.0, 0.0]) for number in range(5)])
    index.put([indexed(0, "new", [1.0, 0.0])])
    texts = [passage.text for passage in index.search([1.0, 0.0], "x", 10, None)]
    assert sorted(texts) == ["new", "old 1", "old 2", "old 3", "old 4"]
    keys = [vector_key("doc", "v1", number) for number in range(5)]
    index.delete(keys)
    index.delete(keys)
    assert index.search([1.0, 0.0], "x", 10, None) == []


def test_deleting_from_an_index_that_is_gone_is_no_error(session: AwsSession, tenant: TenantContext) -> None:
    S3VectorsIndex(session, tenant.placement).delete(["doc/v1/0"])


def test_tenants_search_their_own_index(session: AwsSession, index: S3VectorsIndex) -> None:
    index.put([indexed(0, "kimchi", [1.0, 0.0])])
    other = tenant_named("somebody-else")
    S3VectorsIndex(session, other.placement.recorded("titan", 2)).create()
    assert S3VectorsIndex(session, other.placement).search([1.0, 0.0], "kimchi", 10, None) == []


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [("AccessDeniedException", 403, ClientError), ("TooManyRequestsException", 429, TransientError)],
)
def test_what_the_service_refuses(
    code: str, status: int, raised: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    refusing = session_answered_by("s3vectors", lambda _: as_json(status, {"message": "no"}, code))
    with pytest.raises(raised):
        S3VectorsIndex(refusing, tenant_named().placement).search([1.0, 0.0], "x", 1, None)
