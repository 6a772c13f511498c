"""Meters what models cost at the moment at which it is spent, so that nothing that fails later takes it away."""

from collections.abc import Iterator
from contextlib import contextmanager

from onggi.domain.errors import ModelTimeout
from onggi.domain.money import ModelPrice
from onggi.domain.tenant import TenantContext
from onggi.ports.metering import Meter
from onggi.ports.models import Embedder, Embedding


@contextmanager
def unfinished_metered(tenant: TenantContext, price: ModelPrice, meter: Meter) -> Iterator[None]:
    """Meters calls that a model has not answered in time, and lets the error pass.

    Only an answer says how many tokens it took, and Bedrock may bill what was given up here. So the most that can be
    billed is estimated: it counts as UnfinishedTokens, apart from the exact InputTokens and OutputTokens, and its price
    is part of EstimatedCostUSD, so that a limit on cost errs on the safe side.

    Raises:
        ModelTimeout: as the block does.
    """
    try:
        yield
    except ModelTimeout as error:
        meter.record(
            tenant,
            UnfinishedModelCalls=1,
            UnfinishedTokens=error.input_tokens + error.output_tokens,
            EstimatedCostUSD=float(price.cost(error.input_tokens, error.output_tokens)),
        )
        raise


class MeteredEmbedder:
    """An embedder that meters each text as soon as it is embedded.

    Args:
        embedder: does the work.
        tenant: whose texts they are.
        price: of the model's tokens.
        meter: takes the numbers.
    """

    def __init__(self, embedder: Embedder, tenant: TenantContext, price: ModelPrice, meter: Meter) -> None:
        self._embedder = embedder
        self._tenant = tenant
        self._price = price
        self._meter = meter

    def embed(self, text: str) -> Embedding:
        """The embedding of one text.

        Raises:
            ModelTimeout: when the time for it is over; what it may have cost is metered.
        """
        with unfinished_metered(self._tenant, self._price, self._meter):
            embedding = self._embedder.embed(text)
        cost = float(self._price.cost(embedding.tokens))
        self._meter.record(self._tenant, EmbeddingTokens=embedding.tokens, EstimatedCostUSD=cost)
        return embedding
