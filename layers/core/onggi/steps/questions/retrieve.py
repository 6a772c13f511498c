"""Finds the passages of a tenant's documents that a question is about."""

from dataclasses import dataclass
from typing import Final

from onggi.domain.chunk import Passage
from onggi.ports.bundles import TenantPorts
from onggi.ports.retrieval import Filter

MAX_TOP_K: Final = 50
SPARE_PASSAGES: Final = 10


@dataclass(frozen=True, slots=True)
class RetrievalRequest:
    """A question, how many passages it wants, and which documents it may look at."""

    question: str
    top_k: int
    filter: Filter | None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The passages found, best first, and the tokens that embedding the question cost."""

    passages: tuple[Passage, ...]
    embedding_tokens: int


def retrieve(request: RetrievalRequest, ports: TenantPorts) -> Retrieval:
    """Asks the index once and keeps what the ledger calls current.

    While a version replaces another, the index holds both: twice as many candidates leave room for that.

    Raises:
        InvalidRequest: when the filter is not one that the index understands.
        TransientError: when the model, the index or the ledger is not available.
    """
    embedding = ports.embedder.embed(request.question)
    candidates = ports.index.search(
        embedding.vector, request.question, 2 * request.top_k + SPARE_PASSAGES, request.filter
    )
    rows = ports.ledger.get_many({passage.document_id for passage in candidates})
    current = [
        passage
        for passage in candidates
        if passage.document_id in rows and rows[passage.document_id].current_version == passage.version
    ]
    return Retrieval(tuple(current[: request.top_k]), embedding.tokens)
