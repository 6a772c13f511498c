import io
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject

from cli.demo.pdf import make_pdf
from onggi.domain.document import ExtractedText
from readers import pdf_pdfium, pdf_pypdf
from readers.assemble import assemble
from readers.model import Heading, RawDocument, Reader
from readers.pdf_pdfium import iso_of_pdf_date, read_pdf
from readers.pdf_pypdf import read_pdf_with_pypdf
from tests.files.pdf import (
    encrypted,
    make_in_form_object,
    make_report,
    make_sample,
    turned,
    unicode_map,
    with_font,
    written,
)
from tests.files.pdf_annotations import make_form
from tests.unit.extract_text.pdf_reading import EACH, PAGES, PDF, ReadContent, refused_as, text_of

ReadBytes = Callable[[bytes, str], ExtractedText]


def headings_of(document: RawDocument) -> list[list[tuple[str, int]]]:
    return [
        [(block.text, block.level) for block in page.blocks if isinstance(block, Heading)] for page in document.pages
    ]


def test_text_pages_language_and_title(read_bytes: ReadBytes) -> None:
    document = read_bytes(PDF, "계약서.pdf")
    assert document.text == "\n\n".join(PAGES)
    assert [document.text[start:].split("\n")[0] for start in document.page_starts] == [
        page.split("\n")[0] for page in PAGES
    ]
    assert document.language == "ko"
    assert document.properties.title == "임대차 계약서"


@pytest.mark.parametrize("name", ["a.txt", "a.docx", "noname", "a.md"])
def test_a_pdf_is_detected_under_any_name(read_bytes: ReadBytes, name: str) -> None:
    assert read_bytes(PDF, name).text == "\n\n".join(PAGES)


def test_a_pdf_may_begin_with_foreign_bytes(read_bytes: ReadBytes) -> None:
    assert read_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + PDF, "a.pdf").text == "\n\n".join(PAGES)


@EACH
def test_both_readers_read_the_same(read_with: ReadContent, reader: Reader) -> None:
    assert text_of(read_with(reader, PDF)) == "\n\n".join(PAGES)


@EACH
def test_words_broken_over_lines_are_joined(read_with: ReadContent, reader: Reader) -> None:
    content = make_pdf(["a long docu-\nment, Korea-\nUSA, 2024-\n25, 서울-\n부산"], "t")
    assert text_of(read_with(reader, content)) == "a long document, Korea-\nUSA, 2024-\n25, 서울-\n부산"


@EACH
def test_headers_and_page_numbers_are_removed(read_with: ReadContent, reader: Reader) -> None:
    text = text_of(read_with(reader, make_sample()))
    assert text.count("옹기 운영 보고서 2026") == 1
    assert not any(f"- {number} -" in text for number in (1, 2, 3))
    assert "질문 30원 28원" in text


def test_blank_pages_have_no_text(read_bytes: ReadBytes) -> None:
    document = read_bytes(make_pdf(["", "first", "", "second", ""], "t"), "a.pdf")
    assert document.text == "first\n\nsecond"
    assert document.page_starts == (0, 0, 7, 7, 13)
    assert document.needs_ocr == ()


@given(st.lists(st.text(alphabet="가나다 abcXY.\n", max_size=40), min_size=1, max_size=2))
def test_no_letter_is_lost_or_moved_to_another_page(read_with: ReadContent, pages: list[str]) -> None:
    document = assemble(read_with(read_pdf, make_pdf(pages, "t")))
    assert len(document.page_starts) == len(pages)
    slices = [document.text[start:end] for start, end in pairwise([*document.page_starts, len(document.text)])]
    assert "".join(slices) == document.text
    letters = [[character for character in page if character.isalpha()] for page in pages]
    assert [[character for character in part if character.isalpha()] for part in slices] == letters


@EACH
def test_properties(read_with: ReadContent, reader: Reader) -> None:
    content = make_report(
        ["글"], title="보고서", author="김옹기", created="D:20260105093000+09'00'", modified="D:20260301000000Z"
    )
    stated = read_with(reader, content).properties
    assert (stated.title, stated.author) == ("보고서", "김옹기")
    assert (stated.created, stated.modified) == ("2026-01-05T09:30:00+09:00", "2026-03-01T00:00:00+00:00")


@EACH
def test_a_file_without_properties_is_read(read_with: ReadContent, reader: Reader) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.metadata = None
    stated = read_with(reader, written(writer)).properties
    assert (stated.title, stated.author, stated.created, stated.modified) == (None, None, None, None)


def test_a_damaged_title_loses_no_text(read_with: ReadContent) -> None:
    damaged = make_pdf(["글"], "가나").replace("가나".encode("utf-16-be").hex().upper().encode(), b"D800D800")
    document = read_with(read_pdf, damaged)
    assert text_of(document) == "글"
    assert document.properties.title is not None


