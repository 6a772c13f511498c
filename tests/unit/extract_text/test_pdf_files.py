import io
import random
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter
from pypdf.errors import LimitReachedError
from pypdf.generic import DictionaryObject, NameObject, StreamObject

from cli.demo.pdf import make_pdf
from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument

ReadBytes = Callable[[bytes, str], ExtractedText]

PAGES = ["제1조 임대인은 보증금을 반환한다.\n똠방각하 Test 123", "The second page has the other terms.", "끝"]
PDF = make_pdf(PAGES, "임대차 계약서")


def code_of(read_bytes: ReadBytes, content: bytes, name: str = "a.pdf") -> str:
    with pytest.raises(BadDocument) as caught:
        read_bytes(content, name)
    return caught.value.code


def written(writer: PdfWriter) -> bytes:
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


@cache
def encrypted(user_password: str, algorithm: str = "AES-256") -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.encrypt(user_password, "owner", algorithm=algorithm)
    return written(writer)


def with_font(encoding: str, unicode_map: bytes | None = None) -> bytes:
    """The document with another encoding, and another map or none, in its font dictionary."""
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf(["대한민국 Test"], "t")))
    resources = writer.pages[0]["/Resources"]
    assert isinstance(resources, DictionaryObject)
    fonts = resources["/Font"]
    assert isinstance(fonts, DictionaryObject)
    font = fonts["/F1"]
    assert isinstance(font, DictionaryObject)
    font[NameObject("/Encoding")] = NameObject(encoding)
    del font["/ToUnicode"]
    if unicode_map is not None:
        stream = StreamObject()
        stream.set_data(unicode_map)
        font[NameObject("/ToUnicode")] = writer._add_object(stream)
    return written(writer)


def test_text_pages_language_and_title(read_bytes: ReadBytes) -> None:
    document = read_bytes(PDF, "계약서.pdf")
    assert document.text == "\n\n".join(PAGES)
    assert [document.text[start:].split("\n")[0] for start in document.page_starts] == [
        page.split("\n")[0] for page in PAGES
    ]
    assert document.language == "ko"
    assert document.title == "임대차 계약서"


@pytest.mark.parametrize("name", ["a.txt", "a.docx", "noname", "a.md"])
def test_a_pdf_is_one_under_any_name(read_bytes: ReadBytes, name: str) -> None:
    assert read_bytes(PDF, name).text == "\n\n".join(PAGES)


def test_a_pdf_may_begin_with_foreign_bytes(read_bytes: ReadBytes) -> None:
    assert read_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + PDF, "a.pdf").text == "\n\n".join(PAGES)


def test_words_broken_over_lines_are_joined(read_bytes: ReadBytes) -> None:
    assert read_bytes(make_pdf(["a long docu-\nment, Korea-\nUSA"], "t"), "a.pdf").text == (
        "a long document, Korea-\nUSA"
    )


def test_blank_pages_take_no_room(read_bytes: ReadBytes) -> None:
    document = read_bytes(make_pdf(["", "first", "", "second", ""], "t"), "a.pdf")
    assert document.text == "first\n\nsecond"
    assert document.page_starts == (0, 0, 5, 7, 13)
    assert document.page_at(0) == 2
    assert document.page_at(8) == 4


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.text(alphabet="가나다 abcXY.-\n", max_size=40), min_size=1, max_size=6))
def test_pages_concatenate_to_the_text(read_bytes: ReadBytes, pages: list[str]) -> None:
    if not "".join(pages).strip():
        assert code_of(read_bytes, make_pdf(pages, "t")) == "no_text"
        return
    document = read_bytes(make_pdf(pages, "t"), "a.pdf")
    assert document.page_starts[0] == 0
    assert len(document.page_starts) == len(pages)
    slices = [document.text[start:end] for start, end in pairwise([*document.page_starts, len(document.text)])]
    assert "".join(slices) == document.text
    letters = [[character for character in page if character.isalpha()] for page in pages]
    assert [[character for character in part if character.isalpha()] for part in slices] == letters


@pytest.mark.parametrize("title", ["", "   ", "\x00\x01"])
def test_a_blank_title_is_none(read_bytes: ReadBytes, title: str) -> None:
    assert read_bytes(make_pdf(["text"], title), "a.pdf").title is None


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_a_password_to_open_is_encrypted(read_bytes: ReadBytes, algorithm: str) -> None:
    assert code_of(read_bytes, encrypted("secret", algorithm)) == "encrypted"


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_a_password_for_its_owner_only_opens(read_bytes: ReadBytes, algorithm: str) -> None:
    assert read_bytes(encrypted("", algorithm), "a.pdf").text == "\n\n".join(PAGES)


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
def test_a_pdf_that_is_none_is_corrupt(read_bytes: ReadBytes, content: bytes) -> None:
    assert code_of(read_bytes, content) == "corrupt"


