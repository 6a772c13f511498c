r"""Joins Korean words that are broken over two lines without a hyphen.

Korean may be broken between any two syllables: a line break is within a word as often as between words. The document
itself shows which. If its lines keep the blank at which they were broken (`문서 \n처리`), a line end without one is
within a word. If they do not, the grammar and the document's other words decide.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

MAX_VOCABULARY_CHARACTERS: Final = 2_000_000
"""Characters of a document from which its words are collected."""
MAX_HEAD: Final = 6
"""Syllables of the beginnings and ends of words that are compared."""

FULL_LINE: Final = 0.85
"""Share of the usual line width: a shorter line ends with its paragraph, heading or cell."""
USUAL_WIDTH_RANK: Final = 0.8
"""Rank of the line, among those of a page sorted by width, whose width counts as usual."""
MIN_WIDTH: Final = 20
"""Half syllables; narrower lines are cells of tables."""

MIN_PARTICLES: Final = 2
"""Minimum of particles in documents that keep no blanks; one is enough in others."""
PARTICLE_SHARE: Final = 0.05
"""Of the next lines after a full one without blank: where words are broken, 7 to 20 % begin with a lone particle, and
where lines are broken between words under 1 %."""
BLANK_SHARE: Final = 0.1
"""Share of full lines with a final blank: 26 to 41 % if words are broken and blanks are kept."""
MAX_BLANK_SHARE: Final = 0.6
"""The same share is over 90 % if lines are broken between words and blanks are kept."""

_H: Final = "\uac00-\ud7a3"
_CLOSING: Final = r"\w”’」』)\]%·"
_MAY_BE_BROKEN: Final = re.compile(rf"\n[{_H}]")
_END: Final = re.compile(rf"(?:[{_H}]+|[{_CLOSING}])\Z")
_START: Final = re.compile(rf"(?!(?:[가-나라-하][.)]|다\)|제\d))[{_H}]+")
_SENTENCE_START: Final = re.compile(r"(?:또한|다만|그러나|그리고|따라서|한편|또는|위의|아래의)\Z")
_INNER_WORD: Final = re.compile(rf"(?<=[^{_H}\n])[{_H}]+(?=[^{_H}\n])")

_PARTICLE: Final = re.compile(
    r"(?:[를을는은의에와과로]|까지[의는로]?|부터|에[는도]|에서[의는도]?|에게[는서]?|으로(?:서|써|부터|[의는도])?|로(?:서|써|부터)"
    r"|이[며고나다]|이?라고?|라는|입니다|습니다|니다|[였었았]다|들[을이의은]|들에게|으[면며나]|처럼|께서|는[데지])\Z"
)
"""Particles and endings that are never words by themselves."""
_BEFORE_FINAL: Final = frozenset("니한이된있없였았었했됐겠같않는린진간난른온준운")
"""Syllables before the `다` that ends a sentence."""
_STEM_ENDS: Final = frozenset("하되었았였겠됩습있없않으·")
"""Syllables in which a stem ends and hardly ever a word."""
_WORD_ENDS: Final = frozenset("을를은는의이가도만에로와과게록야써며고지서")
"""Syllables in which particles and connecting endings end."""
_VERB: Final = re.compile(
    "(?:하[여고는며지면였게도려자]|한다|합니|했|되[어는고며지었]|된다|됩니|됐|시[키켜킨킬])|[한할함된될됨]\\Z"
)
"""Beginnings of the verb that turns nouns into verbs (`처리` + `하여`)."""


class _Break(NamedTuple):
    """A line break that may be within a word.

    Attributes:
        page: from 0.
        line: number of the line before the break, from 0.
        blank: whether the line ends with a blank.
        first: the Hangul before the break.
        second: the Hangul after it.
    """

    page: int
    line: int
    blank: bool
    first: str
    second: str


class _Vocabulary(NamedTuple):
    """Words of a document, without the first and last ones of lines.

    Attributes:
        heads: how words begin, whole words included.
        tails: how they end.
    """

    words: frozenset[str]
    heads: frozenset[str]
    tails: frozenset[str]


def join_korean(pages: Sequence[str]) -> list[str]:
    r"""Joins words broken at line ends, within each page; lines end with `\n`."""
    broken = {number: page.split("\n") for number, page in enumerate(pages) if _MAY_BE_BROKEN.search(page)}
    breaks = [found for number, lines in broken.items() for found in _breaks(number, lines)]
    within = {(found.page, found.line) for found in _within_words(breaks, pages)}
    return [_joined(number, broken[number], within) if number in broken else page for number, page in enumerate(pages)]


def _joined(page: int, lines: Sequence[str], within: set[tuple[int, int]]) -> str:
    last = len(lines) - 1
    return "".join(
        line if number == last or (page, number) in within else line + "\n" for number, line in enumerate(lines)
    )


def _breaks(page: int, lines: Sequence[str]) -> Iterator[_Break]:
    widths = [_width(line) for line in lines]
    full = max(FULL_LINE * sorted(widths)[int(USUAL_WIDTH_RANK * (len(widths) - 1))], MIN_WIDTH)
    for number, (line, following) in enumerate(pairwise(lines)):
        if widths[number] < full:
            continue
        text = line.rstrip()
        end, start = _END.search(text, text.rfind(" ") + 1), _START.match(following)
        if end and start and _may_follow(end.group(), start.group(), following):
            yield _Break(page, number, len(text) < len(line), end.group(), start.group())


def _may_follow(first: str, second: str, following: str) -> bool:
    """Returns False if the next line begins a sentence, or begins with `다.` as a list number, not as a verb ending."""
    if second == "다" and following[1:2] == ".":
        return first[-1] in _BEFORE_FINAL
    return not _SENTENCE_START.match(second)


def _width(line: str) -> int:
    """Returns the width in half syllables: EUC-KR has one byte for ASCII and two for characters twice as wide."""
    return len(line.rstrip().encode("cp949", "replace"))


def _within_words(breaks: Sequence[_Break], pages: Sequence[str]) -> Iterator[_Break]:
    bare = [found for found in breaks if not found.blank]
    particles = sum(_PARTICLE.match(found.second) is not None for found in bare)
    blanks = len(breaks) - len(bare)
    keeps_blanks = BLANK_SHARE * len(breaks) <= blanks <= MAX_BLANK_SHARE * len(breaks)
    if particles < max(1 if keeps_blanks else MIN_PARTICLES, PARTICLE_SHARE * len(bare)):
        return iter(())
    if keeps_blanks:
        return iter(bare)
    vocabulary = _vocabulary(pages)
    return (found for found in bare if _is_one_word(found.first, found.second, vocabulary))


def _is_one_word(first: str, second: str, vocabulary: _Vocabulary) -> bool:
    """Returns whether two pieces on two lines are one word, in a document that breaks words and keeps no blanks."""
    if _PARTICLE.match(second) or first[-1] in _STEM_ENDS or (second == "다" and first[-1] in _BEFORE_FINAL):
        return True
    words = vocabulary.words
    if first + second in words:
        return not (first in words and second in words)
    if first[-1] in _WORD_ENDS:
        return False
    if _VERB.match(second):
        return True
    return first not in words and _continues(first, second, vocabulary)


def _continues(first: str, second: str, vocabulary: _Vocabulary) -> bool:
    """Returns whether other words begin like both pieces together, or end like the second and never begin like it."""
    words, heads, tails = vocabulary
    return first + second[0] in heads or (second in tails and second not in words and second[:2] not in heads)


def _vocabulary(pages: Iterable[str]) -> _Vocabulary:
    remaining = MAX_VOCABULARY_CHARACTERS
    words: set[str] = set()
    for page in pages:
        if remaining <= 0:
            break
        words.update(_INNER_WORD.findall(page[:remaining]))
        remaining -= len(page)
    return _Vocabulary(
        frozenset(words),
        frozenset(word[:length] for word in words for length in range(1, MAX_HEAD + 1)),
        frozenset(word[-length:] for word in words for length in range(1, MAX_HEAD + 1)),
    )
