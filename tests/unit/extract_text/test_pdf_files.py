import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.errors import LimitReachedError
from pypdf.generic import DictionaryObject, NameObject

from cli.demo.pdf import make_pdf
from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument
from readers import pdf_pdfium, pdf_pypdf
from readers.assemble import assemble
from readers.model import Heading, RawDocument, Reader
from readers.pdf_pdfium import iso_of_pdf_date, read_pdf
from readers.pdf_pypdf import read_pdf_second
from tests.files.pdf import (
    encrypted,
    make_drawing,
    make_in_form_object,
    make_report,
    make_sample,
    make_scan,
    make_stamped_scan,
    turned,
    unicode_map,
    with_font,
    written,
)
from tests.files.pdf_annotations import make_form

ReadBytes = Callable[[bytes, str], ExtractedText]
ReadContent = Callable[[Reader, bytes], RawDocument]

PAGES = ["제1조 임대인은 보증금을 반환한다.\n똠방각하 Test 123", "The second page has the other terms.", "끝"]
PDF = make_pdf(PAGES, "임대차 계약서")

EACH = pytest.mark.parametrize("reader", [read_pdf, read_pdf_second])


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> ReadContent:
    file = tmp_path_factory.mktemp("upload") / "content.pdf"

    def read_content(reader: Reader, content: bytes) -> RawDocument:
        file.write_bytes(content)
        return reader(file)

    return read_content


@contextmanager
def refused_as(code: str) -> Iterator[None]:
    with pytest.raises(BadDocument) as caught:
        yield
    assert caught.value.code == code


def text_of(document: RawDocument) -> str:
    return assemble(document).text


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
def test_a_pdf_is_one_under_any_name(read_bytes: ReadBytes, name: str) -> None:
    assert read_bytes(PDF, name).text == "\n\n".join(PAGES)


def test_a_pdf_may_begin_with_foreign_bytes(read_bytes: ReadBytes) -> None:
    assert read_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + PDF, "a.pdf").text == "\n\n".join(PAGES)


@EACH
def test_both_readers_read_the_same(read: ReadContent, reader: Reader) -> None:
    assert text_of(read(reader, PDF)) == "\n\n".join(PAGES)


@EACH
def test_words_broken_over_lines_are_joined(read: ReadContent, reader: Reader) -> None:
    content = make_pdf(["a long docu-\nment, Korea-\nUSA, 2024-\n25, 서울-\n부산"], "t")
    assert text_of(read(reader, content)) == "a long document, Korea-\nUSA, 2024-\n25, 서울-\n부산"


@EACH
def test_headers_and_page_numbers_go(read: ReadContent, reader: Reader) -> None:
    text = text_of(read(reader, make_sample()))
    assert text.count("옹기 운영 보고서 2026") == 1
    assert not any(f"- {number} -" in text for number in (1, 2, 3))
    assert "질문 30원 28원" in text


def test_blank_pages_take_no_room(read_bytes: ReadBytes) -> None:
    document = read_bytes(make_pdf(["", "first", "", "second", ""], "t"), "a.pdf")
    assert document.text == "first\n\nsecond"
    assert document.page_starts == (0, 0, 7, 7, 13)
    assert document.needs_ocr == ()


@given(st.lists(st.text(alphabet="가나다 abcXY.\n", max_size=40), min_size=1, max_size=2))
def test_no_letter_is_lost_or_moved_to_another_page(read: ReadContent, pages: list[str]) -> None:
    document = assemble(read(read_pdf, make_pdf(pages, "t")))
    assert len(document.page_starts) == len(pages)
    slices = [document.text[start:end] for start, end in pairwise([*document.page_starts, len(document.text)])]
    assert "".join(slices) == document.text
    letters = [[character for character in page if character.isalpha()] for page in pages]
    assert [[character for character in part if character.isalpha()] for part in slices] == letters


@EACH
def test_properties(read: ReadContent, reader: Reader) -> None:
    content = make_report(
        ["글"], title="보고서", author="김옹기", created="D:20260105093000+09'00'", modified="D:20260301000000Z"
    )
    stated = read(reader, content).properties
    assert (stated.title, stated.author) == ("보고서", "김옹기")
    assert (stated.created, stated.modified) == ("2026-01-05T09:30:00+09:00", "2026-03-01T00:00:00+00:00")


@EACH
def test_a_file_need_not_state_any(read: ReadContent, reader: Reader) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.metadata = None
    stated = read(reader, written(writer)).properties
    assert (stated.title, stated.author, stated.created, stated.modified) == (None, None, None, None)


def test_a_damaged_title_costs_no_text(read: ReadContent) -> None:
    damaged = make_pdf(["글"], "가나").replace("가나".encode("utf-16-be").hex().upper().encode(), b"D800D800")
    document = read(read_pdf, damaged)
    assert text_of(document) == "글"
    assert document.properties.title is not None


