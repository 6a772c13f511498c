import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readers.furniture import remove_furniture
from readers.hyphens import join_hyphenated
from readers.korean_breaks import join_korean
from readers.layout import OutlineEntry, lay_out_pages
from readers.model import Block, Heading, Paragraph

LAW = (
    "이 규정은 문서 처리에 관한 사항을 정하여 업무의 공정을 기하고 자료를 안전하게 보호함을 목적으로 한다. "
    "담당자는 문서를 접수한 때에는 지체없이 처리를 시작하여야 하며 처리가 끝난 문서는 관리 규정에 따라 보존한다. "
    "관리 책임자는 매년 보존 상태를 점검하고 점검 결과를 위원회에 보고하여야 한다. "
    "위원회는 보고를 받은 날부터 삼십일 이내에 필요한 조치를 정하고 담당자에게 통지한다. "
    "통지를 받은 담당자는 조치를 이행하고 이행 결과를 책임자에게 보고한다. "
    "다른 규정에서 문서의 처리를 달리 정한 경우에는 그 규정을 따르며 담당자의 업무는 책임자가 정한다."
)


def broken(text: str, width: int, *, keep_blanks: bool) -> str:
    """Lines of so many characters, broken wherever they are full, as Korean word processors do it."""
    lines: list[str] = []
    line = ""
    for character in text:
        if len(line) >= width and character not in ".,":
            if character == " ":
                line += " "
                continue
            lines.append(line)
            line = ""
        line += character
    return "\n".join(line if keep_blanks else line.rstrip() for line in [*lines, line])


