"""Answers a question by quoting the sentences of the search results that answer it best, or says that none does."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from local.bedrock.conversation import SearchResult
from local.bedrock.sentences import Sentence, split_sentences
from local.bedrock.terms import TermWeights, question_terms, terms
from local.bedrock.text_model import Vector, cosine

type Embed = Callable[[Sequence[str]], list[Vector]]

MAX_QUOTES = 3

SHORTLIST = 12
"""Sentences that are embedded: those that share most with the question. Eight or twenty chose no better."""

WEIGHT_OF_OWN_TERMS = 0.45
"""Weight of the share of the question's terms that the sentence has."""

WEIGHT_OF_CONTEXT_TERMS = 0.20
"""Weight of the share that its whole search result has: a sentence leaves out what its heading or neighbour says."""

WEIGHT_OF_MEANING = 0.35
"""Weight of the cosine between question and sentence, spread from ``LEAST_COSINE`` to ``MOST_COSINE`` over [0, 1]."""

LEAST_COSINE = 0.78
"""Cosine of sentences that have nothing to do with the question: the model's cosines are compressed."""

MOST_COSINE = 0.92
"""Cosine of sentences that say what the question says."""

ADMISSION = 0.45
"""Least score of the best sentence for there to be an answer.

Measured on four development sets (KorQuAD, MS MARCO in Korean and in English, a set of Korean finance and public sector
PDFs), 45 questions each, eight passages a question; the share of the questions that are answered:

========= ==================== ======================================== ======================
threshold right passage and    the eight nearest, the right one taken   eight passages on
          the seven nearest    out                                      other topics
========= ==================== ======================================== ======================
0.40      .98                  .53                                      .00
**0.45**  **.94**              **.36**                                  **.00**
0.50      .87                  .23                                      .00
0.55      .81                  .14                                      .00
========= ==================== ======================================== ======================

So recall is .94, and where each of the three kinds is as frequent, the precision of being answered is .72. The nearest
passages were taken by shared terms, which makes them the hardest there are, and some of them do answer. No passage on
another topic scored above 0.30. A question in one language on documents in another shares no terms with them and is
mostly refused: by cosine alone the right passage (median .815) is not told from a wrong one (up to .824).
"""

NEAR_BEST = 0.80
"""A further sentence is quoted when its score is at least this share of the best one.

On KorQuAD the quotations, two on average, hold the answer to .93 of the questions that are answered.
"""


_HEADING = re.compile(r"#{1,6}\s")  # it names what follows and says nothing itself


@dataclass(frozen=True)
class Quote:
    """A sentence to quote: ``result.blocks[block][sentence.start:sentence.end]``, and how well it fits, in [0, 1]."""

    result: SearchResult
    block: int
    sentence: Sentence
    score: float


@dataclass(frozen=True)
class _Candidate:
    result: SearchResult
    block: int
    sentence: Sentence

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset(terms(self.sentence.text))


def choose_quotes(question: str, results: Sequence[SearchResult], embed: Embed) -> list[Quote]:
    """Picks the sentences that answer the question, best first.

    Returns:
        At most ``MAX_QUOTES`` quotes, no text twice; none when no sentence is good enough to be an answer.
    """
    scored = score_sentences(question, results, embed)
    if not scored or scored[0].score < ADMISSION:
        return []
    near = [quote for quote in scored if quote.score >= NEAR_BEST * scored[0].score]
    distinct = {quote.sentence.text: quote for quote in reversed(near)}
    return [quote for quote in near if distinct[quote.sentence.text] is quote][:MAX_QUOTES]


def score_sentences(question: str, results: Sequence[SearchResult], embed: Embed) -> list[Quote]:
    """Scores the sentences nearest to the question, best first; equals keep the order of the results."""
    candidates = [
        _Candidate(result, block, sentence)
        for result in results
        for block, text in enumerate(result.blocks)
        for sentence in split_sentences(text)
        if not _HEADING.match(sentence.text)
    ]
    if not candidates:
        return []
    asked = question_terms(question)
    weights = TermWeights(candidate.terms for candidate in candidates)
    context = {result.index: weights.coverage(asked, _terms_of(result)) for result in results}
    own = {id(candidate): weights.coverage(asked, candidate.terms) for candidate in candidates}

    def shared(candidate: _Candidate) -> float:
        return WEIGHT_OF_OWN_TERMS * own[id(candidate)] + WEIGHT_OF_CONTEXT_TERMS * context[candidate.result.index]

    shortlist = sorted(candidates, key=shared, reverse=True)[:SHORTLIST]
    asked_vector, *vectors = embed([question, *(candidate.sentence.text for candidate in shortlist)])
    quotes = [
        Quote(
            candidate.result,
            candidate.block,
            candidate.sentence,
            shared(candidate) + WEIGHT_OF_MEANING * _meaning(cosine(asked_vector, vector)),
        )
        for candidate, vector in zip(shortlist, vectors, strict=True)
    ]
    return sorted(quotes, key=lambda quote: quote.score, reverse=True)


def is_korean(text: str) -> bool:
    """Tells whether the text holds Hangul: such a question is answered in Korean, every other one in English."""
    return bool(re.search(r"[가-힣ㄱ-ㅎㅏ-ㅣ]", text))


def _terms_of(result: SearchResult) -> frozenset[str]:
    return frozenset(term for text in (result.title, *result.blocks) for term in terms(text))


def _meaning(similarity: float) -> float:
    return min(1.0, max(0.0, (similarity - LEAST_COSINE) / (MOST_COSINE - LEAST_COSINE)))
