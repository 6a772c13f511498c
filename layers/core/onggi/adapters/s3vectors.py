"""The tenant's vector index in Amazon S3 Vectors."""

from collections.abc import Sequence
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.domain.chunk import CONTEXT_SEPARATOR, IndexedChunk, Passage, Scores, vector_key
from onggi.domain.errors import InvalidRequest
from onggi.domain.search import analysers_for_question, key_for_language
from onggi.domain.tenant import TenantContext
from onggi.ports.retrieval import Filter

PUT_BATCH: Final = 100
"""PutVectors takes 500 vectors and 20 MiB; 100 of 1,024 numbers with their text stay below 2 MiB of JSON."""
DELETE_BATCH: Final = 500
"""DeleteVectors takes at most so many keys (S3 Vectors API reference)."""
MAX_TOP_K: Final = 100
"""QueryVectors returns at most so many vectors (S3 user guide, "Limitations and restrictions")."""
MAX_QUERY_TEXT: Final = 1024
"""The longest full-text query in characters (S3 Vectors API reference)."""

TEXT_KEYS: Final[dict[str, str | None]] = {"text_ko": "ko", "text_en": "en", "text": None}
"""Searchable metadata keys and the language of their analyser; None is the standard analyser."""
NON_FILTERABLE: Final = [*TEXT_KEYS, "document_name", "start", "end", "page_breaks"]


class S3VectorsProvisioner:
    """Creates the vector indexes of new tenants.

    Args:
        session: the function's own.
        dimensions: of vectors, where a tenant's placement has none recorded.
    """

    def __init__(self, session: AwsSession, dimensions: int) -> None:
        self._session = session
        self._dimensions = dimensions

    def provision(self, tenant: TenantContext) -> None:
        """Creates the tenant's index where it is not there yet."""
        searchable = [
            {"metadataKey": key, "language": language} if language else {"metadataKey": key}
            for key, language in TEXT_KEYS.items()
        ]
        try:
            with translated("S3 Vectors"):
                self._session.client("s3vectors").create_index(
                    vectorBucketName=tenant.placement.vector_bucket,
                    indexName=tenant.placement.index,
                    dataType="float32",
                    dimension=tenant.placement.embedding_dimensions or self._dimensions,
                    distanceMetric="cosine",
                    metadataConfiguration={
                        "nonFilterableMetadataKeys": NON_FILTERABLE,
                        "textSearchConfigurations": searchable,
                    },
                )
        except ClientError as error:
            if error_code(error) != "ConflictException":
                raise


class S3VectorsIndex:
    """One tenant's index."""

    def __init__(self, session: AwsSession, tenant: TenantContext) -> None:
        self._session = session
        self._where = {
            "vectorBucketName": tenant.placement.vector_bucket,
            "indexName": tenant.placement.index,
        }

    def put(self, chunks: Sequence[IndexedChunk]) -> None:
        """Writes chunks; a chunk whose key is there is replaced."""
        for batch in batched(chunks, PUT_BATCH, strict=False):
            with translated("S3 Vectors"):
                self._session.client("s3vectors").put_vectors(
                    **self._where, vectors=[_vector(chunk) for chunk in batch]
                )

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes chunks by key; keys that are not there are no error, nor is an index that is gone itself."""
        try:
            for batch in batched(keys, DELETE_BATCH, strict=False):
                with translated("S3 Vectors"):
                    self._session.client("s3vectors").delete_vectors(**self._where, keys=list(batch))
        except ClientError as error:
            if error_code(error) != "NotFoundException":
                raise

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
                pages = (
                    self._session.client("s3vectors").get_paginator("query_vectors").paginate(**self._where, **query)
                )
                return [_passage(found) for page in pages for found in page["vectors"]]
        except ClientError as error:
            if metadata_filter and error_code(error) == "ValidationException":
                raise InvalidRequest(("filter", "is not a metadata filter that the index understands")) from error
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
