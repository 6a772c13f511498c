"""What was filled in, typed or stamped onto a page is read after the page's own text, and takes nothing from it."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.demo.pdf import make_pdf
from onggi.domain.errors import BadDocument
from readers import pdf_pdfium
from readers.assemble import assemble
from readers.pdf_pdfium import read_pdf
from readers.raster import page_images
from tests.files.pdf import (
    encrypted,
    make_drawing,
    make_in_form_object,
    make_report,
    make_sample,
    make_scan,
    make_stamped_scan,
    turned,
    with_font,
)
from tests.files.pdf_annotations import Note, annotated, inheriting
from tests.files.pdf_glyphs import make_glyphs, make_inkless

PageTexts = Callable[[bytes], list[str]]

KINDS = ["/Widget", "/FreeText", "/Stamp"]
NOTES = [Note("홍길동 Kim"), Note("승인 2026", (100, 200), "/Stamp"), Note("검토 요망", (100, 100), "/FreeText")]
PAGE = "신청서\n이름: 나이:\nName and age"
FILES = {
    "text": make_pdf([PAGE], "t"),
    "text to the edge": make_pdf(["\n".join(f"{number}번째 줄" for number in range(40))], "t"),
    "old Korean text": make_pdf([PAGE], "t", with_unicode_map=False),
    "glyph numbers": with_font("/Identity-H"),
    "single letters": make_glyphs(["성별 남", "끝"]),
    "letters without outlines": make_inkless(["성별 a 남", "끝"]),
    "pages": make_report(["첫 쪽", "둘째 쪽"]),
    "sample": make_sample(),
    "form object": make_in_form_object(make_pdf([PAGE], "t")),
    "protected": encrypted(make_pdf([PAGE], "t"), ""),
    "nothing": make_pdf([""], "t"),
    "drawing": make_drawing(),
    "scan": make_scan([None]),
    "stamped scan": make_stamped_scan(["접수 1"]),
}


@pytest.fixture(scope="module")
def page_texts(tmp_path_factory: pytest.TempPathFactory) -> PageTexts:
    file = tmp_path_factory.mktemp("upload") / "content.pdf"

    def read(content: bytes) -> list[str]:
        file.write_bytes(content)
        document = assemble(read_pdf(file))
        ends = [*document.page_starts[1:], len(document.text)]
        return [document.text[start:end].strip() for start, end in zip(document.page_starts, ends, strict=True)]

    return read


def in_order(*texts: str) -> str:
    return "\n".join(filter(None, texts))


def text_of(notes: Sequence[Note]) -> str:
    return "\n".join(note.text for note in notes)


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_of_each_kind_of_annotation_is_read(page_texts: PageTexts, kind: str) -> None:
    assert page_texts(annotated(FILES["text"], [Note("홍길동 Kim", kind=kind)])) == [f"{PAGE}\n홍길동 Kim"]


def test_links_and_comment_windows_are_not_part_of_the_page(page_texts: PageTexts) -> None:
    assert page_texts(annotated(FILES["text"], [Note("secret", kind="/Link")])) == [PAGE]


@pytest.mark.parametrize("name", FILES)
def test_notes_follow_the_unchanged_text_of_the_page(page_texts: PageTexts, name: str) -> None:
    own, *others = page_texts(FILES[name])
    assert page_texts(annotated(FILES[name], NOTES)) == [in_order(own, text_of(NOTES)), *others]


@pytest.mark.parametrize("name", FILES)
def test_fonts_and_size_may_be_inherited(page_texts: PageTexts, name: str) -> None:
    own, *others = page_texts(FILES[name])
    assert page_texts(inheriting(annotated(FILES[name], NOTES))) == [in_order(own, text_of(NOTES)), *others]


@pytest.mark.parametrize("inherit", [False, True])
def test_an_appearance_may_use_the_fonts_of_the_page(page_texts: PageTexts, *, inherit: bool) -> None:
    content = annotated(FILES["text"], [Note("홍길동", resources=False)])
    assert page_texts(inheriting(content) if inherit else content) == [f"{PAGE}\n홍길동"]


@pytest.mark.parametrize("page_degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_pages_may_be_turned(page_texts: PageTexts, degrees: int, page_degrees: int) -> None:
    content = turned(FILES["text"], degrees, page_degrees)
    [own], [read] = page_texts(content), page_texts(inheriting(annotated(content, NOTES)))
    assert read.startswith(own)
    assert Counter(read.split()) == Counter(f"{own} {text_of(NOTES)}".split())


def test_a_value_beside_the_last_word_of_the_page_stays_separate(page_texts: PageTexts) -> None:
    beside = annotated(make_glyphs(["이름:"]), [Note("홍길동", (300 + 2.5 * 11, 416))])
    assert page_texts(beside) == ["이름:\n홍길동"]


@pytest.mark.parametrize("ending", [b"", b"q q", b"Q Q", b"BT", b"q 2 0 0 2 0 0 cm BT /F1 9 Tf"])
def test_the_content_of_a_page_may_end_anywhere(page_texts: PageTexts, ending: bytes) -> None:
    content = FILES["text"].replace(b" Tj\nET\n", b" Tj\nET\n" + ending)
    assert page_texts(annotated(content, NOTES)) == [in_order(PAGE, text_of(NOTES))]


def test_a_value_in_several_fields_is_read_each_time(page_texts: PageTexts) -> None:
    notes = [Note("해당 없음", (100, 100 + 40 * number)) for number in range(5, 0, -1)]
    assert page_texts(annotated(FILES["text"], notes)) == [in_order(PAGE, *["해당 없음"] * 5)]


def test_notes_are_neither_headers_nor_page_numbers_and_hide_none(page_texts: PageTexts) -> None:
    content = make_pdf(
        [f"머리글\n본문 {letter}입니다.\n- {number} -" for number, letter in enumerate("가나다라", 1)], "t"
    )
    own, noted = page_texts(content), content
    for page in range(4):
        noted = annotated(noted, [Note("승인", (100, 100)), Note(f"{page + 1}", (100, 50))], page)
    assert page_texts(noted) == [f"{text}\n승인\n{page}" for page, text in enumerate(own, 1)]
    assert own[1:] == ["본문 나입니다.", "본문 다입니다.", "본문 라입니다."]


def test_notes_count_against_the_limit_of_characters(page_texts: PageTexts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_pdfium, "MAX_CHARACTERS", len(PAGE) + 10)
    assert page_texts(FILES["text"]) == [PAGE]
    with pytest.raises(BadDocument, match="too_large"):
        page_texts(annotated(FILES["text"], NOTES))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(annotated(FILES["nothing"], [Note("")]), True, id="a stamp without text alone"),
        pytest.param(annotated(FILES["nothing"], [Note("접수")]), False, id="typed text alone"),
        pytest.param(annotated(FILES["scan"], [Note("접수")]), False, id="a note beside a picture"),
        pytest.param(annotated(FILES["stamped scan"], [Note("접수")]), True, id="a note on a scan"),
        pytest.param(inheriting(annotated(FILES["stamped scan"], [Note("접수")])), True, id="on an inherited scan"),
    ],
)
def test_notes_do_not_change_whether_a_page_needs_recognition(
    tmp_path: Path, content: bytes, *, expected: bool
) -> None:
    file = tmp_path / "content.pdf"
    file.write_bytes(content)
    assert [page.needs_ocr for page in read_pdf(file).pages] == [expected]


@pytest.mark.parametrize("name", ["text", "scan"])
def test_a_page_with_inherited_resources_is_drawn_alike(tmp_path: Path, name: str) -> None:
    file = tmp_path / "content.pdf"
    pictures = []
    for content in (annotated(FILES[name], NOTES), inheriting(annotated(FILES[name], NOTES))):
        file.write_bytes(content)
        pictures += page_images(file, [1])
    assert pictures[0] == pictures[1]


PLACES = st.sampled_from([(x, y) for x in (20, 300) for y in range(20, 800, 40)])
WORDS = st.text(alphabet="가나다 abc1", min_size=1, max_size=10).filter(str.strip)


@given(
    name=st.sampled_from(sorted(FILES)),
    notes=st.lists(
        st.builds(Note, WORDS, PLACES, st.sampled_from(KINDS), st.just(True)),
        min_size=1,
        max_size=4,
        unique_by=lambda note: note.place,
    ),
    page_degrees=st.sampled_from([0, 90, 180, 270]),
    inherit=st.booleans(),
)
def test_no_word_of_a_page_is_lost_by_notes(
    page_texts: PageTexts, name: str, notes: list[Note], page_degrees: int, *, inherit: bool
) -> None:
    content = FILES[name] if name == "protected" else turned(FILES[name], 0, page_degrees)
    noted = annotated(content, notes)
    own, read = page_texts(content)[0], page_texts(inheriting(noted) if inherit else noted)[0]
    assert read.startswith(own)
    letters, added = (Counter("".join(text.split())) for text in (text_of(notes), read[len(own) :]))
    assert letters == added
