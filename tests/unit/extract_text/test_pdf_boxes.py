"""Text whose glyphs have no outline: pdfium gives it an empty box and leaves it out by itself."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.errors import BadDocument
from readers import pdf_pdfium
from readers.assemble import assemble
from readers.pdf_pdfium import read_pdf
from tests.files.pdf import make_in_form_object, turned
from tests.files.pdf_glyphs import (
    CODECS,
    SIZE,
    make_glyphs,
    make_inkless,
    make_inkless_pieces,
    make_procedures,
    make_simple_glyphs,
)

LINES = ["성별 남녀 11", "하하 다다 국적 - 한국", "하하 다다 국적 - 한국", "끝 a 2026 %"]
INVISIBLE, FILLED = 3, 0

TextOf = Callable[[bytes], str]


@pytest.fixture(scope="module")
def text_of(tmp_path_factory: pytest.TempPathFactory) -> TextOf:
    file = tmp_path_factory.mktemp("upload") / "content.pdf"

    def read(content: bytes) -> str:
        file.write_bytes(content)
        return assemble(read_pdf(file)).text

    return read


@pytest.mark.parametrize("mode", [INVISIBLE, FILLED])
@pytest.mark.parametrize("degrees", [0, 90, 270])
def test_words_without_outlines_are_read_in_their_order(text_of: TextOf, degrees: int, mode: int) -> None:
    assert text_of(make_inkless(LINES, mode=mode, degrees=degrees)).split("\n") == LINES


@pytest.mark.parametrize("page_degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_no_word_is_lost_however_text_and_page_are_turned(text_of: TextOf, degrees: int, page_degrees: int) -> None:
    read = text_of(turned(make_inkless(LINES), degrees, page_degrees))
    assert Counter(read.split()) == Counter(" ".join(LINES).split())


def test_a_long_repeated_line_is_read_each_time(text_of: TextOf) -> None:
    lines = ["개인정보수집이용제공동의서확인서명"] * 3
    assert text_of(make_inkless(lines)).split("\n") == lines


def test_single_letters_whose_glyphs_no_font_has_are_read(text_of: TextOf) -> None:
    assert text_of(make_simple_glyphs(["afii10024", "afii10025", "alpha", "Omega", "A"])) == "Ж З α Ω A"


def test_text_without_outlines_within_a_form_is_read(text_of: TextOf) -> None:
    assert text_of(make_in_form_object(make_inkless(LINES))).split("\n") == LINES


def test_letters_of_a_font_of_procedures_are_read(text_of: TextOf) -> None:
    assert text_of(make_procedures("가나x1")) == "가 나 x 1"


def test_a_blank_without_outline_separates_no_words(text_of: TextOf) -> None:
    pieces = [("대한", 0, 0), (" ", 2 * SIZE, 0), ("민국", 2 * SIZE, 0), ("끝", 0, -30)]
    assert text_of(make_inkless_pieces(pieces)) == "대한민국\n끝"


def test_marks_that_encode_blanks_are_not_added_to_words(text_of: TextOf) -> None:
    pieces = [("대한민국", 0, 0), ("#", 4 * SIZE, 0)]
    assert text_of(make_inkless_pieces(pieces)) == "대한민국"


def test_text_too_small_to_see_is_not_read(text_of: TextOf) -> None:
    hidden = make_inkless(["끝"]).replace(b"/F1 %d Tf" % SIZE, b"/F1 00 Tf")
    assert text_of(hidden) == ""


def test_a_scan_with_a_layer_of_recognised_text_needs_no_recognition(tmp_path: Path) -> None:
    file = tmp_path / "content.pdf"
    file.write_bytes(make_inkless(["끝"], drawing="100 100 m 300 500 l S"))
    document = read_pdf(file)
    assert [page.needs_ocr for page in document.pages] == [False]


def test_text_that_is_read_again_counts_against_the_limit(text_of: TextOf, monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_inkless(["가 나 다"] * 10)
    assert len(text_of(content).split()) == 30
    monkeypatch.setattr(pdf_pdfium, "MAX_CHARACTERS", 20)
    with pytest.raises(BadDocument, match="too_large"):
        text_of(content)


LETTERS = st.text(alphabet="가나하1lif-. ", max_size=12)


@given(
    lines=st.lists(LETTERS, min_size=1, max_size=4),
    encoding=st.sampled_from(sorted(CODECS)),
    degrees=st.sampled_from([0, 90, 180, 270]),
    spacing=st.sampled_from([-0.1, -0.05, 0.0, 0.2]),
)
def test_no_single_letter_is_lost(
    text_of: TextOf, lines: list[str], encoding: str, degrees: int, spacing: float
) -> None:
    read = text_of(make_glyphs(lines, encoding=encoding, degrees=degrees, spacing=spacing))
    assert Counter("".join(read.split())) == Counter("".join("".join(lines).split()))


@given(
    lines=st.lists(LETTERS, min_size=1, max_size=4),
    degrees=st.sampled_from([0, 90, 180, 270]),
    mode=st.sampled_from([INVISIBLE, FILLED]),
)
def test_no_letter_without_outline_is_lost(text_of: TextOf, lines: list[str], degrees: int, mode: int) -> None:
    read = text_of(make_inkless(lines, degrees=degrees, mode=mode))
    assert Counter("".join(read.split())) == Counter("".join("".join(lines).split()))
