"""BM25 scores over the text of one metadata key, kept in memory and updated row by row."""

import math
from array import array
from collections import Counter

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
"""Saturation of term frequency; usual value (Robertson and Zaragoza, `The Probabilistic Relevance Framework`, 2009)."""

B = 0.75
"""Weight of document length; the usual value, same source."""

_FREQUENCY_BITS = 16
_HIGHEST_FREQUENCY = (1 << _FREQUENCY_BITS) - 1
_TERM_BYTES = 300  # a dictionary entry, a short string and an array of their own


class TextIndex:
    """Postings of one searchable key. Rows are only ever added; the caller says which of them still live.

    A posting packs row and term frequency into one integer, so that a term's postings are one contiguous buffer.
    """

    def __init__(self) -> None:
        self._postings: dict[str, array[int]] = {}
        self._lengths = array("q")
        self._posting_count = 0

    @property
    def nbytes(self) -> int:
        """Approximate size in bytes."""
        return self._posting_count * self._lengths.itemsize + len(self._postings) * _TERM_BYTES

    def add(self, row: int, terms: list[str]) -> None:
        """Index the terms of one row; rows come in ascending order, rows without text may be left out."""
        self._lengths.extend([0] * (row - len(self._lengths)))
        self._lengths.append(len(terms))
        frequencies = Counter(terms)
        self._posting_count += len(frequencies)
        for term, frequency in frequencies.items():
            packed = row << _FREQUENCY_BITS | min(frequency, _HIGHEST_FREQUENCY)
            posting = self._postings.get(term)
            if posting is None:
                self._postings[term] = array("q", (packed,))
            else:
                posting.append(packed)

    def scores(self, terms: list[str], alive: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The score of every row for a query; 0 where no term matches or the row is dead.

        A term asked for twice counts twice. The inverse document frequency is ln(1 + (N - n + 0.5) / (n + 0.5)), which
        is never negative.
        """
        scores = np.zeros(len(alive))
        lengths = np.zeros(len(alive))
        lengths[: len(self._lengths)] = np.frombuffer(self._lengths, dtype=np.int64)
        lengths *= alive
        documents = int(np.count_nonzero(lengths))
        if not documents:
            return scores
        damping = K1 * (1 - B + B * lengths / (lengths.sum() / documents))
        for term, times in Counter(terms).items():
            posting = self._postings.get(term)
            if posting is None:
                continue
            packed = np.frombuffer(posting, dtype=np.int64)
            rows = packed >> _FREQUENCY_BITS
            living = alive[rows]
            rows, frequencies = rows[living], (packed & _HIGHEST_FREQUENCY)[living]
            rarity = math.log(1 + (documents - len(rows) + 0.5) / (len(rows) + 0.5))
            scores[rows] += times * rarity * frequencies * (K1 + 1) / (frequencies + damping[rows])
        return scores