@pytest.mark.parametrize("title", ["", "   ", "\x00\x01"])
def test_a_blank_title_is_none(read_bytes: ReadBytes, title: str) -> None:
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


def test_the_outline_gives_headings(read: ReadContent) -> None:
    assert headings_of(read(read_pdf, make_sample())) == [
        [("제1장 개요", 1)],
        [("제2장 요금", 1)],
        [("Chapter 3 Summary", 1)],
    ]


def test_an_outline_has_levels_and_its_titles_may_stand_nowhere(read: ReadContent) -> None:
    content = make_report(
        ["제1장 총칙\n본문이다.\n1.1 Scope\nBody text.", "끝"],
        outline=[("총칙", 0, 1), ("Scope", 0, 2), ("Deep", 0, 3), ("표지", 1, 1)],
    )
    document = read(read_pdf, content)
    assert headings_of(document) == [[("제1장 총칙", 1), ("1.1 Scope", 2)], []]
    assert text_of(document) == "제1장 총칙\n\n본문이다.\n\n1.1 Scope\n\nBody text.\n\n끝"


def test_an_outline_that_bites_its_tail_ends(read: ReadContent) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf(["하나\n둘"], "t")))
    first, second = (writer.add_outline_item(title=title, page_number=0) for title in ("하나", "둘"))
    entry = second.get_object()
    assert isinstance(entry, DictionaryObject)
    entry[NameObject("/Next")] = first
    entry[NameObject("/First")] = second
    assert headings_of(read(read_pdf, written(writer))) == [[("하나", 1), ("둘", 1)]]


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
@EACH
def test_a_password_to_open_is_encrypted(read: ReadContent, reader: Reader, algorithm: str) -> None:
    with refused_as("encrypted"):
        read(reader, encrypted(PDF, "secret", algorithm))


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
@EACH
def test_a_password_for_its_owner_only_opens(read: ReadContent, reader: Reader, algorithm: str) -> None:
    assert text_of(read(reader, encrypted(PDF, "", algorithm))) == "\n\n".join(PAGES)


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
def test_a_pdf_that_is_none_is_corrupt(read: ReadContent, reader: Reader, content: bytes) -> None:
    with refused_as("corrupt"):
        read(reader, content)


@EACH
def test_a_page_with_only_a_picture_needs_recognition(read: ReadContent, reader: Reader) -> None:
    document = read(reader, make_scan(["글이 있다.", None, ""]))
    assert [page.needs_ocr for page in document.pages] == [False, True, False]


@EACH
def test_a_page_with_only_a_drawing_needs_recognition(read: ReadContent, reader: Reader) -> None:
    assert [page.needs_ocr for page in read(reader, make_drawing()).pages] == [True]


def test_a_page_of_meaningless_characters_needs_recognition(read: ReadContent) -> None:
    garbage = with_font("/Identity-H", unicode_map(dict.fromkeys("대한민국Test", "\ue123")))
    mixed = with_font("/Identity-H", unicode_map({**dict.fromkeys("대한", "\ue123"), **{c: c for c in "민국Test"}}))
    assert [page.needs_ocr for content in (garbage, mixed) for page in read(read_pdf, content).pages] == [True, False]


@pytest.mark.parametrize("stamp", ["- 1 -", "Scanned by CamScanner", "사건 2026-01234 출력자 김옹기 2026-01-05 09:30"])
def test_a_page_with_a_stamp_on_its_picture_needs_recognition(read: ReadContent, stamp: str) -> None:
    document = read(read_pdf, make_stamped_scan([stamp, stamp]))
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
def test_a_picture_with_text_of_its_own_needs_no_recognition(read: ReadContent, content: bytes) -> None:
    assert [page.needs_ocr for page in read(read_pdf, content).pages] == [False]


