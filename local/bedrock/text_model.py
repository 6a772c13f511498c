"""What the stand-in needs of a model that reads text: vectors and token counts."""

from collections.abc import Sequence
from typing import Protocol

Vector = Sequence[float]


class TextModel(Protocol):
    """A model with a tokenizer and an embedding of unit length; safe to call from many threads."""

    def embed(self, texts: Sequence[str], *, urgent: bool = False) -> list[Vector]:
        """Returns one vector of unit length for each text, in the order of the texts.

        Args:
            texts: of any length.
            urgent: whether somebody waits for an answer that needs all of these vectors.

        Raises:
            EmbeddingError: a text could not be embedded.
        """

    def count_tokens(self, text: str) -> int:
        """Returns how many tokens the text has, without those the model adds itself."""


def cosine(left: Vector, right: Vector) -> float:
    """Returns the cosine of two vectors of unit length."""
    return sum(a * b for a, b in zip(left, right, strict=True))
