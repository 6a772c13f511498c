"""Cuts text into the sentences, list items and table rows that an answer may quote."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_CHARACTERS = 600
"""A longer stretch without an end is cut at white space: more is no quotation but a page."""

_WRAPPED_SHARE = 0.7
"""A line this full, against the longest of its block, may go on in the next line: page layouts break lines so."""

_WRAPPED_MINIMUM = 25
"""Shorter lines, in characters, are taken for headings or items however full they are."""

_LOOK_AROUND = 24
"""Characters read on either side of a full stop to tell what it ends."""

_CLOSERS = "\"'”’»)\\]」』〉》】"
_END = re.compile(
    rf"(?:[.!?…]+[{_CLOSERS}]*(?=\s))"
    rf"|(?:[。！？]+[{_CLOSERS}]*)"
    r"|(?:(?<=[다요까죠임음함됨])[.!?]+(?=[가-힣]))"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|vs|etc|no|nos|vol|fig|sec|art|inc|ltd|co|corp|dept|approx|e\.g|i\.e|[a-z])|\b[a-z]\.[a-z])$",
    re.IGNORECASE,
)
_NUMBERED_START = re.compile(r"^[\s(]*(?:\d{1,3}|[ivx]{1,4}|[가-하]|[a-z])$", re.IGNORECASE)
_ITEM_START = re.compile(
    r"\s*(?:[-*•·▪○●□■◦※▶►❍󰊱-󰊹]|\(?\d{1,3}[.)]\s|[①-⑳]|[가-하][.)]\s|#{1,6}\s|\||제\s?\d+[조장절])"
)
_FINISHED = re.compile(rf"[.!?。！？…:;][{_CLOSERS}]*\s*$")


@dataclass(frozen=True)
class Sentence:
    """A stretch of text that can be quoted: ``text[start:end]`` of the text it was cut from."""

    text: str
    start: int
    end: int


def split_sentences(text: str) -> list[Sentence]:
    """Cuts a text into sentences.

    A sentence ends at Korean, English and CJK closing punctuation, not after an abbreviation, a list number or within
    a date such as ``2026. 3. 1.``; at a line break, unless the line is full and unfinished, as in wrapped pages; and
    after ``MAX_CHARACTERS``. White space around a sentence belongs to none.

    Returns:
        The sentences in order, each an exact span of the text.
    """
    return [
        sentence
        for line_start, line_end in _logical_lines(text)
        for start, end in _ends(text, line_start, line_end)
        for sentence in _trimmed(text, start, end)
    ]


def _logical_lines(text: str) -> Iterator[tuple[int, int]]:
    lines = [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text)]
    longest = max((end - start for start, end in lines), default=0)
    begin: int | None = None
    for position, (start, end) in enumerate(lines):
        begin = start if begin is None else begin
        following = lines[position + 1] if position + 1 < len(lines) else None
        if following and _runs_on(text, (start, end), following, longest):
            continue
        yield begin, end
        begin = None


def _runs_on(text: str, line: tuple[int, int], following: tuple[int, int], longest: int) -> bool:
    start, end = line
    here, after = text[start:end], text[slice(*following)]
    adjacent = following[0] == end + 1
    full = end - start >= max(_WRAPPED_MINIMUM, _WRAPPED_SHARE * longest)
    tabular = "|" in here or "\t" in here
    return adjacent and full and not tabular and not _FINISHED.search(here) and not _ITEM_START.match(after)


def _ends(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    begin = start
    for match in _END.finditer(text, start, end):
        if match.group() == "." and _is_inner(text, begin, match.start(), end):
            continue
        yield begin, match.end()
        begin = match.end()
    yield begin, end


def _is_inner(text: str, begin: int, stop: int, end: int) -> bool:
    """Tells whether the full stop at a position belongs to a date, a list number or an abbreviation."""
    before = text[max(begin, stop - _LOOK_AROUND) : stop]
    after = text[stop + 1 : min(end, stop + _LOOK_AROUND)].lstrip()
    *earlier, last = before.split() or [""]
    dated = last.isdigit() and (after[:1].isdigit() or (bool(earlier) and earlier[-1].endswith(".")))
    numbered = stop - begin < _LOOK_AROUND and bool(_NUMBERED_START.match(before))
    return dated or numbered or bool(_ABBREVIATION.search(before))


def _trimmed(text: str, start: int, end: int) -> Iterator[Sentence]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    while end - start > MAX_CHARACTERS:
        cut = text.rfind(" ", start + 1, start + MAX_CHARACTERS)
        cut = cut if cut > start else start + MAX_CHARACTERS
        yield from _trimmed(text, start, cut)
        start = cut
        while start < end and text[start].isspace():
            start += 1
    if end > start and any(character.isalnum() for character in text[start:end]):
        yield Sentence(text[start:end], start, end)