@pytest.mark.parametrize("page_degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("text_degrees", [0, 90, 180, 270])
def test_lines_keep_their_order_however_they_are_turned(
    read: ReadContent, text_degrees: int, page_degrees: int
) -> None:
    lines = [f"{number}번째 줄" for number in range(10, 20)]
    content = turned(make_pdf(["\n".join(lines)], "t"), text_degrees, page_degrees)
    assert text_of(read(read_pdf, content)).split("\n") == lines


def test_what_was_filled_into_a_form_is_read(read: ReadContent) -> None:
    assert text_of(read(read_pdf, make_form("이름:", "홍길동 Kim"))) == "이름:\n홍길동 Kim"


def test_characters_beyond_the_basic_plane(read: ReadContent) -> None:
    content = with_font("/Identity-H", unicode_map({**{c: c for c in "대한민국 Tst"}, "e": "😀𠮷"}))
    assert text_of(read(read_pdf, content)) == "대한민국 T😀𠮷st"


@EACH
def test_text_within_a_form_object_is_read(read: ReadContent, reader: Reader) -> None:
    assert text_of(read(reader, make_in_form_object(PDF))).startswith(PAGES[0])


@pytest.mark.parametrize("encoding", ["/UniKS-UCS2-H", "/UniKS-UTF16-H"])
@EACH
def test_unicode_encodings_need_no_map(read: ReadContent, reader: Reader, encoding: str) -> None:
    assert text_of(read(reader, with_font(encoding))) == "대한민국 Test"


def test_korean_encodings_need_no_map(read: ReadContent) -> None:
    sentence = "대한민국 문서 처리 Test 123 똠방각하 값"
    assert text_of(read(read_pdf, make_pdf([sentence], "t", with_unicode_map=False))) == sentence


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(make_pdf(["대한민국"], "t", with_unicode_map=False), id="CP949"),
        pytest.param(with_font("/KSC-EUC-H"), id="EUC"),
        pytest.param(with_font("/KSCms-UHC-HW-H"), id="CP949 half width"),
        pytest.param(with_font("/KSCms-UHC-V", b"1 beginbfchar <B0A1> <AC00> endbfchar"), id="mixed widths with a map"),
        pytest.param(with_font("/Identity-H"), id="glyph numbers"),
        pytest.param(with_font("/Identity-H", b"not a map"), id="glyph numbers and a broken map"),
        pytest.param(with_font("/Identity-H", unicode_map({c: c for c in "대한 Test"})), id="a map without 민국"),
        pytest.param(with_font("/UniKS-UTF8-H"), id="a Unicode encoding that is not of two bytes"),
    ],
)
def test_pypdf_refuses_text_in_a_font_without_usable_map(read: ReadContent, content: bytes) -> None:
    with pytest.raises(BadDocument, match="font") as caught:
        read(read_pdf_second, content)
    assert caught.value.code == "no_text"


def test_pypdf_trusts_a_map_that_has_all_that_is_shown(read: ReadContent) -> None:
    content = with_font("/Identity-H", unicode_map({c: c for c in "대한민국 Test"}))
    assert text_of(read(read_pdf_second, content)) == "대한민국 Test"


def test_an_unreadable_font_that_shows_nothing_is_no_obstacle(read: ReadContent) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.append(io.BytesIO(make_pdf([""], "t", with_unicode_map=False)))
    assert text_of(read(read_pdf_second, written(writer))) == "\n\n".join(PAGES)


def test_an_unreadable_font_within_a_form_is_noticed(read: ReadContent) -> None:
    with refused_as("no_text"):
        read(read_pdf_second, make_in_form_object(make_pdf(["대한민국"], "t", with_unicode_map=False)))


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (LimitReachedError("limit"), "too_large"),
        (MemoryError(), "too_large"),
        (RecursionError(), "corrupt"),
        (KeyError("/Pages"), "corrupt"),
    ],
)
def test_what_pypdf_raises_becomes_a_code(
    read: ReadContent, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: str
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise raised

    monkeypatch.setattr("pypdf.PageObject.extract_text", fail)
    with refused_as(code):
        read(read_pdf_second, PDF)


@pytest.mark.parametrize(("module", "reader"), [(pdf_pdfium, read_pdf), (pdf_pypdf, read_pdf_second)])
def test_a_text_over_the_limit_is_too_large(
    read: ReadContent, monkeypatch: pytest.MonkeyPatch, module: SimpleNamespace, reader: Reader
) -> None:
    monkeypatch.setattr(module, "MAX_CHARACTERS", 20)
    with refused_as("too_large"):
        read(reader, PDF)


def test_pypdf_logs_nothing_of_the_document(read: ReadContent, caplog: pytest.LogCaptureFixture) -> None:
    read(read_pdf_second, with_font("/UniKS-UTF16-H"))  # an encoding that pypdf would comment on
    assert not caplog.records


@pytest.mark.parametrize("seed", range(150))
def test_mutated_files_end_as_text_or_as_a_bad_document(read: ReadContent, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same numbers every time are what a test needs
    sources = [PDF, encrypted(PDF, "", "AES-128"), make_pdf(["대한민국"], "t", with_unicode_map=False)]
    content = mutated(bytearray(chance.choice(sources)), chance)
    with suppress(BadDocument):
        assert read(read_pdf_second, content).pages


def mutated(content: bytearray, chance: random.Random) -> bytes:
    """Bits flipped, numbers changed, pieces cut out, copied and truncated."""
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(content))
        length = chance.randint(1, 40)
        match chance.randrange(6):
            case 0:
                content[at] ^= 1 << chance.randrange(8)
            case 1:
                content[at] = chance.choice(b"0123456789<>[]()/ \n")
            case 2 if len(content) > 2 * length:
                del content[at : at + length]
            case 3:
                content[at:at] = content[chance.randrange(len(content)) :][:length]
            case 4:
                content[at : at + length] = chance.randbytes(length)
            case 5 if chance.random() < 0.1:
                del content[at + 1 :]
    return bytes(content)
