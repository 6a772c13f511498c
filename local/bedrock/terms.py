"""The terms by which a question and a sentence are compared: Korean bigrams, stemmed English words, numbers."""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

_RUN = re.compile(r"[가-힣]+|[a-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*|[぀-ヿ一-鿿]+")
_KOREAN_QUESTION = re.compile(
    r"(?:무엇|누구|언제|어디|어느|어떤|어떻게|얼마나|얼마|며칠|몇|왜|무슨)(?:인가요|입니까|인지|이며|이고|에서|에|을|를|은|는|이|가|의)?"
    r"|(?:뭐|뭔)(?:야|예요|에요|죠|지|가요)?(?=[\s?.,]|$)"
    r"|(?<=\s)수\s?(?:있|없)(?:나요|습니까|는지|을까요|는가요|어요|나|어|는)?(?=[\s?.,]|$)"
    r"|(?:하나요|되나요|있나요|인가요|한가요|나요|가요|까요|습니까|입니까|는가|은가|인가|는지|인지|하나|되나|있나|있어|해요|돼요)(?=[\s?.,]|$)"
    r"|(?:알려|설명해|말해|가르쳐)\s?(?:주세요|줘|주십시오|주시오)?|(?:설명|서술|기술|비교)하(?:시오|세요|라)"
)
_KIND_OF_TEXT = re.compile(
    r"(?:규정|정책|방침|지침|내용|안내|방법|절차|기준|사항|관련|관해|관하여|대해|대하여|대한)(?![가-힣])"
    r"|\b(?:polic(?:y|ies)|rules?|regulations?|information|details?|documents?|procedures?)\b",
    re.IGNORECASE,
)
_PARTICLE = re.compile(r"(?<=[가-힣]{2})(?:에서|으로|부터|까지|에게|은|는|이|가|을|를|의|에|로|와|과|도|만)(?![가-힣])")
_ENGLISH_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and any are as at be been being by can could did do does for from had has have how i if in into is it "
        "its me may might my of on or our shall should so than that the their them then there these they this those to "
        "was we were what when where which who whom whose why will with would you your about tell explain "
        "please much many long s t not no also",
    )
)
_SUFFIXES = (
    "ational",
    "ations",
    "ation",
    "ingly",
    "edly",
    "ings",
    "ing",
    "ies",
    "ied",
    "ness",
    "ment",
    "ed",
    "es",
    "ly",
    "s",
    "e",
)
_SHORTEST_STEM = 3


def terms(text: str) -> list[str]:
    """Returns the terms of a text, in order and with repetitions.

    Korean, kana and Chinese runs give their character bigrams, so that a particle (josa) at the end of a word changes
    one term and not the word; a run of one character is a term itself. English words are stemmed lightly, the commonest
    are left out. Numbers lose their separators of thousands.
    """
    return [term for run in _RUN.findall(text.casefold()) for term in _terms_of_run(run)]


def question_terms(question: str) -> list[str]:
    """Returns the terms of a question without what only makes it a question, unless nothing else is left.

    Particles (josa) at the end of words of three syllables or more are taken off, so that a short question is not
    measured by them. A noun that merely ends like one loses a single bigram. Words such as "rules" or "절차" are left
    out too: they name the kind of text that is looked for, and every manual has them, whatever its subject.
    """
    bare = _PARTICLE.sub("", _KOREAN_QUESTION.sub(" ", question))
    subject = _KIND_OF_TEXT.sub(" ", bare)
    return list(dict.fromkeys(terms(subject) or terms(bare) or terms(question)))


def _terms_of_run(run: str) -> Iterator[str]:
    first = run[0]
    if first.isdigit():
        yield run.replace(",", "")
    elif first.isascii():
        if run not in _ENGLISH_COMMON:
            yield _stem(run)
    elif len(run) == 1:
        yield run
    else:
        yield from (run[index : index + 2] for index in range(len(run) - 1))


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


class TermWeights:
    """How much each term tells, judged by how few of the given texts have it."""

    def __init__(self, texts: Iterable[Collection[str]]) -> None:
        texts = [set(text) for text in texts]
        self._texts_with = Counter(term for text in texts for term in text)
        self._count = len(texts)

    def weight(self, term: str) -> float:
        """Returns the weight of a term, in (0, 1].

        ``log(1 + N/df) / log(1 + N)``: 1 for a term in one text or none, least for a term in all of them; when there is
        one text only, 1 for every term.
        """
        return math.log1p(self._count / max(1, self._texts_with[term])) / math.log1p(max(1, self._count))

    def coverage(self, asked: Collection[str], given: Collection[str]) -> float:
        """Returns the share of the asked terms, by weight, that the given terms have, in [0, 1]."""
        total = sum(self.weight(term) for term in asked)
        return sum(self.weight(term) for term in asked if term in given) / total if total else 0.0
