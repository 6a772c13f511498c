"""The claims of the demonstration, as functions of what the API answered: each returns what is wrong, or nothing."""

import unicodedata
from collections.abc import Iterable, Mapping

from cli.api import JsonObject
from cli.demo.documents import DemoDocument, Question


def letters(text: str) -> str:
    """Returns a text's letters and digits: what survives of it in a PDF's lines or below a heading's mark."""
    return "".join(letter for letter in unicodedata.normalize("NFC", text) if letter.isalnum())


def wrong_with_answer(answer: JsonObject, question: Question) -> list[str]:
    """Checks that an answer carries the fact and cites the document, and the page, in which the fact stands."""
    found = []
    if not answer["grounded"]:
        found.append("the answer is not grounded")
    if question.fact not in answer["answer"]:
        found.append(f"the answer does not say {question.fact}")
    cited = [citation for citation in answer["citations"] if citation["document_name"] == question.path]
    if not cited:
        found.append(f"{question.path} is not cited")
    elif question.page is not None and question.page not in {citation["page"] for citation in cited}:
        found.append(f"page {question.page} of {question.path} is not cited")
    return found


def wrong_with_citations(
    answer: JsonObject, passages: Iterable[JsonObject], documents: Mapping[str, DemoDocument]
) -> list[str]:
    """Checks every citation of an answer.

    Args:
        answer: What `/query` answered.
        passages: What `/retrieve` finds for the same question.
        documents: The tenant's documents by id, as they were uploaded.

    Returns:
        What is wrong: a marker that the answer does not have, a document that is not the tenant's, a quote that is not
        in the document, or a span that is not the quote's.
    """
    found = []
    spans = list(passages)
    for citation in answer["citations"]:
        mark = f"[{citation['marker']}]"
        if mark not in answer["answer"]:
            found.append(f"the answer has no mark {mark}")
        document = documents.get(citation["document_id"])
        if document is None:
            found.append(f"{mark} cites a document that is not the tenant's")
        elif not letters(citation["quote"]) or letters(citation["quote"]) not in letters(document.text):
            found.append(f"the quote of {mark} does not stand in {document.path}")
        if not _is_exact_span(citation, spans):
            found.append(f"{mark} is not the text from {citation['start']} to {citation['end']}")
    return found


def _is_exact_span(citation: JsonObject, passages: Iterable[JsonObject]) -> bool:
    """Says whether a quote is what stands at its offsets, as the passage shows that reaches over them."""
    start, end = citation["start"], citation["end"]
    around = [
        passage
        for passage in passages
        if passage["document_id"] == citation["document_id"] and passage["start"] <= start and end <= passage["end"]
    ]
    return any(
        passage["text"][start - passage["start"] : end - passage["start"]] == citation["quote"] for passage in around
    )


def wrong_with_strangers_answer(
    answer: JsonObject, passages: Iterable[JsonObject], fact: str, foreign_ids: frozenset[str]
) -> list[str]:
    """Checks that a tenant finds nothing of another's documents: no words of them and no id."""
    found = []
    if fact in answer["answer"]:
        found.append(f"the answer says {fact}")
    if foreign_ids & {citation["document_id"] for citation in answer["citations"]}:
        found.append("the answer cites the other tenant's document")
    if any(passage["document_id"] in foreign_ids or fact in passage["text"] for passage in passages):
        found.append("a passage comes from the other tenant's document")
    return found


def wrong_with_forgotten(answer: JsonObject, passages: Iterable[JsonObject], fact: str) -> list[str]:
    """Checks that a fact which was replaced or deleted is neither answered nor found."""
    found = []
    if fact in answer["answer"]:
        found.append(f"the answer still says {fact}")
    if any(fact in passage["text"] for passage in passages):
        found.append(f"a passage still says {fact}")
    return found
