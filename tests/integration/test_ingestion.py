"""Ingestion, from an uploaded file to a citation."""

import unicodedata
from email.header import Header
from typing import Any

import pytest

from cli.demo.pdf import make_pdf
from tests.integration.product import Tenant

KOREAN = (
    "연차 휴가 규정. 직원은 한 해에 연차 휴가 열일곱 일을 쓴다.",
    "출장 규정. 출장 숙박비는 하룻밤에 구만 원까지 준다.",
)
ENGLISH = (
    "The warranty of the kettle lasts thirty-one months.",
    "Spare parts are kept in the depot at Harbour Street.",
)
MARKDOWN = "# 설치 안내\n\n공유기는 초록 단자에 연결한다.\n\n## 문의\n\n문의 전화는 평일 아침 아홉 시에 연다.\n"


@pytest.mark.parametrize(
    ("pages", "language", "question", "fact"),
    [
        (KOREAN, "ko", "출장 숙박비는 하룻밤에 얼마까지 주나요?", "구만 원"),
        (ENGLISH, "en", "Where are the spare parts kept?", "Harbour Street"),
    ],
)
def test_a_pdf_is_cited_with_its_page(tenant: Tenant, pages: Any, language: str, question: str, fact: str) -> None:
    document = tenant.ready("policy.pdf", make_pdf(pages, "Policy"), ContentType="application/pdf")
    text = tenant.extracted_text(document)
    assert (document["pages"], document["language"], document["content_type"]) == (2, language, "application/pdf")
    assert document["chunks"] == len(tenant.vector_keys(document["document_id"])) > 0
    assert document["tokens"] > 10
    answer = tenant.ask(question)
    assert answer["grounded"]
    assert fact in answer["answer"]
    cited = [citation for citation in answer["citations"] if fact in citation["quote"]]
    assert [citation["page"] for citation in cited] == [2]
    for citation in answer["citations"]:
        assert citation["quote"] == text[citation["start"] : citation["end"]]
        assert (citation["document_id"], citation["document_name"]) == (document["document_id"], "policy.pdf")
        assert f"[{citation['marker']}]" in answer["answer"]


def test_markdown_and_plain_text_are_searched(tenant: Tenant) -> None:
    guide = tenant.ready("guide.md", MARKDOWN)
    notes = tenant.ready("notes.txt", "The meeting room on the ninth floor is for visitors.".encode("utf-16"))
    assert (guide["pages"], guide["language"], notes["pages"], notes["language"]) == (1, "ko", 1, "en")
    for document, question, fact in (
        (guide, "공유기는 어느 단자에 연결하나요?", "초록 단자"),
        (notes, "Which room is for visitors?", "ninth floor"),
    ):
        passages = tenant.retrieve(question)["passages"]
        text = tenant.extracted_text(document)
        assert fact in passages[0]["text"]
        assert passages[0]["document_id"] == document["document_id"]
        assert passages[0]["text"] == text[passages[0]["start"] : passages[0]["end"]]


@pytest.mark.parametrize(
    "name",
    [
        "a+b c%20d.txt",
        "깊은/폴더 안/한글 이름 (최종).txt",
        unicodedata.normalize("NFD", "분기보고서.txt"),
        "100%.txt",
        "quotes'\"&<>=?#.txt",
    ],
)
def test_documents_with_unusual_names_are_searched(tenant: Tenant, name: str) -> None:
    document = tenant.ready(name, "The parcel of Tuesday weighs four kilograms.")
    assert document["key"] == tenant.prefix + name
    assert document["name"] == unicodedata.normalize("NFC", name)
    passages = tenant.retrieve("How heavy is the parcel of Tuesday?")["passages"]
    assert [passage["document_name"] for passage in passages] == [document["name"]]
    assert tenant.call("DELETE", f"/documents/{document['document_id']}").status == 202
    tenant.wait_for_status(document["key"], "deleted")
    assert tenant.derived_data(document["document_id"]) == []


def test_documents_in_other_languages_are_searched(tenant: Tenant) -> None:
    document = tenant.ready("horaires.txt", "La bibliothèque ouvre à dix heures et ferme à vingt heures.")
    assert document["language"] == "und"
    found = tenant.retrieve("À quelle heure ouvre la bibliothèque ?")["passages"]
    assert [passage["document_id"] for passage in found] == [document["document_id"]]


def test_questions_filter_by_metadata_of_the_api(tenant: Tenant) -> None:
    text = "The lift is inspected every spring by the same two people."
    legal = {"부서": "법무팀", "year": 2025, "ratio": 0.5, "public": False, "tags": ["lift", "검사"]}
    first = tenant.upload("a.txt", text.encode(), "text/plain", metadata=legal)
    second = tenant.upload("b.txt", text.encode(), "text/plain", metadata={"부서": "총무팀", "year": 2026})
    assert first["metadata"] == legal
    for condition, expected in (
        ({"부서": {"$eq": "법무팀"}}, [first]),
        ({"부서": "총무팀"}, [second]),
        ({"year": {"$gte": 2026}}, [second]),
        ({"ratio": {"$lt": 0.6}}, [first]),
        ({"public": {"$eq": False}}, [first]),
        ({"tags": {"$in": ["검사"]}}, [first]),
        ({"tags": {"$exists": False}}, [second]),
        ({"$or": [{"year": 2025}, {"year": 2026}]}, [first, second]),
        ({"$and": [{"year": 2025}, {"부서": "총무팀"}]}, []),
    ):
        passages = tenant.retrieve("When is the lift inspected?", filter=condition)["passages"]
        assert {passage["document_id"] for passage in passages} == {each["document_id"] for each in expected}, condition
    answer = tenant.ask("When is the lift inspected?", filter={"year": 1999})
    assert (answer["grounded"], answer["citations"]) == (False, [])


def test_questions_filter_by_metadata_of_s3_headers(tenant: Tenant) -> None:
    headers = {"Department": "legal", "team": Header("법무 일팀", "utf-8").encode()}
    document = tenant.ready("header.txt", "The archive is cleared every ten years.", Metadata=headers)
    assert document["metadata"] == {"department": "legal", "team": "법무 일팀"}
    question = "How often is the archive cleared?"
    assert tenant.retrieve(question, filter={"team": "법무 일팀", "department": "legal"})["passages"]
    assert tenant.retrieve(question, filter={"department": {"$ne": "legal"}})["passages"] == []
