"""Texts for tests of the splitter, made of random words."""

import random

from onggi.domain.document import ExtractedText, HeadingSpan, TableSpan
from onggi.steps.ingestion.chunk_text import chunks_of
from splitter import RecursiveSplitter

WORDS = [
    "계약은",
    "보증금을",
    "반환한다.",
    "임대인",
    "the",
    "deposit",
    "is",
    "returned.",
    "제1조",
    "(a)",
    "값",
    "terms,",
]


def plain(text: str) -> ExtractedText:
    return ExtractedText(text, (0,), "en")


def sectioned(*sections: tuple[str, str]) -> ExtractedText:
    """Returns a text of sections with Markdown titles, with their headings."""
    text, headings = "", []
    for title, body in sections:
        headings.append(HeadingSpan(len(text), len(text) + len(title), title.index(" ")))
        text += f"{title}\n\n{body}\n\n"
    return ExtractedText(text.strip(), (0,), "ko", headings=tuple(headings))


def with_table(before: str, header: str, rows: list[str], after: str = "") -> ExtractedText:
    table = TableSpan(len(before), len(before + header) + sum(map(len, rows)), len(before + header))
    return ExtractedText(before + header + "".join(rows) + after, (0,), "ko", tables=(table,))


def texts_of(extracted: ExtractedText, *sizes: int) -> list[str]:
    return [chunk.text for chunk in chunks_of(extracted, RecursiveSplitter(*sizes))]


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same numbers every time are what a test needs


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choice(WORDS) + str(chance.randrange(1000)) for _ in range(chance.randint(4, 15))) + "."


def paragraph(chance: random.Random) -> str:
    return " ".join(sentence(chance) for _ in range(chance.randint(2, 8)))
