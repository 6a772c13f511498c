"""The operations on the vectors of an index."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from local.s3vectors.arns import Caller, requested_index
from local.s3vectors.buckets import INDEX_MODE
from local.s3vectors.database import Database
from local.s3vectors.errors import invalid
from local.s3vectors.filters import parse_filter
from local.s3vectors.memory import IndexCache
from local.s3vectors.metadata import check_metadata
from local.s3vectors.records import Index, Vector
from local.s3vectors.search import Hit, Query, search
from local.s3vectors.tokens import next_token, position_in

MAX_TOP_K = 100
"""Results of QueryVectors, by the S3 user guide ("Limitations and restrictions"); the service model has no bound."""

QUERY_PAGE = 100
"""Results of one answer to QueryVectors, the rest by `nextToken`. AWS does not say how many it returns."""

LIST_PAGE = 500
"""Vectors of one answer to ListVectors if the request sets no `maxResults`, by the service model."""

LIST_PAGE_BYTES = 1_000_000
"""Size of the vectors read for one answer to ListVectors after which it stops early, by the service model (1 MB)."""


class VectorOperations:
    """Answers the operations whose names its `handlers` give; each takes validated parameters and the caller."""

    def __init__(self, database: Database, cache: IndexCache) -> None:
        self._database = database
        self._cache = cache
        self.handlers = {
            "PutVectors": self.put,
            "GetVectors": self.get,
            "ListVectors": self.list,
            "DeleteVectors": self.delete,
            "QueryVectors": self.query,
        }

    def put(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Write vectors, all or none, replacing those whose keys exist."""
        entries = parameters["vectors"]
        _refuse_duplicates("/vectors", [entry["key"] for entry in entries])
        with self._cache.locked(requested_index(parameters, caller)) as slot:
            vectors = [_vector(position, entry, slot.index) for position, entry in enumerate(entries)]
            self._database.put_vectors(slot.index.id, vectors)
            if slot.loaded is not None:
                slot.loaded.put(vectors)
        return {}

    def get(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """The vectors with these keys, in their order; keys that do not exist are left out."""
        keys = parameters["keys"]
        _refuse_duplicates("/keys", keys)
        with self._cache.locked(requested_index(parameters, caller)) as slot:
            found = self._database.vectors(slot.index.id, keys)
        return {"vectors": [_described(found[key], parameters) for key in keys if key in found]}

    def list(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """One page of an index's vectors, oldest first, of one segment if the request asks for one."""
        count, segment = parameters.get("segmentCount"), parameters.get("segmentIndex")
        if (count is None) != (segment is None):
            raise invalid("/segmentIndex", "segmentCount and segmentIndex must be given together")
        if count is not None and segment >= count:
            raise invalid("/segmentIndex", "segmentIndex must be less than segmentCount")
        limit = parameters.get("maxResults", LIST_PAGE)
        after = position_in("ListVectors", parameters, 0)
        with self._cache.locked(requested_index(parameters, caller)) as slot:
            vectors = self._database.page_of_vectors(slot.index.id, after, (segment or 0, count or 1), limit + 1)
        size, taken = 0, 0
        while taken < min(limit, len(vectors)) and size <= LIST_PAGE_BYTES:
            size += _size(vectors[taken])
            taken += 1
        page: dict[str, Any] = {"vectors": [_described(vector, parameters) for vector in vectors[:taken]]}
        if taken < len(vectors):
            page["nextToken"] = next_token("ListVectors", parameters, vectors[taken - 1].id)
        return page

    def delete(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete vectors; keys that do not exist are ignored."""
        keys = parameters["keys"]
        _refuse_duplicates("/keys", keys)
        with self._cache.locked(requested_index(parameters, caller)) as slot:
            self._database.delete_vectors(slot.index.id, keys)
            if slot.loaded is not None:
                slot.loaded.delete(keys)
        return {}

    def query(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """The vectors nearest to a vector, most relevant to texts, or both."""
        start = position_in("QueryVectors", parameters, 0)
        with self._cache.locked(requested_index(parameters, caller)) as slot:
            query = _query(parameters, slot.index)
            hits = search(self._cache.searchable(slot), query)
            page = hits[start : start + QUERY_PAGE]
            found = (
                self._database.vectors(slot.index.id, [hit.key for hit in page])
                if parameters.get("returnMetadata")
                else {}
            )
        answer: dict[str, Any] = {
            "vectors": [_result(hit, found.get(hit.key), parameters) for hit in page],
            "distanceMetric": slot.index.metric,
        }
        if start + QUERY_PAGE < len(hits):
            answer["nextToken"] = next_token("QueryVectors", parameters, start + QUERY_PAGE)
        return answer


def _refuse_duplicates(path: str, keys: Sequence[str]) -> None:
    if len(set(keys)) != len(keys):
        raise invalid(path, "A request can name each vector key only once")


def _vector(position: int, entry: dict[str, Any], index: Index) -> Vector:
    metadata = entry.get("metadata")
    return Vector(
        key=entry["key"],
        metadata=None if metadata is None else check_metadata(position, entry["key"], metadata, index.non_filterable),
        data=_floats(
            f"/vectors/{position}/data", f"Invalid record for key '{entry['key']}'", entry["data"], index
        ).tobytes(),
    )


def _floats(path: str, subject: str, data: dict[str, Any], index: Index) -> NDArray[np.float32]:
    """The values as float32, which is what AWS keeps, if they are fit for the index."""
    values = data["float32"]
    if len(values) != index.dimension:
        raise invalid(path, f"{subject}: vector must have {index.dimension} dimensions, but has {len(values)}")
    try:
        with np.errstate(over="ignore"):  # what overflows becomes infinite and is refused below
            floats = np.array(values, dtype=np.float64).astype("<f4")
    except OverflowError as error:
        raise invalid(path, f"{subject}: vector has a value beyond the range of float32") from error
    if not np.isfinite(floats).all():
        raise invalid(path, f"{subject}: vector must contain only finite float32 values, no NaN or Infinity")
    if index.metric == "cosine" and not floats.any():
        raise invalid(path, f"{subject}: a zero vector has no direction, so the cosine metric does not allow it")
    return floats


def _query(parameters: dict[str, Any], index: Index) -> Query:
    vector, entries = parameters.get("queryVector"), parameters.get("queryTexts", [])
    if vector is None and not entries:
        raise invalid("/queryVector", "A request must include queryVector, queryTexts, or both")
    if parameters["topK"] > MAX_TOP_K:
        raise invalid("/topK", f"topK must be less than or equal to {MAX_TOP_K}")
    if parameters.get("queryMode", INDEX_MODE) != INDEX_MODE:
        raise invalid("/queryMode", "You can't specify CLASSIC for an ENHANCED index")
    texts: dict[str, str] = {}
    for position, entry in enumerate(entries):
        key = entry["metadataKey"]
        if key in texts:
            raise invalid(f"/queryTexts/{position}/metadataKey", f"The metadata key '{key}' can appear only once")
        if key not in index.searchable:
            raise invalid(
                f"/queryTexts/{position}/metadataKey", f"The metadata key '{key}' has no text search configuration"
            )
        texts[key] = entry["text"]
    return Query(
        top_k=parameters["topK"],
        vector=None if vector is None else _floats("/queryVector", "Invalid query vector", vector, index),
        texts=texts,
        filter=parse_filter(parameters["filter"], index.non_filterable) if "filter" in parameters else None,
    )


def _described(vector: Vector, parameters: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"key": vector.key}
    if parameters.get("returnData"):
        described["data"] = {"float32": np.frombuffer(vector.data, dtype="<f4").tolist()}
    if parameters.get("returnMetadata") and vector.metadata is not None:
        described["metadata"] = json.loads(vector.metadata)
    return described


def _result(hit: Hit, stored: Vector | None, parameters: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {"key": hit.key}
    if parameters.get("returnDistance") and hit.distance is not None:
        result["distance"] = hit.distance
    if parameters.get("returnScores") and "queryTexts" in parameters:
        scores: dict[str, Any] = {}
        if hit.bm25:
            scores["bm25Scores"] = [{"metadataKey": key, "score": score} for key, score in hit.bm25.items()]
        if hit.fused is not None:
            scores["fused"] = hit.fused
            if hit.distance is not None:
                scores["vectorDistance"] = hit.distance
        result["scores"] = scores
    if stored is not None and stored.metadata is not None:
        result["metadata"] = json.loads(stored.metadata)
    return result


def _size(vector: Vector) -> int:
    return len(vector.data) + len(vector.key.encode()) + len((vector.metadata or "").encode())
