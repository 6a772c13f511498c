"""Counts which part of a document is embedded again after an edit, through all steps."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from onggi.domain.chunk import vector_key
from onggi.domain.document import DocumentVersion, ExtractedText, HeadingSpan, TableSpan, document_id_of
from onggi.domain.money import ModelPrice
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.chunk_text import chunk_text, chunks_of
from onggi.steps.ingestion.embed_chunks import EmbeddingModel, embed_chunks
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import publish_document
from splitter import RecursiveSplitter
from tests.unit.core.fakes import DIMENSIONS, FakeTenant, try_of

MODEL = EmbeddingModel("titan", DIMENSIONS, ModelPrice(Decimal(1)))
KOREAN = [
    "임차인은",
    "보증금을",
    "계약이",
    "끝난",
    "날에",
    "반환하며",
    "갱신할",
    "때에는",
    "서면으로",
    "알린다",
    "목적물",
    "수선",
    "의무",
    "비용",
]
ENGLISH = [
    "the",
    "tenant",
    "returns",
    "a",
    "deposit",
    "on",
    "day",
    "of",
    "expiry",
    "and",
    "gives",
    "notice",
    "in",
    "writing",
    "before",
    "renewal",
    "costs",
]
VOCABULARIES = {"ko": KOREAN, "en": ENGLISH}
PAGES = 300
SHARE = 0.03


class Workflow:
    """Ingests one version of one document after another."""

    def __init__(self) -> None:
        self.acme = FakeTenant()
        self._versions = 0

    def ingest(self, extracted: ExtractedText) -> tuple[int, int]:
        """Answers how many chunks the version has and how many texts it had embedded."""
        acme, key = self.acme, self.acme.context.prefix + "a.txt"
        self._versions += 1
        document = DocumentVersion(
            document_id_of(acme.context, key),
            key,
            "a.txt",
            f"v{self._versions}",
            f"{self._versions:064}",
            1,
            "text/plain",
            "2026-11-21T09:00:00Z",
        )
        before = len(acme.embedder.embedded)
        acme.ledger.claim(document, f"e{self._versions}")
        VersionArtifacts(acme.artifacts, document.document_id, document.version).write_text(extracted)
        chunking = chunk_text(document, acme.ports, RecursiveSplitter(), "artifacts")
        for batch in range(chunking.batches):
            embed_chunks(acme.context, document, try_of(batch), acme.ports, MODEL)
            index_chunks(document, batch, acme.ports)
        publish_document(acme.context, document, PublishedFacts(1, chunking.chunks, 1, "ko"), acme.ports)
        keys = {vector_key(document.document_id, document.version, number) for number in range(chunking.chunks)}
        assert set(acme.index.vectors) == keys
        for indexed in acme.index.vectors.values():
            assert extracted.text[indexed.chunk.start : indexed.chunk.end] == indexed.chunk.text
        return chunking.chunks, len(acme.embedder.embedded) - before


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same numbers every time are what a test needs


def sentence(chance: random.Random, words: Sequence[str]) -> str:
    return " ".join(chance.choice(words) for _ in range(chance.randint(6, 18))) + "."


def page(chance: random.Random, words: Sequence[str]) -> str:
    paragraphs: list[str] = []
    while sum(map(len, paragraphs)) < 2000:
        paragraphs.append(" ".join(sentence(chance, words) for _ in range(chance.randint(2, 8))))
    return "\n\n".join(paragraphs)


def wrapped(chance: random.Random, words: Sequence[str]) -> str:
    """Returns a page as in a PDF: lines of one length, no paragraphs."""
    text = " ".join(sentence(chance, words) for _ in range(30))
    return "\n".join(text[at : at + 60] for at in range(0, len(text), 60))


def unpunctuated(chance: random.Random, words: Sequence[str]) -> str:
    return " ".join(chance.choice(words) for _ in range(400))


def of_pages(pages: Sequence[str]) -> ExtractedText:
    starts = [0]
    for text in pages[:-1]:
        starts.append(starts[-1] + len(text) + 2)
    return ExtractedText("\n\n".join(pages), tuple(starts), "ko")


@pytest.mark.parametrize("language", VOCABULARIES)
@pytest.mark.parametrize("made", [page, wrapped, unpunctuated])
def test_an_edited_page_is_embedded_and_no_other(language: str, made: Callable[..., str]) -> None:
    chance, words = seeded(1), VOCABULARIES[language]
    pages = [made(chance, words) for _ in range(PAGES)]
    at = 40
    edits = {
        "words": [*pages[:at], pages[at].replace(words[0], "달라진 낱말", 3), *pages[at + 1 :]],
        "page added": [*pages[:at], made(chance, words), *pages[at:]],
        "page removed": [*pages[:at], *pages[at + 1 :]],
    }
    for name, edited in edits.items():
        workflow = Workflow()
        chunks, embedded = workflow.ingest(of_pages(pages))
        assert 0.9 * chunks < embedded <= chunks
        chunks, embedded = workflow.ingest(of_pages(edited))
        assert 0 < embedded < SHARE * chunks, name


def table(rows: Sequence[str]) -> ExtractedText:
    header = "번호 | 이름 | 금액\n"
    text = header + "\n".join(rows)
    return ExtractedText(text, (0,), "ko", tables=(TableSpan(0, len(text), len(header)),))


def test_an_edited_row_is_embedded_with_its_neighbours_only() -> None:
    chance = seeded(2)
    rows = [f"{number} | {chance.choice(KOREAN)} | {chance.randrange(10**6)}" for number in range(5000)]
    workflow = Workflow()
    workflow.ingest(table(rows))
    rows[1234] = "1234 | 달라진 이름이 여기에 있다 | 7"
    chunks, embedded = workflow.ingest(table(rows))
    assert 0 < embedded < SHARE * chunks


def sections(titles: Sequence[str], bodies: Sequence[str]) -> ExtractedText:
    text, headings = "", []
    for title, body in zip(titles, bodies, strict=True):
        headings.append(HeadingSpan(len(text), len(text) + len(title), 1 if title.startswith("제") else 2))
        text += f"{title}\n\n{body}\n\n"
    return ExtractedText(text.strip(), (0,), "ko", headings=tuple(headings))


def test_a_renamed_heading_embeds_its_section_only() -> None:
    chance = seeded(3)
    titles = [f"제{number}장" if number % 5 == 0 else f"{number}절" for number in range(200)]
    bodies = [page(chance, KOREAN) for _ in titles]
    workflow = Workflow()
    workflow.ingest(sections(titles, bodies))
    before = len(workflow.acme.embedder.embedded)
    titles[52] = "이름이 달라진 절"
    workflow.ingest(sections(titles, bodies))
    again = workflow.acme.embedder.embedded[before:]
    assert len(again) > 1
    assert [text for text in again if "이름이 달라진 절" not in text] == []


def test_a_renamed_chapter_embeds_its_sections_only() -> None:
    chance = seeded(4)
    titles = [f"제{number}장" if number % 5 == 0 else f"{number}절" for number in range(50)]
    bodies = [page(chance, ENGLISH) for _ in titles]
    workflow = Workflow()
    workflow.ingest(sections(titles, bodies))
    before = len(workflow.acme.embedder.embedded)
    titles[10] = "제10장 이름이 달라진 장"
    workflow.ingest(sections(titles, bodies))
    again = workflow.acme.embedder.embedded[before:]
    assert {title for title in titles if any(title in text for text in again)} >= set(titles[10:15])
    assert [text for text in again if titles[10] not in text] == []


@pytest.mark.parametrize("distinct", [1, 31, 32, 96])
def test_repeated_text_of_a_document_is_embedded_once(distinct: int) -> None:
    chance = seeded(5)
    said = [sentence(chance, KOREAN) * 12 for _ in range(distinct)]
    texts = [chance.choice(said) for _ in range(distinct * 5)]
    starts = [sum(len(text) + 2 for text in texts[:number]) for number in range(len(texts))]
    headings = tuple(HeadingSpan(start, start, 1) for start in starts)
    workflow = Workflow()
    repeated = replace(of_pages(texts), headings=headings)
    chunks, embedded = workflow.ingest(repeated)
    once = len({chunk.text for chunk in chunks_of(repeated, RecursiveSplitter())})
    assert embedded == len(set(workflow.acme.embedder.embedded)) == once
    assert chunks > once


def test_batches_are_bounded_however_often_a_text_is_repeated() -> None:
    line = "같은 문장을 되풀이하는 문서이다. " * 20
    headings = tuple(HeadingSpan(number * len(line), number * len(line), 1) for number in range(2048))
    workflow = Workflow()
    extracted = ExtractedText(line * len(headings), (0,), "ko", headings=headings)
    assert workflow.ingest(extracted) == (len(headings), 2)
