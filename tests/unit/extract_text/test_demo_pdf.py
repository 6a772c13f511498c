import io

import pytest
from pypdf import PdfReader

from cli.demo.pdf import make_pdf


def texts_of(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content), strict=True).pages]


def test_every_character_can_be_read_back() -> None:
    latin = "".join(map(chr, range(0x21, 0x61))) + "\n" + "".join(map(chr, range(0x61, 0x7F)))
    hangul = "가각갂 똠방각하 값 힣 漢字 ① ※ · “따옴표” – é"
    assert texts_of(make_pdf([latin, hangul], "t")) == [latin, hangul]


def test_title() -> None:
    metadata = PdfReader(io.BytesIO(make_pdf(["a"], "계약서 (최종) \\ 2026"))).metadata
    assert metadata is not None
    assert metadata.title == "계약서 (최종) \\ 2026"


def test_long_paragraphs_are_broken_at_blanks() -> None:
    sentence = " ".join(["서울에서 부산까지 기차로 two hours"] * 10)
    [text] = texts_of(make_pdf([sentence], "t"))
    assert text.count("\n") == 3
    assert text.replace("\n", " ") == sentence


def test_a_word_wider_than_a_line_is_cut() -> None:
    [text] = texts_of(make_pdf(["짧은 " + "가" * 100], "t"))
    assert text.split("\n")[0] == "짧은"
    assert text.replace("\n", "") == "짧은" + "가" * 100


def test_equal_arguments_give_equal_bytes() -> None:
    assert make_pdf(["가나다 abc"], "t") == make_pdf(["가나다 abc"], "t")
    assert make_pdf(["가나다 abc"], "t") != make_pdf(["가나다 abd"], "t")


def test_a_page_has_a_limit_of_lines() -> None:
    assert len(texts_of(make_pdf(["\n".join(["줄"] * 45)], "t"))[0].split()) == 45
    with pytest.raises(ValueError, match="Page 2 has"):
        make_pdf(["a", "\n".join(["줄"] * 46)], "t")


@pytest.mark.parametrize("page", ["😀", "a\x07b"])
def test_characters_that_cannot_be_shown_are_refused(page: str) -> None:
    with pytest.raises(ValueError, match="cannot show"):
        make_pdf([page], "t")


def test_no_page_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one page"):
        make_pdf([], "t")


def test_without_unicode_map_the_font_codes_are_cp949() -> None:
    content = make_pdf(["가"], "t", with_unicode_map=False)
    assert b"<B0A1> Tj" in content
    assert b"/ToUnicode" not in content
    assert b"/UniKS" not in content


def test_a_character_outside_cp949_cannot_be_written_without_map() -> None:
    with pytest.raises(ValueError, match="cp949"):
        make_pdf(["é"], "t", with_unicode_map=False)
