"""Chunks of texts with headings and tables."""

import random
from itertools import pairwise

from onggi.steps.ingestion.chunk_text import chunks_of
from splitter import RecursiveSplitter
from tests.unit.chunk_text.texts import paragraph, plain, sectioned, seeded, sentence, texts_of, with_table


def body(chance: random.Random, length: int) -> str:
    return (paragraph(chance) * 9)[:length].strip()


def test_chunks_begin_at_headings() -> None:
    chance = seeded(1)
    extracted = sectioned(*((f"## 제{number}장", body(chance, 450)) for number in range(12)))
    assert [text.splitlines()[0] for text in texts_of(extracted)] == [f"## 제{number}장" for number in range(12)]


def test_a_short_section_does_not_run_into_the_next() -> None:
    chance = seeded(5)
    extracted = sectioned(*((f"# {number}", body(chance, 650 if number % 2 else 250)) for number in range(12)))
    assert [text.splitlines()[0] for text in texts_of(extracted)] == [f"# {number}" for number in range(12)]


def test_the_last_chunk_of_a_section_is_not_too_short() -> None:
    chance = seeded(7)
    extracted = sectioned(*((f"# {number}", body(chance, 820)) for number in range(30)))
    assert sum(text.startswith("# ") for text in texts_of(extracted)) == 30
    assert min(map(len, texts_of(extracted))) >= 200


def test_among_short_sections_a_chapter_begins_a_chunk() -> None:
    chance = seeded(13)
    chapter = [("# 장", 20), ("## 절", 220)]
    extracted = sectioned(*((title, body(chance, length)) for _ in range(20) for title, length in chapter))
    assert [text.splitlines()[0] for text in texts_of(extracted)[:20]] == ["# 장"] * 20


def test_a_heading_stays_with_what_follows_it() -> None:
    chance = seeded(8)
    for seed in range(50):
        chance = seeded(seed)
        extracted = sectioned(*((f"# {number}", body(chance, chance.randrange(20, 1500))) for number in range(20)))
        assert not [text for text in texts_of(extracted) if text.splitlines()[-1].startswith("#")]


def test_plain_text_that_looks_like_a_heading_is_none() -> None:
    text = "\n".join(f"# {number} is a comment of a script." for number in range(200))
    overlaps = [end - next_start for (_, end), (next_start, _) in pairwise(RecursiveSplitter().spans(plain(text)))]
    assert min(overlaps) > 0


def test_a_table_that_fits_stays_whole() -> None:
    chance = seeded(9)
    for length in range(250, 800, 50):
        rows = [f"{number} | {sentence(chance)[:60]}\n" for number in range(11)]
        extracted = with_table(body(chance, length) + "\n\n", "번호 | 내용\n", rows, "\n" + body(chance, 700))
        table = ("번호 | 내용\n" + "".join(rows)).strip()
        assert [text for text in texts_of(extracted) if table in text]


def test_a_chunk_ends_with_a_table_rather_than_with_a_sentence() -> None:
    chance = seeded(14)
    for _ in range(20):
        rows = [f"{number} | {sentence(chance)[:40]}\n" for number in range(8)]
        extracted = with_table(body(chance, 250) + "\n", "번호 | 내용\n", rows, sentence(chance) * 20)
        assert texts_of(extracted)[0].endswith(rows[-1].strip())


def test_a_table_that_fits_is_not_cut_to_leave_more_for_the_end_of_its_section() -> None:
    before, header, rows = (
        "앞글이다. " * 50 + "\n",
        "번호 | 내용\n",
        [f"{number:02} | 보증금은 얼마인가\n" for number in range(30)],
    )
    extracted = with_table(before, header, rows, "끝의 글. " * 10)
    assert len(extracted.text) > 800 > len(before + header + "".join(rows))
    assert texts_of(extracted)[0] == (before + header + "".join(rows)).strip()


def test_a_long_table_is_cut_between_rows_only() -> None:
    chance = seeded(10)
    rows = [
        f"{number} | {(sentence(chance) + ' ' + sentence(chance))[: chance.randrange(20, 300)]}\n"
        for number in range(500)
    ]
    found = chunks_of(with_table("앞글이다.\n\n", "번호 | 내용\n", rows, "\n뒷글이다."), RecursiveSplitter())
    lines = [line.strip() for chunk in found for line in chunk.text.splitlines() if line]
    assert lines == ["앞글이다.", "번호 | 내용", *(row.strip() for row in rows), "뒷글이다."]
    assert found[0].context == ""
    assert {chunk.context for chunk in found[1:]} == {"번호 | 내용"}


def test_a_row_that_fits_into_a_chunk_is_not_cut() -> None:
    chance = seeded(11)
    rows = [f"{number} | " + "값이다. " * chance.choice([5, 30, 140]) + "\n" for number in range(200)]
    found = texts_of(with_table("", "번호 | 내용\n", rows))
    assert [line.strip() for text in found for line in text.splitlines()] == [
        "번호 | 내용",
        *(row.strip() for row in rows),
    ]


def test_a_row_that_does_not_fit_is_cut_between_words() -> None:
    words = [f"낱말{number}." for number in range(2000)]
    found = texts_of(with_table("", "번호 | 내용\n", [" ".join(words) + "\n"]))
    assert {word for text in found for word in text.split()} == {*words, "번호", "|", "내용"}