def wrapped(text: str, width: int, end: str) -> str:
    """Lines broken between words only."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return f"{end}\n".join(lines)


def lines_of(pages: list[str]) -> list[list[str]]:
    return [page.split("\n") for page in pages]


def furnished(header: str, footer: str, count: int = 6) -> list[str]:
    """Pages with three lines of their own; `#` becomes the number of the page."""
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"]
    return [
        f"{header}\n{words[page]} one\n{words[page]} two\n{words[page]} three\n{footer}".replace("#", str(page + 1))
        for page in range(count)
    ]


def cleaned(pages: list[str]) -> list[str]:
    return ["\n".join(page).strip() for page in remove_furniture(lines_of(pages), [()] * len(pages))]


@pytest.mark.parametrize(
    "footer",
    ["#", "- # -", "Page # of 6", "#/6", "페이지 #", "p. #", "# 쪽", "( # )"],
)
def test_page_numbers_are_removed(footer: str) -> None:
    assert cleaned(furnished("", footer)) == cleaned(furnished("", ""))


def test_roman_page_numbers_are_removed() -> None:
    pages = [
        page + numeral for page, numeral in zip(furnished("", ""), ["i", "ii", "iii", "iv", "v", "vi"], strict=True)
    ]
    assert cleaned(pages) == cleaned(furnished("", ""))


def test_page_numbers_may_begin_anywhere() -> None:
    pages = [page.replace("@", str(number)) for number, page in enumerate(furnished("", "@"), start=163)]
    assert cleaned(pages) == cleaned(furnished("", ""))


def test_running_headers_are_kept_at_their_first_place() -> None:
    pages = cleaned(furnished("ACME 연차보고서 2026", "대외비 | #"))
    assert pages[0] == "ACME 연차보고서 2026\nalpha one\nalpha two\nalpha three\n대외비 | 1"
    assert not any("ACME" in page or "대외비" in page for page in pages[1:])


def test_even_and_odd_pages_may_have_different_headers() -> None:
    pages = [
        page.replace("@", "왼쪽 제목" if number % 2 else "오른쪽 제목")
        for number, page in enumerate(furnished("@", "", count=8))
    ]
    text = "\n".join(cleaned(pages))
    assert text.count("왼쪽 제목") == 1
    assert text.count("오른쪽 제목") == 1


def test_two_pages_are_no_series() -> None:
    pages = furnished("ACME", "#", count=2)
    assert cleaned(pages) == [page.strip() for page in pages]


def test_distant_pages_are_no_series() -> None:
    pages = furnished("", "", count=10)
    for number in (0, 4, 9):
        pages[number] = f"Summary\n{pages[number]}"
    assert cleaned(pages) == [page.strip() for page in pages]


@pytest.mark.parametrize(
    "row",
    [
        "제#장 문서",
        "Chapter #",
        "안건 #",
        "별표 제#호",
        "<표 #>",
        "#단계",
        "#일차 교육",
        "#. 개요",
        "Q#.",
        "total of the year: #00 won",
    ],
)
def test_text_with_numbers_is_no_page_number(row: str) -> None:
    pages = furnished(row, "")
    assert cleaned(pages) == [page.strip() for page in pages]


def test_numbers_that_do_not_count_pages_stay() -> None:
    pages = [
        page.replace("@", str(value)) for page, value in zip(furnished("", "@"), [31, 7, 7, 90, 2, 11], strict=True)
    ]
    assert cleaned(pages) == [page.strip() for page in pages]


def test_repeated_text_is_kept() -> None:
    pages = ["\n".join(f"the same line {line} again".replace(str(line), "abcdefghij"[line]) for line in range(10))] * 5
    assert cleaned(pages) == [page.strip() for page in pages]


def test_headings_stay_on_their_page() -> None:
    pages = furnished("Results", "")
    lines = remove_furniture(lines_of(pages), [(), {"Results"}, (), (), (), ()])
    assert [page[0] for page in lines] == ["Results", "Results", "gamma one", "delta one", "epsilon one", "zeta one"]


@given(
    st.lists(st.lists(st.sampled_from(["가", "나 다", "1", "2", "- 3 -", "", "abc", "abc 4"]), max_size=7), max_size=7)
)
def test_no_word_is_lost(pages: list[list[str]]) -> None:
    after = remove_furniture(pages, [()] * len(pages))

    def words(lines: list[list[str]]) -> set[str]:
        return set(re.findall(r"[^\W\d_]+", " ".join(line for page in lines for line in page)))

    assert words(after) == words(pages)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("a long docu-\nment here", "a long document here", id="broken word"),
        pytest.param("docu- \n  ment", "document", id="with blanks around"),
        pytest.param("docu\u2010\nment con\u00ad\ntract", "document contract", id="other hyphens"),
        pytest.param("of-\nﬁce", "ofﬁce", id="before a ligature"),
        pytest.param("Korea-\nUSA", "Korea-\nUSA", id="capital follows"),
        pytest.param("2024-\n25", "2024-\n25", id="digits"),
        pytest.param("COVID-\n19", "COVID-\n19", id="digit follows"),
        pytest.param("서울-\n부산", "서울-\n부산", id="Hangul has no case"),
        pytest.param("word -\nlist", "word -\nlist", id="a dash"),
        pytest.param("end-\n\nnext", "end-\n\nnext", id="a paragraph ends"),
        pytest.param("---\ntitle", "---\ntitle", id="a rule"),
        pytest.param("state-of-the-\nart", "state-of-the-art", id="a word with hyphens of its own"),
        pytest.param("well-known and well-\nknown", "well-known and well-known", id="a spelling used before"),
        pytest.param("a foot, three of them, three-\nfoot", "a foot, three of them, three-foot", id="two words"),
        pytest.param("for me: infor-\nmation", "for me: information", id="half a word is none"),
        pytest.param(
            "the information, for a mation, infor-\nmation", "the information, for a mation, information", id="known"
        ),
    ],
)
def test_words_are_joined_and_real_hyphens_stay(raw: str, expected: str) -> None:
    assert join_hyphenated([raw]) == [expected]


def test_other_pages_show_how_a_word_is_written() -> None:
    assert join_hyphenated(["non-experts", "non-\nexperts"]) == ["non-experts", "non-experts"]


def test_marks_of_hyphens_become_hyphens() -> None:
    [[block]] = lay_out_pages(["a docu\ufffement\r\nof Korea\x02USA and \ufffec"])
    assert block == Paragraph("a document\nof Korea-\nUSA and c")


@pytest.mark.parametrize("width", [24, 30, 37])
def test_korean_words_are_joined_where_blanks_are_kept(width: int) -> None:
    [page] = join_korean([broken(LAW, width, keep_blanks=True)])
    assert page.replace(" \n", " ") == LAW


@pytest.mark.parametrize("width", [24, 30, 37])
def test_korean_words_are_joined_by_grammar_and_vocabulary(width: int) -> None:
    pages = [broken(LAW, width + more, keep_blanks=False) for more in range(3)]
    page = join_korean([*pages, LAW])[0]
    words = set(LAW.split())
    joined = page.count("\n")
    assert joined < pages[0].count("\n")
    assert all(word in words for line in page.split("\n") for word in line.split()[1:-1])


@pytest.mark.parametrize("end", ["", " "])
@pytest.mark.parametrize("width", [24, 30, 37])
def test_korean_lines_broken_between_words_stay(width: int, end: str) -> None:
    page = wrapped(LAW, width, end)
    assert join_korean([page]) == [page]


def test_short_korean_lines_stay() -> None:
    page = broken(LAW, 30, keep_blanks=True)
    assert join_korean([f"{page}\n구분\n를 보라"])[0].endswith("\n구분\n를 보라")


def test_numbers_of_korean_lists_begin_lines() -> None:
    page = broken(LAW, 30, keep_blanks=True)
    listed = f"{page}\n{'가' * 30}\n가. 첫째 사항을 정한다\n{'나' * 30}\n다. 셋째 사항을 정한다"
    assert join_korean([listed])[0].endswith(
        f"\n{'가' * 30}\n가. 첫째 사항을 정한다\n{'나' * 30}\n다. 셋째 사항을 정한다"
    )


def blocks(text: str, *marks: tuple[str, int]) -> list[Block]:
    [page] = lay_out_pages([text], [OutlineEntry(0, title, level) for title, level in marks])
    return list(page)


def test_a_title_on_a_line_is_a_heading() -> None:
    assert blocks("앞\n제1장 총칙\n본문", ("제1장  총칙", 1)) == [
        Paragraph("앞\n"),
        Heading("제1장 총칙", 1),
        Paragraph("본문"),
    ]


def test_a_title_may_differ_in_case_and_line_breaks() -> None:
    assert blocks("A LONG TITLE\nOF TWO LINES\nbody", ("A long title of two lines", 2))[0] == Heading(
        "A LONG TITLE OF TWO LINES", 2
    )


def test_a_title_may_lack_the_number_that_it_has_on_the_page() -> None:
    assert blocks("2.3 Scope\nbody", ("Scope", 2))[0] == Heading("2.3 Scope", 2)


def test_a_title_at_the_beginning_of_a_line_includes_the_rest_of_its_word() -> None:
    assert blocks("제1조(목적) 이 약관은 정한다.", ("제1조", 1)) == [
        Heading("제1조(목적)", 1),
        Paragraph("이 약관은 정한다."),
    ]


@pytest.mark.parametrize("text", ["Database systems are", "about the Data", "the DataData"])
def test_a_title_within_a_word_or_line_is_no_heading(text: str) -> None:
    assert blocks(text, ("Data", 1)) == [Paragraph(text)]


def test_a_title_in_a_table_of_contents_is_no_heading() -> None:
    text = "Contents\nScope ..... 1\nTerms 1\nScope\nbody\nTerms\nmore"
    assert [block.text for block in blocks(text, ("Scope", 1), ("Terms", 1)) if isinstance(block, Heading)] == [
        "Scope",
        "Terms",
    ]
    assert blocks(text, ("Scope", 1), ("Terms", 1))[0] == Paragraph("Contents\nScope ..... 1\nTerms 1\n")


def test_equal_titles_mark_different_headings() -> None:
    headings = [
        block for block in blocks("Notes\na\nNotes\nb", ("Notes", 1), ("Notes", 2)) if isinstance(block, Heading)
    ]
    assert headings == [Heading("Notes", 1), Heading("Notes", 2)]


@given(st.text(alphabet="가나ab1. \n", max_size=60), st.lists(st.text(alphabet="가나ab1. ", max_size=5), max_size=4))
def test_headings_lose_no_letter(text: str, titles: list[str]) -> None:
    found = blocks(text, *((title, 1) for title in titles))
    shown = "".join("".join(block.text.split()) for block in found if isinstance(block, Heading | Paragraph))
    assert shown == "".join(text.split())


@pytest.mark.parametrize(
    "page",
    [
        "가" * 300_000,
        "가\n" * 150_000,
        "a-\n" * 100_000,
        "1\n" * 150_000,
        "a" * 300_000,
        " \n" * 150_000,
        "-" * 300_000,
    ],
)
def test_large_pages_take_little_time(page: str) -> None:
    start = time.process_time()
    lay_out_pages([page] * 3, [OutlineEntry(0, "a" * 400, 1), OutlineEntry(0, "가" * 400, 1)] * 50)
    assert time.process_time() - start < 10
