import re
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onggi.domain.document import ExtractedText, HeadingSpan, TableSpan
from onggi.steps.ingestion.chunk_text import chunks_of
from splitter import RecursiveSplitter
from tests.unit.chunk_text.texts import WORDS, paragraph, plain, seeded, sentence

STRUCTURED = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *WORDS,
                "\n",
                "\n\n",
                "\n\n\n",
                "# 제목\n",
                "항목 | 값\n" * 9,
                " ",
                "  \t",
                "。",
                "끝！",
                "했다.그",
                "x" * 300,
            ]
        ),
        st.text(max_size=30),
    ),
    max_size=300,
).map(" ".join)

ANY_TEXT = st.one_of(st.text(), STRUCTURED, STRUCTURED.map(lambda text: text * 7))


def chunks(splitter: RecursiveSplitter, text: str) -> list[str]:
    return [text[start:end] for start, end in splitter.spans(plain(text))]


@st.composite
def structured(draw: st.DrawFn, texts: st.SearchStrategy[str] = ANY_TEXT) -> ExtractedText:
    """Returns a text with separate headings and tables at random places."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=20)))
    headings, tables = [], []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        if draw(st.booleans()):
            headings.append(HeadingSpan(start, end, draw(st.integers(1, 6))))
        else:
            tables.append(TableSpan(start, end, draw(st.integers(start, end))))
    return ExtractedText(text, (0,), "en", headings=tuple(headings), tables=tuple(tables))


SIZES = st.sampled_from([(800, 100), (800, 0), (64, 16), (200, 50), (1791, 447)])


@given(structured(), SIZES)
@example(plain(""), (800, 100))
@example(plain(" \n" * 3000), (64, 16))
@example(plain("첫 문장이다." + " \n" * 3000 + "끝 문장이다."), (64, 16))
@example(plain("가" * 5000), (1791, 400))
@example(plain("😀" * 5000), (1791, 400))
def test_spans_are_exact_bounded_and_complete(extracted: ExtractedText, sizes: tuple[int, int]) -> None:
    size, overlap = sizes
    splitter, text = RecursiveSplitter(size, overlap), extracted.text
    spans = splitter.spans(extracted)
    for start, end in spans:
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert end - start <= size
    for (start, end), (next_start, next_end) in pairwise(spans):
        assert start < next_start
        assert end < next_end
        assert end - next_start <= overlap
        assert not text[end:next_start].strip()
        assert not any(next_start < heading.start < end for heading in extracted.headings)
        assert not any(table.start < end and next_start < min(end, table.end) for table in extracted.tables)
    assert not text[: spans[0][0] if spans else len(text)].strip()
    assert not text[spans[-1][1] if spans else 0 :].strip()
    assert splitter.spans(extracted) == spans


@given(structured(ANY_TEXT | st.text("😀한 \n", min_size=500)), SIZES)
def test_embedded_text_fits_the_model(extracted: ExtractedText, sizes: tuple[int, int]) -> None:
    for chunk in chunks_of(extracted, RecursiveSplitter(*sizes)):
        assert extracted.text[chunk.start : chunk.end] == chunk.text
        assert len(chunk.context.encode()) <= 1024
        assert len(chunk.text_in_context.encode()) <= 8192, "Titan reads 8,192 tokens, none of them shorter than a byte"
        assert chunk.text_in_context.endswith(chunk.text)
        assert chunk.context == chunk.context.strip()


def test_a_short_text_is_one_chunk_without_outer_blanks() -> None:
    assert RecursiveSplitter().spans(plain("\n\n 짧은 글이다. \n")) == [(3, 10)]


@pytest.mark.parametrize("blank", ["", " ", "\n" * 5000, "\u3000\t \n" * 1000])
def test_a_blank_text_has_no_chunks(blank: str) -> None:
    assert RecursiveSplitter().spans(plain(blank)) == []


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
        "그래서 잊었다.",
        "वह घर गया।",
        "هل ذهب إلى البيت؟ ",
        "وہ گھر گیا۔",
        "Dr. Kim paid 3.5 won on 2026. 3. 1. to J. Lee! ",
    ],
)
def test_chunks_end_with_sentences_where_they_can(sentence: str) -> None:
    found = chunks(RecursiveSplitter(overlap=0), sentence * 400)
    assert len(found) > 3
    whole = re.escape(sentence.strip())
    assert all(re.fullmatch(rf"({whole}\s*)+", chunk) for chunk in found)


def test_thai_is_cut_at_its_blanks() -> None:
    phrases = ["เขาไปตลาด", "เธอซื้อข้าวและน้ำปลา", "พวกเขากลับบ้านตอนเย็น"]
    found = chunks(RecursiveSplitter(overlap=0), " ".join(phrases * 100))
    assert len(found) > 3
    assert set(" ".join(found).split()) == set(phrases)


def test_a_list_number_stays_with_its_item() -> None:
    text = " ".join(f"{number % 50}. 보증금 {number}원을 반환한다." for number in range(500))
    assert {chunk[-2:] for chunk in chunks(RecursiveSplitter(), text)} == {"다."}


def test_chunks_end_with_long_sentences_rather_than_within() -> None:
    chance = seeded(6)
    text = " ".join(" ".join(f"낱말{chance.randrange(100)}" for _ in range(40)) + "." for _ in range(100))
    assert {chunk[-1] for chunk in chunks(RecursiveSplitter(), text)} == {"."}


def test_a_sentence_that_fits_is_not_cut_for_a_fuller_chunk() -> None:
    words = ["낱말" + str(number) for number in range(200)]
    text = " ".join(" ".join(words[:length]) + "." for length in [45, 140] * 30)
    assert {chunk[-1] for chunk in chunks(RecursiveSplitter(overlap=0), text)} == {"."}


def test_a_date_is_not_cut() -> None:
    chance = seeded(15)
    text = " ".join(f"{chance.randrange(1000)}호의 끝은 2026. 11. {chance.randrange(30)}. 이다." for _ in range(3000))
    assert {chunk[-3:] for chunk in chunks(RecursiveSplitter(), text)} == {"이다."}


def test_chunks_never_cut_a_word_that_fits() -> None:
    chance = seeded(3)
    words = ["낱말" * chance.randint(1, 8) + str(number) for number in range(3000)]
    found = chunks(RecursiveSplitter(), " ".join(words))
    assert {word for chunk in found for word in chunk.split()} == set(words)


def test_a_chunk_repeats_the_end_of_the_one_before() -> None:
    chance = seeded(4)
    spans = RecursiveSplitter(800, 100).spans(plain(" ".join(sentence(chance) for _ in range(300))))
    overlaps = [end - next_start for (_, end), (next_start, _) in pairwise(spans)]
    assert max(overlaps) <= 100
    assert sum(overlap > 20 for overlap in overlaps) > 0.5 * len(overlaps)


@pytest.mark.parametrize("text", ["가" * 4_000_000, "ab1" * 1_333_333, "." * 4_000_000])
def test_time_is_linear_without_blanks(text: str) -> None:
    splitter = RecursiveSplitter()
    splitter.spans(plain("warm " * 300))

    def seconds(part: str) -> float:
        started = time.process_time()
        assert splitter.spans(plain(part))
        return time.process_time() - started

    small = seconds(text[: len(text) // 8])
    assert seconds(text) < 8 * 3 * small + 0.5


def test_the_overlap_follows_the_size() -> None:
    chance = seeded(12)
    text = plain(" ".join(sentence(chance) for _ in range(300)))
    for size in (64, 800, 1791):
        assert RecursiveSplitter(size).spans(text) == RecursiveSplitter(size, size // 8).spans(text)


@pytest.mark.parametrize(("size", "overlap"), [(63, 0), (1792, 0), (800, -1), (800, 201)])
def test_sizes_out_of_range_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="must be between"):
        RecursiveSplitter(size, overlap)


def test_texts_with_sentences_do_not_import_langchain() -> None:
    root = Path(__file__).parents[3]
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; from splitter import RecursiveSplitter;"
        " from onggi.domain.document import ExtractedText;"
        " RecursiveSplitter().spans(ExtractedText('A sentence. ' * 1000, (0,), 'en'));"
        " sys.exit('langchain_text_splitters' in sys.modules)"
    )
    paths = [str(root / "functions" / "chunk_text"), str(root / "layers" / "core")]
    assert subprocess.run([sys.executable, "-c", program, *paths], check=False).returncode == 0
