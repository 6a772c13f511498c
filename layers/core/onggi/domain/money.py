"""What model calls cost, in exact decimal dollars."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

MILLION: Final = Decimal(1_000_000)
BYTES_PER_TOKEN: Final = 3
"""A syllable of Hangul has three bytes in UTF-8 and is about one token; English has some four bytes a token."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """USD per million tokens."""

    input: Decimal
    output: Decimal = Decimal(0)

    def cost(self, input_tokens: int, output_tokens: int = 0) -> Decimal:
        """The cost of one call in USD."""
        return (self.input * input_tokens + self.output * output_tokens) / MILLION


@dataclass(frozen=True, slots=True)
class Model:
    """A model of this installation.

    Attributes:
        price: what its tokens cost.
        parameters: fields of Converse's `inferenceConfig` that are sent to it; none by default, since models refuse
            those that they do not know.
        fields: of Converse's `additionalModelRequestFields`, which this model alone knows.
    """

    price: ModelPrice
    parameters: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)


def estimated_tokens(texts: Iterable[str]) -> int:
    """About how many tokens texts have, rather too many than too few; for calls whose answer never came."""
    return -(-sum(len(text.encode()) for text in texts) // BYTES_PER_TOKEN)


def usd(amount: Decimal) -> str:
    """An amount in plain decimal notation without trailing zeros, such as `0.000412`."""
    return f"{amount:.12f}".rstrip("0").rstrip(".")
