"""Pages of PDF files that need optical character recognition."""

import pytest

from readers.model import Reader
from readers.pdf_pdfium import read_pdf
from tests.files.pdf import make_drawing, make_scan, make_stamped_scan, unicode_map, with_font
from tests.unit.extract_text.pdf_reading import EACH, ReadContent, text_of


@EACH
def test_a_page_with_only_a_picture_needs_recognition(read_with: ReadContent, reader: Reader) -> None:
    document = read_with(reader, make_scan(["글이 있다.", None, ""]))
    assert [page.needs_ocr for page in document.pages] == [False, True, False]


@EACH
def test_a_page_with_only_a_drawing_needs_recognition(read_with: ReadContent, reader: Reader) -> None:
    assert [page.needs_ocr for page in read_with(reader, make_drawing()).pages] == [True]


def test_a_page_of_meaningless_characters_needs_recognition(read_with: ReadContent) -> None:
    garbage = with_font("/Identity-H", unicode_map(dict.fromkeys("대한민국Test", "\ue123")))
    mixed = with_font("/Identity-H", unicode_map({**dict.fromkeys("대한", "\ue123"), **{c: c for c in "민국Test"}}))
    assert [page.needs_ocr for content in (garbage, mixed) for page in read_with(read_pdf, content).pages] == [
        True,
        False,
    ]


@pytest.mark.parametrize("stamp", ["- 1 -", "Scanned by CamScanner", "사건 2026-01234 출력자 김옹기 2026-01-05 09:30"])
def test_a_page_with_a_stamp_on_its_picture_needs_recognition(read_with: ReadContent, stamp: str) -> None:
    document = read_with(read_pdf, make_stamped_scan([stamp, stamp]))
    assert [page.needs_ocr for page in document.pages] == [True, True]
    assert stamp in text_of(document)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(make_stamped_scan(["표지"], picture="400 0 0 400 90 200"), id="picture beside text"),
        pytest.param(make_stamped_scan(["표지"], mode=3), id="text of the scanner's own recognition"),
        pytest.param(make_stamped_scan(["제1조 임대인은 보증금을 반환한다. " * 4]), id="text on a background"),
    ],
)
def test_a_picture_with_text_of_its_own_needs_no_recognition(read_with: ReadContent, content: bytes) -> None:
    assert [page.needs_ocr for page in read_with(read_pdf, content).pages] == [False]
