"""POST /query and POST /retrieve, according to version 1 of the API contract."""

from typing import Any

import pytest

from tests.integration.product import Product, Tenant
from tests.integration.test_documents_api import assert_problem

HOURS = "The library of Seongbuk opens at ten and closes at eight in the evening."
FINES = "A book that comes back late costs fifty won a day."
PARKING = "주차는 두 시간까지 무료이고 그 뒤에는 십 분에 오백 원이다."


@pytest.fixture(scope="module")
def library(product: Product) -> Tenant:
    tenant = product.new_tenant("library")
    for name, text in (("hours.txt", HOURS), ("fines.md", FINES), ("주차.txt", PARKING)):
        tenant.ready(name, text)
    return tenant


def test_an_answer_follows_the_contract(library: Tenant) -> None:
    reply = library.call("POST", "/query", {"question": "When does the library open?", "session_id": "morning-1"})
    answer = reply.body
    assert reply.status == 200
    assert set(answer) == {
        "answer",
        "grounded",
        "citations",
        "model",
        "session_id",
        "usage",
        "latency_ms",
        "request_id",
    }
    assert answer["request_id"] == reply.headers["x-request-id"]
    assert answer["session_id"] == "morning-1"
    assert answer["model"] == library.call("GET", "/me").body["models"][0]
    assert set(answer["usage"]) == {"embedding_tokens", "input_tokens", "output_tokens", "cost_usd"}
    assert all(answer["usage"][name] > 0 for name in ("embedding_tokens", "input_tokens", "output_tokens"))
    assert float(answer["usage"]["cost_usd"]) > 0
    assert answer["latency_ms"]["total"] >= answer["latency_ms"]["retrieve"] > 0
    assert answer["grounded"]
    citation = answer["citations"][0]
    assert set(citation) == {
        "marker",
        "document_id",
        "document_name",
        "page",
        "start",
        "end",
        "quote",
        "score",
    }
    assert (citation["marker"], citation["document_name"], citation["page"]) == (1, "hours.txt", 1)
    assert citation["quote"] == HOURS[citation["start"] : citation["end"]]


def test_passages_follow_the_contract(library: Tenant) -> None:
    reply = library.retrieve("What does a late book cost?", top_k=2)
    assert set(reply) == {"passages", "usage"}
    assert set(reply["usage"]) == {"embedding_tokens"}
    assert len(reply["passages"]) == 2
    best = reply["passages"][0]
    assert set(best) == {"document_id", "document_name", "page", "start", "end", "text", "context", "score", "scores"}
    assert (best["document_name"], best["text"]) == ("fines.md", FINES)
    assert set(best["scores"]) <= {"vector", "bm25", "fused"}
    assert best["scores"]["fused"] >= reply["passages"][1]["scores"]["fused"]


def test_a_korean_word_finds_a_korean_document(library: Tenant) -> None:
    answer = library.ask("주차는 몇 시간까지 무료인가요?")
    assert "두 시간" in answer["answer"]
    assert [citation["document_name"] for citation in answer["citations"]] == ["주차.txt"]


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("직원 식당의 점심 메뉴는 무엇인가요?", "문서에서"),
        ("Which planet has the strongest wind?", "The documents do not hold"),
    ],
)
def test_a_missing_answer_is_in_the_language_of_the_question(tenant: Tenant, question: str, sentence: str) -> None:
    answer = tenant.ask(question)
    assert (answer["grounded"], answer["citations"]) == (False, [])
    assert answer["answer"].startswith(sentence)
    assert answer["usage"]["output_tokens"] == 0


def test_top_k_limits_the_number_of_passages(library: Tenant) -> None:
    assert len(library.retrieve("the library and its books", top_k=1)["passages"]) == 1
    assert len(library.retrieve("the library and its books", top_k=50)["passages"]) == 3


def test_the_longest_question_is_answered(library: Tenant) -> None:
    question = "When does the library open? " + "x" * 3972
    assert len(question) == 4000
    assert library.call("POST", "/query", {"question": question, "top_k": 50, "max_tokens": 4096}).status == 200
    assert_problem(library.call("POST", "/query", {"question": question + "x"}), 400, "question")


def test_a_question_of_unusual_characters_is_answered(library: Tenant) -> None:
    for question in ("?", "🙂" * 50, "a\u0000b", "\u202ereversed", "'; DROP TABLE", "{}", "ㅋㅋㅋ"):
        assert library.call("POST", "/query", {"question": question}).status == 200, question


def test_an_unpaired_surrogate_is_rejected(product: Product, library: Tenant) -> None:
    headers = {"authorization": f"Bearer {library.api_key}", "content-type": "application/json"}
    for route, body, field in (
        ("/query", b'{"question": "cut \\ud83d off"}', "question"),
        ("/retrieve", b'{"question": "q", "filter": {"a": "\\ud83d"}}', "filter"),
        ("/documents", b'{"name": "\\ud83d.txt", "content_type": "text/plain", "size": 1}', "name"),
        (
            "/documents",
            b'{"name": "a.txt", "content_type": "text/plain", "size": 1, "metadata": {"a": "\\ud83d"}}',
            "metadata",
        ),
    ):
        assert_problem(product.send("POST", product.url(route), headers, body), 400, field)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["question"]),
        ({"question": ""}, ["question"]),
        ({"question": " \n"}, ["question"]),
        ({"question": 5}, ["question"]),
        ({"question": None}, ["question"]),
        ({"question": "q", "top_k": 0}, ["top_k"]),
        ({"question": "q", "top_k": 51}, ["top_k"]),
        ({"question": "q", "top_k": "8"}, ["top_k"]),
        ({"question": "q", "top_k": True}, ["top_k"]),
        ({"question": "q", "top_k": 1.0}, ["top_k"]),
        ({"question": "q", "filter": "all"}, ["filter"]),
        ({"question": "q", "filter": {"a": {"$like": "x"}}}, ["filter"]),
        ({"question": "q", "filter": {"$or": {}}}, ["filter"]),
        ({"question": "q", "unknown": 1}, ["unknown"]),
    ],
)
def test_an_invalid_question_is_rejected_by_field(library: Tenant, body: dict[str, Any], fields: list[str]) -> None:
    for route in ("/query", "/retrieve"):
        assert_problem(library.call("POST", route, body), 400, *fields)


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 4097}, "max_tokens"),
        ({"model": "another"}, "model"),
        ({"model": 1}, "model"),
        ({"session_id": "a b"}, "session_id"),
        ({"session_id": "x" * 65}, "session_id"),
    ],
)
def test_retrieve_rejects_fields_of_query(library: Tenant, extra: dict[str, Any], field: str) -> None:
    assert_problem(library.call("POST", "/query", {"question": "q", **extra}), 400, field)
    assert_problem(library.call("POST", "/retrieve", {"question": "q", **extra}), 400, field)
