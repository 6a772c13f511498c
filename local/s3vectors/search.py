"""Ranks the vectors of a loaded index: by distance, by BM25, or by both fused."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from local.s3vectors.analyzers import analyzer_for
from local.s3vectors.filters import Filter
from local.s3vectors.memory import LoadedIndex, unit

RRF_K = 60
"""The constant of reciprocal rank fusion: score = sum of 1 / (60 + rank) (Cormack, Clarke and Büttcher, SIGIR 2009)."""

MIN_FUSION_DEPTH = 100
"""How many of each ranking a hybrid search fuses, or topK if that is more. AWS does not say how deep it looks."""

_BLOCK_ROWS = 1024  # differences of so many rows stay in the processor's cache


@dataclass(frozen=True)
class Query:
    """What to search for: a vector, texts by searchable key, or both; only among vectors that match `filter`."""

    top_k: int
    vector: NDArray[np.float32] | None = None
    texts: dict[str, str] = field(default_factory=dict)
    filter: Filter | None = None


@dataclass(frozen=True)
class Hit:
    """One result: `fused` after a hybrid search, `distance` if the vector search found it, `bm25` of matching keys."""

    key: str
    distance: float | None = None
    fused: float | None = None
    bm25: dict[str, float] = field(default_factory=dict)


def search(loaded: LoadedIndex, query: Query) -> list[Hit]:
    """The best `top_k` results, best first; ties in the order of their keys."""
    candidates = loaded.alive
    if query.filter is not None:
        candidates = candidates & loaded.columns.mask(query.filter, len(loaded.keys))
    hybrid = query.vector is not None and bool(query.texts)
    depth = max(query.top_k, MIN_FUSION_DEPTH) if hybrid else query.top_k
    distances = _distances(loaded, query.vector) if query.vector is not None else np.empty(0)
    nearest = _best(distances, np.flatnonzero(candidates), loaded.keys, depth) if query.vector is not None else []
    scores = {key: _text_scores(loaded, key, text, candidates) for key, text in query.texts.items()}
    fused: dict[int, float] = {}
    if hybrid:
        matching = [_best(-score, np.flatnonzero(score), loaded.keys, depth) for score in scores.values()]
        fused = _fused([nearest, *matching])
        rows = sorted(fused, key=lambda row: (-fused[row], loaded.keys[row]))[: query.top_k]
    elif query.texts:
        total = np.sum(list(scores.values()), axis=0)
        rows = _best(-total, np.flatnonzero(total), loaded.keys, depth)
    else:
        rows = nearest
    found_near = set(nearest)
    return [
        Hit(
            key=loaded.keys[row],
            distance=float(distances[row]) if row in found_near else None,
            fused=fused.get(row),
            bm25={key: float(score[row]) for key, score in scores.items() if score[row] > 0},
        )
        for row in rows
    ]


def _distances(loaded: LoadedIndex, vector: NDArray[np.float32]) -> NDArray[np.float64]:
    """Cosine distance (1 - cosine, 0 to 2) or Euclidean distance of every row, dead ones included."""
    matrix = loaded.matrix
    if loaded.index.metric == "cosine":
        return np.clip(1 - (matrix @ unit(vector)).astype(np.float64), 0, 2)
    squares = np.empty(len(matrix))
    for start in range(0, len(matrix), _BLOCK_ROWS):
        difference = matrix[start : start + _BLOCK_ROWS].astype(np.float64) - vector
        squares[start : start + _BLOCK_ROWS] = np.einsum("ij,ij->i", difference, difference)
    return np.sqrt(squares)


def _text_scores(loaded: LoadedIndex, key: str, text: str, candidates: NDArray[np.bool_]) -> NDArray[np.float64]:
    """BM25 of every candidate row, with statistics over the whole index; 0 where nothing matches."""
    terms = analyzer_for(loaded.index.searchable[key])(text)
    return loaded.text(key).scores(terms, loaded.alive) * candidates


def _best(costs: NDArray[np.float64], rows: NDArray[np.intp], keys: Sequence[str], limit: int) -> list[int]:
    """The `limit` rows that cost least, cheapest first, ties in the order of keys."""
    if len(rows) > limit:
        threshold = np.partition(costs[rows], limit - 1)[limit - 1]
        rows = rows[costs[rows] <= threshold]
    ranked: list[int] = sorted(rows.tolist(), key=lambda row: (costs[row], keys[row]))
    return ranked[:limit]


def _fused(rankings: list[list[int]]) -> dict[int, float]:
    fused: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            fused[row] = fused.get(row, 0.0) + 1 / (RRF_K + rank)
    return fused