def test_a_pdf_without_text_has_no_text(read_bytes: ReadBytes) -> None:
    writer = PdfWriter()
    writer.add_blank_page(595, 842)
    assert code_of(read_bytes, written(writer)) == "no_text"


@pytest.mark.parametrize("encoding", ["/UniKS-UCS2-H", "/UniKS-UTF16-H"])
def test_unicode_encodings_need_no_map(read_bytes: ReadBytes, encoding: str) -> None:
    assert read_bytes(with_font(encoding), "a.pdf").text == "대한민국 Test"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(make_pdf(["대한민국"], "t", with_unicode_map=False), id="CP949"),
        pytest.param(with_font("/KSC-EUC-H"), id="EUC"),
        pytest.param(with_font("/KSCms-UHC-HW-H"), id="CP949 half width"),
        pytest.param(with_font("/KSCms-UHC-V", b"1 beginbfchar <B0A1> <AC00> endbfchar"), id="mixed widths with a map"),
        pytest.param(with_font("/Identity-H"), id="glyph numbers"),
        pytest.param(with_font("/Identity-H", b"not a map"), id="glyph numbers and a broken map"),
        pytest.param(with_font("/UniKS-UTF8-H"), id="a Unicode encoding that is not of two bytes"),
    ],
)
def test_text_in_a_font_without_usable_map_is_refused(read_bytes: ReadBytes, content: bytes) -> None:
    with pytest.raises(BadDocument, match="font") as caught:
        read_bytes(content, "a.pdf")
    assert caught.value.code == "no_text"


def test_an_unreadable_font_that_shows_nothing_is_no_obstacle(read_bytes: ReadBytes) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    other = PdfWriter(clone_from=io.BytesIO(make_pdf([""], "t", with_unicode_map=False)))
    writer.append(io.BytesIO(written(other)))
    assert read_bytes(written(writer), "a.pdf").text == "\n\n".join(PAGES)


def test_an_unreadable_font_within_a_form_is_noticed(read_bytes: ReadBytes) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    page = writer.pages[1]
    hidden = PdfWriter(clone_from=io.BytesIO(make_pdf(["대한민국"], "t", with_unicode_map=False))).pages[0]
    form = StreamObject()
    contents = hidden.get_contents()
    assert contents is not None
    form.set_data(contents.get_data())
    form[NameObject("/Type")] = NameObject("/XObject")
    form[NameObject("/Subtype")] = NameObject("/Form")
    form[NameObject("/Resources")] = hidden["/Resources"].clone(writer)
    resources = page["/Resources"]
    assert isinstance(resources, DictionaryObject)
    resources[NameObject("/XObject")] = DictionaryObject({NameObject("/X1"): writer._add_object(form)})
    drawing = StreamObject()
    drawing.set_data(b"/X1 Do")
    page[NameObject("/Contents")] = writer._add_object(drawing)
    assert code_of(read_bytes, written(writer)) == "no_text"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (LimitReachedError("limit"), "too_large"),
        (MemoryError(), "too_large"),
        (RecursionError(), "corrupt"),
        (KeyError("/Pages"), "corrupt"),
    ],
)
def test_what_the_parser_raises_becomes_a_code(
    read_bytes: ReadBytes, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: str
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise raised

    monkeypatch.setattr("pypdf.PageObject.extract_text", fail)
    assert code_of(read_bytes, PDF) == code


def test_a_text_over_the_limit_is_too_large(read_bytes: ReadBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readers.pdf.MAX_CHARACTERS", 20)
    assert code_of(read_bytes, PDF) == "too_large"


def test_the_parser_logs_nothing_of_the_document(read_bytes: ReadBytes, caplog: pytest.LogCaptureFixture) -> None:
    read_bytes(with_font("/UniKS-UTF16-H"), "a.pdf")  # an encoding that pypdf would comment on
    assert not caplog.records


@pytest.mark.parametrize("seed", range(300))
def test_mutated_files_end_as_text_or_as_a_bad_document(read_bytes: ReadBytes, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same numbers every time are what a test needs
    source = chance.choice([PDF, encrypted("", "AES-128"), make_pdf(["대한민국"], "t", with_unicode_map=False)])
    content = mutated(bytearray(source), chance)
    with suppress(BadDocument):
        assert read_bytes(content, "a.pdf").text.strip()


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
