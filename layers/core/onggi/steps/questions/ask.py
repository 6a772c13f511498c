"""Answers a question and meters it as it goes, so that a failure later loses nothing of what was spent."""

import time
from dataclasses import dataclass, replace
from decimal import Decimal

from onggi.domain.money import ModelPrice
from onggi.domain.tenant import TenantContext
from onggi.ports.bundles import TenantPorts
from onggi.steps.questions.answer import Answer, answer
from onggi.steps.questions.metering import MeteredEmbedder, unfinished_metered
from onggi.steps.questions.retrieve import Retrieval, RetrievalRequest, retrieve


@dataclass(frozen=True, slots=True)
class AnsweringModel:
    """The model that answers: its id, what its tokens cost, and the longest answer."""

    model_id: str
    price: ModelPrice
    max_tokens: int


@dataclass(frozen=True, slots=True)
class MeteredRetrieval:
    """Passages, and what it took to find them.

    Attributes:
        cost: of the question's embedding, in USD.
        seconds: since the request began.
    """

    retrieval: Retrieval
    cost: Decimal
    seconds: float


@dataclass(frozen=True, slots=True)
class MeteredAnswer:
    """An answer, and what it took.

    Attributes:
        embedding_tokens: of the question.
        cost: of the embedding and of the answer, in USD.
        retrieve_seconds: until the passages were found.
        generate_seconds: from then until the answer was complete.
    """

    answer: Answer
    embedding_tokens: int
    cost: Decimal
    retrieve_seconds: float
    generate_seconds: float

    @property
    def total_seconds(self) -> float:
        """From the beginning of the request until the answer was complete."""
        return self.retrieve_seconds + self.generate_seconds


def find_passages(
    tenant: TenantContext, wanted: RetrievalRequest, embedding_price: ModelPrice, ports: TenantPorts
) -> MeteredRetrieval:
    """Returns the passages for a question; its tokens are metered even if what follows fails.

    Raises:
        InvalidRequest: when the filter is not one that the index understands.
        ModelTimeout: when the embedding model does not finish in time.
        TransientError: when a dependency is not available.
    """
    began = time.perf_counter()
    metered = MeteredEmbedder(ports.embedder, tenant, embedding_price, ports.meter)
    retrieval = retrieve(wanted, replace(ports, embedder=metered))
    seconds = time.perf_counter() - began
    ports.meter.record(tenant, RetrievalLatency=seconds * 1000)
    return MeteredRetrieval(retrieval, embedding_price.cost(retrieval.embedding_tokens), seconds)


def ask(
    tenant: TenantContext,
    wanted: RetrievalRequest,
    embedding_price: ModelPrice,
    model: AnsweringModel,
    ports: TenantPorts,
) -> MeteredAnswer:
    """Returns the answer to a question from the tenant's documents.

    Raises:
        InvalidRequest: when the filter is not one that the index understands.
        ModelRefused: when a model cannot be used as it is configured.
        ModelTimeout: when a model does not finish in time.
        TransientError: when a dependency is not available.
    """
    found = find_passages(tenant, wanted, embedding_price, ports)
    began = time.perf_counter()
    with unfinished_metered(tenant, model.price, ports.meter):
        answered = answer(wanted.question, found.retrieval, model.model_id, model.max_tokens, ports)
    seconds = time.perf_counter() - began
    cost = model.price.cost(answered.input_tokens, answered.output_tokens)
    ports.meter.record(
        tenant,
        Queries=1,
        QueryLatency=(found.seconds + seconds) * 1000,
        InputTokens=answered.input_tokens,
        OutputTokens=answered.output_tokens,
        EstimatedCostUSD=float(cost),
    )
    return MeteredAnswer(answered, found.retrieval.embedding_tokens, found.cost + cost, found.seconds, seconds)
