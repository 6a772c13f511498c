import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitter import MAX_BYTES, RecursiveSplitter

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

STRUCTURED = st.lists(
    st.one_of(
        st.sampled_from(
            [*WORDS, "\n", "\n\n", "\n\n\n", "# 제목\n", "\n## Heading\n\n", " ", "  \t", "。", "끝！", "x" * 300]
        ),
        st.text(max_size=30),
    ),
    max_size=300,
).map(" ".join)

ANY_TEXT = st.one_of(st.text(), STRUCTURED, STRUCTURED.map(lambda text: text * 7))


def chunks(splitter: RecursiveSplitter, text: str) -> list[str]:
    return [text[start:end] for start, end in splitter.spans(text)]


def seeded(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same numbers every time are what a test needs


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choice(WORDS) + str(chance.randrange(1000)) for _ in range(chance.randint(4, 15))) + "."


def paragraph(chance: random.Random) -> str:
    return " ".join(sentence(chance) for _ in range(chance.randint(2, 8)))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(ANY_TEXT, st.sampled_from([(800, 100), (800, 0), (64, 16), (200, 50), (2048, 512)]))
@example("", (800, 100))
@example(" \n" * 3000, (64, 16))
@example("가" * 5000, (2048, 512))
@example("😀" * 5000, (2048, 512))
def test_spans_are_exact_bounded_and_complete(text: str, sizes: tuple[int, int]) -> None:
    size, overlap = sizes
    splitter = RecursiveSplitter(size, overlap)
    spans = splitter.spans(text)
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert end - start <= size
        assert len(text[start:end].encode()) <= MAX_BYTES
    for (start, end), (next_start, next_end) in pairwise(spans):
        assert start < next_start
        assert end < next_end
        assert end - next_start <= overlap
        assert not text[end:next_start].strip()
    assert not text[: spans[0][0] if spans else len(text)].strip()
    assert not text[spans[-1][1] if spans else 0 :].strip()
    assert splitter.spans(text) == spans


def test_a_short_text_is_one_chunk_without_its_margins() -> None:
    assert RecursiveSplitter().spans("\n\n 짧은 글이다. \n") == [(3, 10)]


@pytest.mark.parametrize("blank", ["", " ", "\n" * 5000, "\u3000\t \n" * 1000])
def test_a_blank_text_has_no_chunks(blank: str) -> None:
    assert RecursiveSplitter().spans(blank) == []


def test_chunks_begin_at_headings() -> None:
    chance = seeded(1)
    sections = [f"## 제{number}장\n\n" + (paragraph(chance) * 5)[:450] for number in range(12)]
    found = chunks(RecursiveSplitter(), "\n\n".join(sections))
    assert found == [section.strip() for section in sections]


def test_a_short_section_does_not_run_into_the_next() -> None:
    chance = seeded(5)
    sections = [f"## {number}\n\n" + (paragraph(chance) * 9)[: 650 if number % 2 else 250] for number in range(12)]
    found = chunks(RecursiveSplitter(), "\n\n".join(sections))
    assert found == [section.strip() for section in sections]


def test_chunks_end_with_paragraphs_where_they_can() -> None:
    chance = seeded(2)
    paragraphs = [paragraph(chance)[:250].strip() for _ in range(60)]
    found = chunks(RecursiveSplitter(overlap=0), "\n\n".join(paragraphs))
    assert "\n\n".join(found) == "\n\n".join(paragraphs)
    assert all(set(chunk.split("\n\n")) <= set(paragraphs) for chunk in found)


@pytest.mark.parametrize(
    "sentence",
    [
        "임차인은 보증금을 반환받는다. ",
        "The deposit is returned. ",
        "保証金を返還する。",
        "정말 그렇습니까? ",
        "(참고한다.) ",
    ],
)
def test_chunks_end_with_sentences_where_they_can(sentence: str) -> None:
    found = chunks(RecursiveSplitter(), sentence * 400)
    assert len(found) > 3
    assert {chunk[-2:] for chunk in found} == {sentence.strip()[-2:]}


def test_chunks_end_with_long_sentences_rather_than_within() -> None:
    chance = seeded(6)
    text = " ".join(" ".join(f"낱말{chance.randrange(100)}" for _ in range(40)) + "." for _ in range(100))
    assert {chunk[-1] for chunk in chunks(RecursiveSplitter(), text)} == {"."}


def test_chunks_never_cut_a_word_that_fits() -> None:
    chance = seeded(3)
    words = ["낱말" * chance.randint(1, 8) + str(number) for number in range(3000)]
    found = chunks(RecursiveSplitter(), " ".join(words))
    assert {word for chunk in found for word in chunk.split()} == set(words)


def test_a_chunk_repeats_the_end_of_the_one_before() -> None:
    chance = seeded(4)
    spans = RecursiveSplitter(800, 100).spans(" ".join(sentence(chance) for _ in range(300)))
    overlaps = [end - next_start for (_, end), (next_start, _) in pairwise(spans)]
    assert max(overlaps) <= 100
    assert sum(overlap > 20 for overlap in overlaps) > 0.5 * len(overlaps)


def document(chance: random.Random, kind: str) -> str:
    match kind:
        case "paragraphs":
            return "\n\n".join(paragraph(chance) for _ in range(400))
        case "headed":
            return "\n\n".join(f"## {number}\n\n{paragraph(chance)}" for number in range(400))
        case "lines":
            return "\n".join(sentence(chance) for _ in range(2000))
        case "equal lines":
            return "\n".join(f"2026-01-01 {chance.randrange(10**6):06} 건의 기록이 있다" for _ in range(4000))
        case _:
            return " ".join(sentence(chance) for _ in range(2000))


@pytest.mark.parametrize("kind", ["paragraphs", "headed", "lines", "equal lines", "one line"])
@pytest.mark.parametrize("edit", ["", "한 문장을 더 넣는다. ", "새 글이 들어간다. " * 40, "x" * 3000])
def test_an_edit_changes_the_chunks_near_it_only(kind: str, edit: str) -> None:
    splitter = RecursiveSplitter()
    for seed in range(5):
        chance = seeded(seed)
        before = document(chance, kind)
        at = chance.randrange(len(before) // 4)
        after = before[:at] + edit + before[at + chance.randrange(400) :]
        old, new = set(chunks(splitter, before)), chunks(splitter, after)
        changed = [number for number, chunk in enumerate(new) if chunk not in old]
        assert changed
        assert changed[-1] - changed[0] < 24 + len(edit) // 400


@pytest.mark.parametrize("text", ["가" * 4_000_000, "ab1" * 1_333_333, "." * 4_000_000])
def test_time_is_linear_without_blanks(text: str) -> None:
    splitter = RecursiveSplitter()
    splitter.spans("warm up. " * 100)

    def seconds(part: str) -> float:
        started = time.process_time()
        assert splitter.spans(part)
        return time.process_time() - started

    small = seconds(text[: len(text) // 8])
    assert seconds(text) < 8 * 3 * small + 0.5


@pytest.mark.parametrize(("size", "overlap"), [(63, 0), (2049, 0), (800, -1), (800, 201)])
def test_sizes_out_of_range_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="must be between"):
        RecursiveSplitter(size, overlap)


def test_importing_it_does_not_import_langchain() -> None:
    root = Path(__file__).parents[3] / "functions" / "chunk_text"
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from splitter import RecursiveSplitter;"
        " RecursiveSplitter().spans('short');"
        " sys.exit('langchain_text_splitters' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(root)], check=False).returncode == 0
