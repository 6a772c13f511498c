"""The artifacts of a version: its text, chunks and vectors."""

import base64
import json
from array import array
from dataclasses import asdict, dataclass
from typing import Any, Final

from onggi.domain.chunk import Chunk, vector_key
from onggi.domain.document import DocumentProperties, ExtractedText
from onggi.domain.records import from_record
from onggi.ports.documents import ArtifactStore

BATCH_SIZE: Final = 32
"""Texts a batch: small enough that one batch is embedded within a minute, even by a slow model."""

MAX_BATCH_CHUNKS: Final = 1024
"""Chunks a batch, which are more than its texts where a text is repeated; their vectors fit into memory and a call."""


@dataclass(frozen=True, slots=True)
class PlannedChunk:
    """A chunk of a batch; `reuse` names the batch and row of the previous version that holds its embedding."""

    chunk: Chunk
    reuse: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ChunkBatch:
    """Chunks that are embedded and indexed together."""

    language: str
    reuse_version: str | None
    chunks: tuple[PlannedChunk, ...]


@dataclass(frozen=True, slots=True)
class VectorBatch:
    """The vectors of a chunk batch, row by row, made by one model in one dimension."""

    model: str
    dimensions: int
    vectors: tuple[list[float], ...]


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """The embeddings of some texts of a batch, by the hash of each text, and the tokens that they cost."""

    model: str
    dimensions: int
    tokens: int
    vectors: dict[str, list[float]]


class VersionArtifacts:
    """The artifacts of one version of one document."""

    def __init__(self, store: ArtifactStore, document_id: str, version: str) -> None:
        self._store = store
        self._document_id = document_id
        self._version = version
        self._prefix = f"{document_id}/{version}/"

    def write_text(self, extracted: ExtractedText) -> None:
        """Keeps the text, and beside it everything else that its reader found."""
        facts = asdict(extracted)
        self._store.write(self._prefix + "text.txt", facts.pop("text").encode())
        self._store.write(self._prefix + "text.json", _json(facts))

    def read_text(self) -> ExtractedText:
        """What `write_text` has kept; raises NotFound where it is gone."""
        text = self._store.read(self._prefix + "text.txt").decode()
        facts = json.loads(self._store.read(self._prefix + "text.json"))
        return ExtractedText.from_dict(facts | {"text": text})

    def delete_text(self) -> None:
        """Deletes what `write_text` has stored."""
        self._store.delete([self._prefix + "text.txt", self._prefix + "text.json"])

    def read_properties(self) -> DocumentProperties:
        """What the file states about itself; raises NotFound where it is gone."""
        return from_record(DocumentProperties, json.loads(self._store.read(self._prefix + "text.json"))["properties"])

    def write_chunks(self, number: int, batch: ChunkBatch) -> None:
        """Keeps a batch of chunks."""
        chunks = [planned.chunk.to_dict() | {"reuse": planned.reuse} for planned in batch.chunks]
        content = {"language": batch.language, "reuse_version": batch.reuse_version, "chunks": chunks}
        self._store.write(self._name("chunks", number), _json(content))

    def read_chunks(self, number: int) -> ChunkBatch:
        """What `write_chunks` has kept; raises NotFound where it is gone."""
        content = json.loads(self._store.read(self._name("chunks", number)))
        planned = []
        for entry in content["chunks"]:
            reuse = entry.pop("reuse")
            planned.append(PlannedChunk(Chunk.from_dict(entry), tuple(reuse) if reuse else None))
        return ChunkBatch(content["language"], content["reuse_version"], tuple(planned))

    def write_vectors(self, number: int, batch: VectorBatch) -> None:
        """Keeps the vectors of a batch as float32, the precision of the index."""
        rows = [_encode_vector(vector) for vector in batch.vectors]
        content = {"model": batch.model, "dimensions": batch.dimensions, "vectors": rows}
        self._store.write(self._name("vectors", number), _json(content))

    def read_vectors(self, number: int) -> VectorBatch:
        """What `write_vectors` has kept; raises NotFound where it is gone."""
        content = json.loads(self._store.read(self._name("vectors", number)))
        vectors = tuple(_decode_vector(row) for row in content["vectors"])
        return VectorBatch(content["model"], content["dimensions"], vectors)

    def delete_vectors(self, number: int) -> None:
        """Deletes the vectors of a batch."""
        self._store.delete([self._name("vectors", number)])

    def write_embedded_texts(self, number: int, texts: EmbeddedTexts) -> None:
        """Stores what is embedded of a batch so far."""
        vectors = {text_hash: _encode_vector(vector) for text_hash, vector in texts.vectors.items()}
        self._store.write(self._name("embedded", number), _json(asdict(texts) | {"vectors": vectors}))

    def read_embedded_texts(self, number: int) -> EmbeddedTexts:
        """Returns what `write_embedded_texts` has stored; raises NotFound where there is nothing."""
        content = json.loads(self._store.read(self._name("embedded", number)))
        vectors = {text_hash: _decode_vector(row) for text_hash, row in content["vectors"].items()}
        return EmbeddedTexts(content["model"], content["dimensions"], content["tokens"], vectors)

    def delete_embedded_texts(self, number: int) -> None:
        """Deletes what `write_embedded_texts` has stored."""
        self._store.delete([self._name("embedded", number)])

    def batch_numbers(self) -> list[int]:
        """The numbers of all chunk batches."""
        prefix = self._prefix + "chunks/"
        return [int(name.removeprefix(prefix).removesuffix(".json")) for name in self._store.names(prefix)]

    def names(self) -> list[str]:
        """The names of everything there is of this version."""
        return self._store.names(self._prefix)

    def write_manifest(self, batches: int) -> str:
        """Writes the list of batches for the workflow's Map; returns its S3 key."""
        lines = [{"batch": number} for number in range(batches)]
        return self._store.write_manifest(self._document_id, self._version, lines)

    def delete_manifest(self) -> None:
        """Deletes the list of batches."""
        self._store.delete_manifest(self._document_id, self._version)

    def vector_keys(self, number: int) -> list[str]:
        """Returns the keys of a batch in the vector index; raises NotFound where the batch is gone."""
        chunks = json.loads(self._store.read(self._name("chunks", number)))["chunks"]
        return [vector_key(self._document_id, self._version, chunk["number"]) for chunk in chunks]

    def _name(self, kind: str, number: int) -> str:
        return f"{self._prefix}{kind}/{number:05d}.json"


def _encode_vector(vector: list[float]) -> str:
    """A vector as float32, the precision of the index."""
    return base64.b64encode(array("f", vector).tobytes()).decode()


def _decode_vector(row: str) -> list[float]:
    return array("f", base64.b64decode(row)).tolist()


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
