"""The checks of the demonstration: each takes responses of the API and returns the errors in them."""

import unicodedata
from collections.abc import Iterable, Mapping

from cli.api import JsonObject
from cli.demo.documents import DemoDocument, Question


def letters_and_digits(text: str) -> str:
    """Returns only the letters and digits of a text, which do not depend on line breaks and markup."""
    return "".join(letter for letter in unicodedata.normalize("NFC", text) if letter.isalnum())


def answer_errors(answer: JsonObject, question: Question) -> list[str]:
    """Checks that an answer contains the fact and cites its document and page."""
    errors = []
    if not answer["grounded"]:
        errors.append("the answer is not grounded")
    if question.fact not in answer["answer"]:
        errors.append(f"the answer does not say {question.fact}")
    cited = [citation for citation in answer["citations"] if citation["document_name"] == question.path]
    if not cited:
        errors.append(f"{question.path} is not cited")
    elif question.page is not None and question.page not in {citation["page"] for citation in cited}:
        errors.append(f"page {question.page} of {question.path} is not cited")
    return errors


def citation_errors(
    answer: JsonObject, passages: Iterable[JsonObject], documents: Mapping[str, DemoDocument]
) -> list[str]:
    """Checks every citation of an answer.

    Args:
        answer: The response of `/query`.
        passages: The passages that `/retrieve` returns for the same question.
        documents: The tenant's uploaded documents by id.

    Returns:
        An error for each marker that is not in the answer, document that is not the tenant's, quote that is not in its
        document, and span that does not hold the quote.
    """
    errors = []
    spans = list(passages)
    for citation in answer["citations"]:
        marker = f"[{citation['marker']}]"
        if marker not in answer["answer"]:
            errors.append(f"the answer does not contain {marker}")
        document = documents.get(citation["document_id"])
        if document is None:
            errors.append(f"{marker} cites a document that is not the tenant's")
        elif not letters_and_digits(citation["quote"]) or letters_and_digits(
            citation["quote"]
        ) not in letters_and_digits(document.text):
            errors.append(f"the quote of {marker} is not in {document.path}")
        if not _is_exact_span(citation, spans):
            errors.append(f"{marker} is not the text from {citation['start']} to {citation['end']}")
    return errors


def _is_exact_span(citation: JsonObject, passages: Iterable[JsonObject]) -> bool:
    """Returns whether the passages that cover a citation's offsets hold its quote there."""
    start, end = citation["start"], citation["end"]
    covering = [
        passage
        for passage in passages
        if passage["document_id"] == citation["document_id"] and passage["start"] <= start and end <= passage["end"]
    ]
    return any(
        passage["text"][start - passage["start"] : end - passage["start"]] == citation["quote"] for passage in covering
    )


def leak_errors(
    answer: JsonObject, passages: Iterable[JsonObject], fact: str, foreign_ids: frozenset[str]
) -> list[str]:
    """Checks that a tenant's answer and passages hold neither a fact nor an id of another tenant's documents."""
    errors = []
    if fact in answer["answer"]:
        errors.append(f"the answer says {fact}")
    if foreign_ids & {citation["document_id"] for citation in answer["citations"]}:
        errors.append("the answer cites the other tenant's document")
    if any(passage["document_id"] in foreign_ids or fact in passage["text"] for passage in passages):
        errors.append("a passage comes from the other tenant's document")
    return errors


def stale_fact_errors(answer: JsonObject, passages: Iterable[JsonObject], fact: str) -> list[str]:
    """Checks that neither the answer nor a passage holds a fact that was replaced or deleted."""
    errors = []
    if fact in answer["answer"]:
        errors.append(f"the answer still says {fact}")
    if any(fact in passage["text"] for passage in passages):
        errors.append(f"a passage still says {fact}")
    return errors
