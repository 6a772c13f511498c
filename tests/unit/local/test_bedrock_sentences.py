from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.bedrock.sentences import split_sentences


def split(text: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "환불은 7일 안에 됩니다. 배송비는 제외해요. 더 궁금한가요?",
            ["환불은 7일 안에 됩니다.", "배송비는 제외해요.", "더 궁금한가요?"],
        ),
        ("환불합니다.배송비는 제외한다.끝", ["환불합니다.", "배송비는 제외한다.", "끝"]),
        ("It costs $3.50. Call Dr. Kim at 9 a.m. daily.", ["It costs $3.50.", "Call Dr. Kim at 9 a.m. daily."]),
        ("He came in 1989. The rest stayed.", ["He came in 1989.", "The rest stayed."]),
        ("계약은 2026. 3. 1. 부터 효력이 있다. 끝낸다.", ["계약은 2026. 3. 1. 부터 효력이 있다.", "끝낸다."]),
        ("1. 목적을 정한다.\n2. 범위를 정한다.", ["1. 목적을 정한다.", "2. 범위를 정한다."]),
        ("今日は晴れ。明日は雨？", ["今日は晴れ。", "明日は雨？"]),
        ("그는 “가자.” 하고 말했다. 갔다.", ["그는 “가자.”", "하고 말했다.", "갔다."]),
        ("# 환불\n- 7일 이내: 전액\n- 30일 이내: 절반", ["# 환불", "- 7일 이내: 전액", "- 30일 이내: 절반"]),
        ("| 등급 | 한도 |\n|---|---|\n| 기본 | 100 |", ["| 등급 | 한도 |", "| 기본 | 100 |"]),
        ("", []),
        (" \n\n ", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_a_line_that_a_page_broke_goes_on_in_the_next() -> None:
    wrapped = (
        "이 규정은 직원의 휴가와 병가에 관하여 필요한 사항을 정함을\n"
        "목적으로 하며 모든 직원에게 똑같이 적용하여야 한다."
    )
    assert split(f"{wrapped}\n제2조 휴가는 15일이다.") == [wrapped, "제2조 휴가는 15일이다."]


def test_a_blank_line_ends_what_has_no_full_stop() -> None:
    lines = ["A heading that is long enough to look like a line of text", "and another line that is just as long as it"]
    assert split("\n\n".join(lines)) == lines


@given(st.text(st.sampled_from("가나다 요.?!。\n\t|-1a.A ") | st.characters(), max_size=300))
def test_every_sentence_is_an_exact_span_in_order_and_nothing_written_is_lost(text: str) -> None:
    sentences = split_sentences(text)
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in sentences)
    assert all(left.end <= right.start for left, right in pairwise(sentences))
    kept = "".join(sentence.text for sentence in sentences)
    assert [character for character in kept if character.isalnum()] == [c for c in text if c.isalnum()]


def test_a_stretch_without_an_end_is_cut_between_words() -> None:
    sentences = split("word " * 500)
    assert max(map(len, sentences)) <= 600
    assert {word for sentence in sentences for word in sentence.split()} == {"word"}


def test_a_single_endless_word_is_cut_too() -> None:
    assert [len(part) for part in split("a" * 1500)] == [600, 600, 300]
