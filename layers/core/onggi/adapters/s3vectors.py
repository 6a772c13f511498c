"""A tenant's vector index in Amazon S3 Vectors: the only module that calls this service."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.domain.chunk import CONTEXT_SEPARATOR, IndexedChunk, Passage, Scores, vector_key
from onggi.domain.errors import InvalidRequest
from onggi.domain.search import analysers_for_question, key_for_language
from onggi.domain.tenant import Placement
from onggi.ports.retrieval import Filter

PUT_BATCH: Final = 100
"""PutVectors takes 500 vectors and 20 MiB; 100 of 1,024 numbers with their text stay below 2 MiB of JSON."""
DELETE_BATCH: Final = 500
"""DeleteVectors takes at most so many keys (S3 Vectors API reference)."""
LIST_BATCH: Final = 1000
"""ListVectors returns at most so many (S3 Vectors API reference)."""
EXPORT_BATCH: Final = 100
"""A few MB of JSON, text included."""
MAX_TOP_K: Final = 100
"""QueryVectors returns at most so many vectors (S3 user guide, "Limitations and restrictions")."""
MAX_QUERY_TEXT: Final = 1024
"""The longest full-text query in characters (S3 Vectors API reference)."""

TEXT_KEYS: Final[dict[str, str | None]] = {"text_ko": "ko", "text_en": "en", "text": None}
"""Searchable metadata keys and the language of their analyser; None is the standard analyser."""
NON_FILTERABLE: Final = [*TEXT_KEYS, "document_name", "start", "end", "page_breaks"]


class S3VectorsIndex:
    """One tenant's index.

    Args:
        session: the tenant's, or one that may create or drop its index.
        placement: names the index, and the dimensions of its vectors.
    """

    def __init__(self, session: AwsSession, placement: Placement) -> None:
        self._session = session
        self._dimensions = placement.embedding_dimensions
        self._where = {"vectorBucketName": placement.vector_bucket, "indexName": placement.index}

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("s3vectors")

    def create(self) -> None:
        searchable = [
            {"metadataKey": key, "language": language} if language else {"metadataKey": key}
            for key, language in TEXT_KEYS.items()
        ]
        with _unless("ConflictException"), translated("S3 Vectors"):
            self._client.create_index(
                **self._where,
                dataType="float32",
                dimension=self._dimensions,
                distanceMetric="cosine",
                metadataConfiguration={
                    "nonFilterableMetadataKeys": NON_FILTERABLE,
                    "textSearchConfigurations": searchable,
                },
            )

    def put(self, chunks: Sequence[IndexedChunk]) -> None:
        """Writes chunks; a chunk whose key is there is replaced."""
        for batch in batched(chunks, PUT_BATCH, strict=False):
            with translated("S3 Vectors"):
                self._client.put_vectors(**self._where, vectors=[_vector(chunk) for chunk in batch])

    def delete(self, keys: Sequence[str]) -> None:
        with _unless("NotFoundException"):
            for batch in batched(keys, DELETE_BATCH, strict=False):
                with translated("S3 Vectors"):
                    self._client.delete_vectors(**self._where, keys=list(batch))

    def drop(self) -> None:
        with _unless("NotFoundException"), translated("S3 Vectors"):
            self._client.delete_index(**self._where)

    def count_page(self, cursor: str | None) -> tuple[int, str | None] | None:
        page = self._page(cursor, maxResults=LIST_BATCH)
        return (len(page["vectors"]), page.get("nextToken")) if page else None

    def list_page(self, cursor: str | None) -> tuple[list[dict[str, Any]], str | None] | None:
        page = self._page(cursor, maxResults=EXPORT_BATCH, returnData=True, returnMetadata=True)
        return (page["vectors"], page.get("nextToken")) if page else None

    def _page(self, cursor: str | None, **options: object) -> dict[str, Any] | None:
        place = {"nextToken": cursor} if cursor else {}
        pages: list[dict[str, Any]] = []
        with _unless("NotFoundException"), translated("S3 Vectors"):
            pages.append(self._client.list_vectors(**self._where, **options, **place))
        return pages[0] if pages else None

    def write_probe(self, key: str) -> None:
        self._client.put_vectors(**self._where, vectors=[{"key": key, "data": self._probe_vector}])

    def read_probe(self, key: str) -> bool:
        return [vector["key"] for vector in self._client.get_vectors(**self._where, keys=[key])["vectors"]] == [key]

    def search_probe(self, *, hybrid: bool) -> None:
        words = {"queryTexts": [{"text": "probe", "metadataKey": "text"}], "returnMetadata": True} if hybrid else {}
        self._client.query_vectors(**self._where, queryVector=self._probe_vector, topK=1, **words)

    @property
    def _probe_vector(self) -> dict[str, list[float]]:
        return {"float32": [1.0] + [0.0] * (self._dimensions - 1)}

    def search(self, vector: Sequence[float], text: str, limit: int, metadata_filter: Filter | None) -> list[Passage]:
        """The best passages for a question by one hybrid query, best first; at most 100.

        Raises:
            InvalidRequest: when the filter is not one that the index understands.
        """
        words = text[:MAX_QUERY_TEXT]
        query: dict[str, Any] = {
            "topK": min(limit, MAX_TOP_K),
            "queryVector": {"float32": list(vector)},
            "queryTexts": [{"text": words, "metadataKey": key} for key in analysers_for_question(text)],
            "returnMetadata": True,
            "returnScores": True,
        }
        if metadata_filter:
            query["filter"] = dict(metadata_filter)
        try:
            with translated("S3 Vectors"):
                pages = self._client.get_paginator("query_vectors").paginate(**self._where, **query)
                return [_passage(found) for page in pages for found in page["vectors"]]
        except ClientError as error:
            if metadata_filter and error_code(error) == "ValidationException":
                raise InvalidRequest(("filter", "is not a metadata filter that the index understands")) from error
            raise


@contextmanager
def _unless(code: str) -> Iterator[None]:
    """Ignores one error of the service."""
    try:
        yield
    except ClientError as error:
        if error_code(error) != code:
            raise


def _vector(indexed: IndexedChunk) -> dict[str, Any]:
    chunk = indexed.chunk
    metadata: dict[str, Any] = dict(indexed.metadata)
    metadata |= {
        "document_id": indexed.document_id,
        "version": indexed.version,
        "page": chunk.page,
        "language": indexed.language,
        "document_name": indexed.document_name,
        "start": chunk.start,
        "end": chunk.end,
        "page_breaks": " ".join(map(str, chunk.page_breaks)),
        key_for_language(indexed.language): chunk.text_in_context,
    }
    return {
        "key": vector_key(indexed.document_id, indexed.version, chunk.number),
        "data": {"float32": indexed.vector},
        "metadata": metadata,
    }


def _passage(found: dict[str, Any]) -> Passage:
    metadata = found["metadata"]
    scores = found.get("scores", {})
    distance = scores.get("vectorDistance", found.get("distance"))
    words = [entry["score"] for entry in scores.get("bm25Scores", [])]
    start, end = int(metadata["start"]), int(metadata["end"])
    text_in_context = next(metadata[key] for key in TEXT_KEYS if key in metadata)
    text_start = len(text_in_context) - (end - start)
    return Passage(
        document_id=metadata["document_id"],
        version=metadata["version"],
        document_name=metadata["document_name"],
        page=int(metadata["page"]),
        start=start,
        end=end,
        text=text_in_context[text_start:],
        scores=Scores(
            vector=None if distance is None else 1 - distance,
            bm25=max(words, default=None),
            fused=scores.get("fused"),
        ),
        page_breaks=tuple(map(int, metadata["page_breaks"].split())),
        context=text_in_context[:text_start].removesuffix(CONTEXT_SEPARATOR),
    )
