"""Ports for models: embedding, answering and reading pictures of pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from onggi.domain.chunk import Passage


@dataclass(frozen=True, slots=True)
class Embedding:
    """A text's vector, of unit length, and the tokens that it cost."""

    vector: list[float]
    tokens: int


class Embedder(Protocol):
    """Turns texts into vectors."""

    def embed(self, text: str) -> Embedding:
        """The embedding of one text of at most 8,192 UTF-8 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerPart:
    """A stretch of an answer with the passages it rests on: pairs of passage number (from 0) and the words quoted."""

    text: str
    sources: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GeneratedAnswer:
    """What a model answered, in order, and the tokens it cost."""

    parts: tuple[AnswerPart, ...]
    input_tokens: int
    output_tokens: int


class Generator(Protocol):
    """Answers questions from passages."""

    def answer(self, question: str, passages: Sequence[Passage], model: str, max_tokens: int) -> GeneratedAnswer:
        """An answer that cites the passages it rests on."""
        ...


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a model read in a picture, and the tokens it cost."""

    text: str
    input_tokens: int
    output_tokens: int


class PageRecogniser(Protocol):
    """Reads pictures of pages (optical character recognition)."""

    def recognise(self, image: bytes, model: str) -> Recognition:
        """The text on a picture in PNG, empty where there is none."""
        ...
