"""Answers a question from a tenant's documents, with citations that are exact spans of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from onggi.domain.chunk import Citation, Passage
from onggi.domain.search import HANGUL
from onggi.ports.bundles import TenantPorts
from onggi.ports.models import GeneratedAnswer
from onggi.steps.questions.retrieve import Retrieval

NOTHING_FOUND: Final = {
    "ko": "문서에서 이 질문에 대한 답을 찾지 못했습니다.",
    "en": "The documents do not hold an answer to this question.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `grounded` when it rests on citations, else it says that the documents do not tell."""

    text: str
    citations: tuple[Citation, ...]
    input_tokens: int
    output_tokens: int

    @property
    def grounded(self) -> bool:
        """Whether the answer rests on the documents."""
        return bool(self.citations)


def answer(question: str, retrieval: Retrieval, model: str, max_tokens: int, ports: TenantPorts) -> Answer:
    """Lets the model answer from the passages; what it says without citing anything is not passed on.

    Raises:
        TransientError: when the model is not available.
    """
    if not retrieval.passages:
        return Answer(_nothing_found(question), (), 0, 0)
    generated = ports.generator.answer(question, retrieval.passages, model, max_tokens)
    text, citations = _cite(generated, retrieval.passages)
    if not citations:
        text = _nothing_found(question)
    return Answer(text, citations, generated.input_tokens, generated.output_tokens)


def _nothing_found(question: str) -> str:
    return NOTHING_FOUND["ko" if HANGUL.search(question) else "en"]


def _cite(generated: GeneratedAnswer, passages: Sequence[Passage]) -> tuple[str, tuple[Citation, ...]]:
    """The text with a marker `[n]` behind each part that rests on a source, and the sources by their markers."""
    markers: dict[tuple[str, int, int], Citation] = {}
    text = ""
    for part in generated.parts:
        cited = [_citation(passages[index], quote) for index, quote in part.sources if 0 <= index < len(passages)]
        numbers = []
        for citation in cited:
            place = (citation.document_id, citation.start, citation.end)
            known = markers.setdefault(place, replace(citation, marker=len(markers) + 1))
            numbers.append(known.marker)
        words = part.text.rstrip()
        text += words + "".join(f"[{number}]" for number in dict.fromkeys(numbers)) + part.text[len(words) :]
    return text.strip(), tuple(markers.values())


def _citation(passage: Passage, quote: str) -> Citation:
    """The place of a quote; where the model has not quoted to the letter, the whole passage."""
    found = passage.text.find(quote) if quote else -1
    start, length = (found, len(quote)) if found >= 0 else (0, len(passage.text))
    return Citation(
        marker=0,
        document_id=passage.document_id,
        document_name=passage.document_name,
        page=passage.page_at(passage.start + start),
        start=passage.start + start,
        end=passage.start + start + length,
        quote=passage.text[start : start + length],
        score=passage.score,
    )