@pytest.mark.parametrize("title", ["", "   ", "\x00\x01"])
def test_a_blank_title_is_ignored(read_bytes: ReadBytes, title: str) -> None:
    assert read_bytes(make_pdf(["text"], title), "a.pdf").properties.title is None


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("D:20260105093000+09'00'", "2026-01-05T09:30:00+09:00"),
        ("D:20260105093000-0530", "2026-01-05T09:30:00-05:30"),
        ("D:20260105093000Z00'00'", "2026-01-05T09:30:00+00:00"),
        ("D:20260105093000", "2026-01-05T09:30:00"),
        ("20260105", "2026-01-05"),
        ("D:202601", "2026-01"),
        ("D:2026", "2026"),
        ("D:2026010509", "2026-01-05T09:00"),
        ("D:20261305", None),
        ("D:20260230", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(stated: str, expected: str | None) -> None:
    assert iso_of_pdf_date(stated) == expected


def test_the_outline_gives_headings(read_with: ReadContent) -> None:
    assert headings_of(read_with(read_pdf, make_sample())) == [
        [("제1장 개요", 1)],
        [("제2장 요금", 1)],
        [("Chapter 3 Summary", 1)],
    ]


def test_an_outline_has_levels_and_titles_that_are_on_no_page(read_with: ReadContent) -> None:
    content = make_report(
        ["제1장 총칙\n본문이다.\n1.1 Scope\nBody text.", "끝"],
        outline=[("총칙", 0, 1), ("Scope", 0, 2), ("Deep", 0, 3), ("표지", 1, 1)],
    )
    document = read_with(read_pdf, content)
    assert headings_of(document) == [[("제1장 총칙", 1), ("1.1 Scope", 2)], []]
    assert text_of(document) == "제1장 총칙\n\n본문이다.\n\n1.1 Scope\n\nBody text.\n\n끝"


def test_a_cyclic_outline_ends(read_with: ReadContent) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf(["하나\n둘"], "t")))
    first, second = (writer.add_outline_item(title=title, page_number=0) for title in ("하나", "둘"))
    entry = second.get_object()
    assert isinstance(entry, DictionaryObject)
    entry[NameObject("/Next")] = first
    entry[NameObject("/First")] = second
    assert headings_of(read_with(read_pdf, written(writer))) == [[("하나", 1), ("둘", 1)]]


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
@EACH
def test_a_file_with_a_user_password_is_encrypted(read_with: ReadContent, reader: Reader, algorithm: str) -> None:
    with refused_as("encrypted"):
        read_with(reader, encrypted(PDF, "secret", algorithm))


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
@EACH
def test_a_file_with_only_an_owner_password_is_read(read_with: ReadContent, reader: Reader, algorithm: str) -> None:
    assert text_of(read_with(reader, encrypted(PDF, "", algorithm))) == "\n\n".join(PAGES)


@pytest.mark.parametrize(
    "content",
    [
        b"plain words, no PDF",
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + bytes(range(256)) * 8,
        PDF[: len(PDF) // 8],
        make_pdf(["a"], "t").replace(b"/Count 1", b"/Count 0").replace(b"/Kids [8 0 R]", b"/Kids [     ]"),
    ],
)
@EACH
def test_an_invalid_pdf_is_corrupt(read_with: ReadContent, reader: Reader, content: bytes) -> None:
    with refused_as("corrupt"):
        read_with(reader, content)


@pytest.mark.parametrize("page_degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("text_degrees", [0, 90, 180, 270])
def test_lines_keep_their_order_however_they_are_turned(
    read_with: ReadContent, text_degrees: int, page_degrees: int
) -> None:
    lines = [f"{number}번째 줄" for number in range(10, 20)]
    content = turned(make_pdf(["\n".join(lines)], "t"), text_degrees, page_degrees)
    assert text_of(read_with(read_pdf, content)).split("\n") == lines


def test_filled_in_form_fields_are_read(read_with: ReadContent) -> None:
    assert text_of(read_with(read_pdf, make_form("이름:", "홍길동 Kim"))) == "이름:\n홍길동 Kim"


def test_characters_beyond_the_basic_plane(read_with: ReadContent) -> None:
    content = with_font("/Identity-H", unicode_map({**{c: c for c in "대한민국 Tst"}, "e": "😀𠮷"}))
    assert text_of(read_with(read_pdf, content)) == "대한민국 T😀𠮷st"


@EACH
def test_text_within_a_form_object_is_read(read_with: ReadContent, reader: Reader) -> None:
    assert text_of(read_with(reader, make_in_form_object(PDF))).startswith(PAGES[0])


@pytest.mark.parametrize("encoding", ["/UniKS-UCS2-H", "/UniKS-UTF16-H"])
@EACH
def test_unicode_encodings_need_no_map(read_with: ReadContent, reader: Reader, encoding: str) -> None:
    assert text_of(read_with(reader, with_font(encoding))) == "대한민국 Test"


def test_korean_encodings_need_no_map(read_with: ReadContent) -> None:
    sentence = "대한민국 문서 처리 Test 123 똠방각하 값"
    assert text_of(read_with(read_pdf, make_pdf([sentence], "t", with_unicode_map=False))) == sentence


@pytest.mark.parametrize(("module", "reader"), [(pdf_pdfium, read_pdf), (pdf_pypdf, read_pdf_with_pypdf)])
def test_a_text_over_the_limit_is_too_large(
    read_with: ReadContent, monkeypatch: pytest.MonkeyPatch, module: SimpleNamespace, reader: Reader
) -> None:
    monkeypatch.setattr(module, "MAX_CHARACTERS", 20)
    with refused_as("too_large"):
        read_with(reader, PDF)
