"""Chunks, passages and citations: what a document becomes, what a question finds, what an answer rests on."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, Self

from onggi.domain.document import Metadata
from onggi.domain.records import from_record

MAX_EMBEDDING_BYTES: Final = 8192
"""UTF-8 bytes that are embedded as one; Titan reads 8,192 tokens, and no token is shorter than a byte."""

MAX_CONTEXT_BYTES: Final = 1024
"""UTF-8 bytes of a chunk's context."""

CONTEXT_SEPARATOR: Final = "\n\n"
"""Separates a chunk's context from its text."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a document's text: `document_text[start:end] == text`.

    Attributes:
        number: from 0, in the order of the text.
        page: from 1, where the chunk starts.
        page_breaks: the offsets in the document's text at which further pages start inside the chunk.
        context: the chunk's context, apart from its text: the headings above it, and the columns of its table.
    """

    number: int
    start: int
    end: int
    page: int
    text: str
    page_breaks: tuple[int, ...] = ()
    context: str = ""

    @property
    def text_in_context(self) -> str:
        """What is embedded and searched: the context, where there is any, and the text."""
        return self.context + CONTEXT_SEPARATOR + self.text if self.context else self.text

    @property
    def embedding_hash(self) -> str:
        """SHA-256 of what is embedded: chunks of the same hash have the same embedding."""
        return hashlib.sha256(self.text_in_context.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form for artifacts."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Restores what `to_dict` made."""
        return from_record(cls, data | {"page_breaks": tuple(data["page_breaks"])})


def vector_key(document_id: str, version: str, number: int) -> str:
    """The key of a chunk in its tenant's vector index; versions never share one."""
    return f"{document_id}/{version}/{number}"


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk with everything that the vector index keeps of it.

    Attributes:
        vector: unit length, as many numbers as the index has dimensions.
        metadata: the document's own attributes, filterable.
    """

    document_id: str
    version: str
    document_name: str
    language: str
    chunk: Chunk
    vector: list[float]
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Scores:
    """How a passage was found, as S3 Vectors reports it.

    Attributes:
        vector: cosine similarity, 1 is identical.
        bm25: the best BM25 score over the analysers; None where no word matched.
        fused: reciprocal rank fusion over both.
    """

    vector: float | None = None
    bm25: float | None = None
    fused: float | None = None

    def to_json(self) -> dict[str, float]:
        """The scores that there are."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that a question has found."""

    document_id: str
    version: str
    document_name: str
    page: int
    start: int
    end: int
    text: str
    scores: Scores
    page_breaks: tuple[int, ...] = ()
    context: str = ""

    def page_at(self, offset: int) -> int:
        """The number of the page on which an offset of the document's text lies, within this passage."""
        return self.page + sum(page_break <= offset for page_break in self.page_breaks)

    @property
    def score(self) -> float:
        """One number for people, higher is better: cosine similarity where there is one, else the fused score."""
        return self.scores.vector if self.scores.vector is not None else self.scores.fused or 0.0

    def to_json(self) -> dict[str, Any]:
        """The passage as the HTTP API shows it."""
        shown: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("document_id", "document_name", "page", "start", "end", "text", "context")
        }
        return shown | {"score": self.score, "scores": self.scores.to_json()}


@dataclass(frozen=True, slots=True)
class Citation:
    """What a part of an answer rests on: `quote` is `text[start:end]` of the document's extracted text, exactly."""

    marker: int
    document_id: str
    document_name: str
    page: int
    start: int
    end: int
    quote: str
    score: float

    def to_json(self) -> dict[str, Any]:
        """The citation as the HTTP API shows it."""
        return {name: getattr(self, name) for name in self.__slots__}
