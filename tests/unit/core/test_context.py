"""What a chunk is told to stand under."""

import pytest

from onggi.domain.context import Outline
from onggi.domain.document import ExtractedText, HeadingSpan, TableSpan

TEXT = """앞글

# 제1장 총칙 #
제1장의 글

## 목적
둘째 줄
목적의 글

#### 깊은 곳
깊은 글

## 정의
정의의 글

# 제2장 요금
항목 | 값
단위 | 원
보증금 | 7
월세 | 8
끝 글"""


def heading(title: str, level: int, text: str = TEXT) -> HeadingSpan:
    return HeadingSpan(text.index(title), text.index(title) + len(title), level)


HEADINGS = (
    heading("# 제1장 총칙 #", 1),
    heading("## 목적\n둘째 줄", 2),
    heading("#### 깊은 곳", 4),
    heading("## 정의", 2),
    heading("# 제2장 요금", 1),
)
TABLE = TableSpan(TEXT.index("항목"), TEXT.index("끝 글"), TEXT.index("보증금"))
OUTLINE = Outline(ExtractedText(TEXT, (0,), "ko", headings=HEADINGS, tables=(TABLE,)))


@pytest.mark.parametrize(
    ("begin", "context"),
    [
        ("앞글", ""),
        ("제1장의 글", "제1장 총칙"),
        ("# 제1장", ""),
        ("## 목적", "제1장 총칙"),
        ("둘째 줄", "제1장 총칙 > 목적"),
        ("목적의 글", "제1장 총칙 > 목적"),
        ("#### 깊은", "제1장 총칙 > 목적"),
        ("깊은 글", "제1장 총칙 > 목적 > 깊은 곳"),
        ("## 정의", "제1장 총칙"),
        ("정의의 글", "제1장 총칙 > 정의"),
        ("항목", "제2장 요금"),
        ("단위", "제2장 요금"),
        ("보증금", "제2장 요금\n항목 | 값\n단위 | 원"),
        ("월세", "제2장 요금\n항목 | 값\n단위 | 원"),
        ("끝 글", "제2장 요금"),
    ],
)
def test_the_context_of_a_place(begin: str, context: str) -> None:
    assert OUTLINE.context_at(TEXT.index(begin)) == context


def test_blanks_before_a_heading_belong_to_it() -> None:
    text = "# a\n\n # b\ntext"
    outline = Outline(ExtractedText(text, (0,), "en", headings=(heading("# a", 1, text), HeadingSpan(3, 9, 2))))
    assert outline.context_at(text.index("# b")) == "a"


def test_a_table_without_a_header_has_no_columns() -> None:
    assert Outline(ExtractedText("1 | 2\n3 | 4", (0,), "en", tables=(TableSpan(0, 11, 0),))).context_at(6) == ""


def test_a_heading_without_letters_leaves_no_gap() -> None:
    text = "# a\n##\n### c\ntext"
    headings = (heading("# a", 1, text), HeadingSpan(4, 6, 2), heading("### c", 3, text))
    assert Outline(ExtractedText(text, (0,), "en", headings=headings)).context_at(text.index("text")) == "a > c"


@pytest.mark.parametrize("letter", ["x", "김", "😀"])
def test_a_context_is_bounded_and_keeps_the_innermost_heading_and_the_first_columns(letter: str) -> None:
    text, headings = "", []
    for level in range(1, 7):
        title = f"{level}" + letter * 300
        headings.append(HeadingSpan(len(text), len(text) + len(title), level))
        text += title + "\n"
    table = TableSpan(len(text), len(text) + 2000 + 2, len(text) + 2001)
    text += "열" + letter * 1999 + "\n7"
    context = Outline(ExtractedText(text, (0,), "ko", headings=tuple(headings), tables=(table,))).context_at(
        len(text) - 1
    )
    path, columns = context.split("\n")
    assert len(context.encode()) <= 1024 < len(context.encode()) + 4, "what the splitter leaves room for"
    assert path.split(" > ")[-1] == "6" + letter * 119, "a title is cut after 120 characters"
    assert columns.startswith("열" + letter)


@pytest.mark.parametrize(("outermost", "begins"), [(26, "a"), (27, "b")])
def test_a_path_takes_half_of_a_context_and_loses_its_outermost_titles_first(outermost: int, begins: str) -> None:
    """512 bytes: 26 or 27, 120 and 3 * 120 of the titles, and twice three between them."""
    titles = ["a" * outermost, "b" * 120, "가" * 120]
    text = "\n".join([*titles, "text"])
    headings = tuple(
        HeadingSpan(text.index(title), text.index(title) + len(title), level)
        for level, title in enumerate(titles, start=1)
    )
    path = Outline(ExtractedText(text, (0,), "ko", headings=headings)).context_at(text.index("text"))
    assert path[0] == begins
    assert path.endswith("가" * 120)


def test_a_heading_stands_under_those_of_higher_levels_only() -> None:
    text = "A\nb\nc\nd\ntext"
    levels = {"A": 1, "b": 2, "c": 2, "d": 3}
    headings = tuple(HeadingSpan(text.index(title), text.index(title) + 1, level) for title, level in levels.items())
    outline = Outline(ExtractedText(text, (0,), "en", headings=headings))
    assert outline.context_at(text.index("text")) == "A > c > d"
    assert outline.context_at(text.index("c\n")) == "A"
    assert outline.context_at(text.index("d\n")) == "A > c"


def test_of_a_heading_of_several_lines_the_first_is_its_title() -> None:
    text = "one\ntwo\nthree\ntext"
    outline = Outline(ExtractedText(text, (0,), "en", headings=(HeadingSpan(0, 13, 1),)))
    assert outline.context_at(text.index("text")) == "one"
