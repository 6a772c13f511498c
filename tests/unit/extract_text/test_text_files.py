import io
import zipfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument

ReadBytes = Callable[[bytes, str], ExtractedText]

KOREAN = "제1조 계약의 목적은 다음과 같다.\n둘째 줄"
ENGLISH = "The purpose of this agreement is as follows.\nSecond line"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0C\0" + bytes(range(1, 65))
EXECUTABLE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0@" + bytes(60)


def code_of(read_bytes: ReadBytes, content: bytes, name: str) -> str:
    with pytest.raises(BadDocument) as caught:
        read_bytes(content, name)
    return caught.value.code


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    return target.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(("text", "language"), [(KOREAN, "ko"), (ENGLISH, "en")])
def test_text_in_every_encoding_of_the_office(read_bytes: ReadBytes, encoding: str, text: str, language: str) -> None:
    content = text.replace("\n", "\r\n").encode(encoding)
    assert read_bytes(content, "메모.txt") == ExtractedText(text, (0,), language)


@pytest.mark.parametrize("name", ["readme", "README", "notes.TXT", "a+b 100%.text", "회의록/2026/메모.txt"])
def test_names_of_plain_text(read_bytes: ReadBytes, name: str) -> None:
    assert read_bytes(b"A short note.", name).text == "A short note."


@pytest.mark.parametrize("name", ["계약서.md", "contract.MARKDOWN"])
def test_markdown_keeps_its_marks_and_gives_its_title(read_bytes: ReadBytes, name: str) -> None:
    source = (
        "---\nauthor: 김\n---\n\n## Before\n\n```\n# not this\n```\n\n# 임대차  계약서 #\n\n- one\n- two\n\n# Later"
    )
    document = read_bytes(source.encode(), name)
    assert document.text == source
    assert document.title == "임대차 계약서"


@pytest.mark.parametrize("source", ["no heading", "## second level only", "#hashtag", "# "])
def test_markdown_without_title(read_bytes: ReadBytes, source: str) -> None:
    assert read_bytes(f"{source}\n\ntext".encode(), "a.md").title is None


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf", "\ufeff \n".encode("utf-16-le")])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "noname"])
def test_blank_files_are_empty(read_bytes: ReadBytes, content: bytes, name: str) -> None:
    assert code_of(read_bytes, content, name) == "empty"


@pytest.mark.parametrize("name", ["a.pdf", "a.docx"])
@pytest.mark.parametrize("content", [b"", b" \n"])
def test_blank_files_of_any_name_are_empty(read_bytes: ReadBytes, content: bytes, name: str) -> None:
    assert code_of(read_bytes, content, name) == "empty"


@pytest.mark.parametrize("content", [PNG, JPEG, EXECUTABLE, zipped(), b"{\\rtf1\\ansi hello}", bytes(range(256)) * 4])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "noname", "a.png", "a.docx", "a.zip", "a.exe"])
def test_other_content_is_refused_under_any_name(read_bytes: ReadBytes, content: bytes, name: str) -> None:
    assert code_of(read_bytes, content, name) == "unsupported_type"


def test_a_stored_pdf_within_an_archive_is_no_pdf(read_bytes: ReadBytes) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.pdf", b"%PDF-1.7\n")
    assert code_of(read_bytes, target.getvalue(), "a.zip") == "unsupported_type"


@pytest.mark.parametrize("name", ["a.html", "a.csv", "a.hwp", "a.unknown"])
def test_other_names_are_refused(read_bytes: ReadBytes, name: str) -> None:
    assert code_of(read_bytes, b"plain words", name) == "unsupported_type"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("出租人应当在合同期限届满前将押金退还承租人，双方另有约定的除外。".encode("gbk"), id="Chinese"),
        pytest.param("契約期間の終了前に保証金を返還しなければならない。".encode("shift_jis"), id="Japanese"),
        pytest.param("Le dépôt de garantie est à payer à l'entrée.".encode("latin-1"), id="French"),
    ],
)
def test_other_encodings_are_refused_and_never_taken_for_korean(read_bytes: ReadBytes, content: bytes) -> None:
    with pytest.raises(BadDocument, match="UTF-8") as caught:
        read_bytes(content, "a.txt")
    assert caught.value.code == "unsupported_type"


def test_text_with_a_stray_control_is_still_text(read_bytes: ReadBytes) -> None:
    assert read_bytes(b"\x07" + b"word " * 500, "a.txt").text == ("word " * 500).strip()


def test_text_without_anything_visible_has_no_text(read_bytes: ReadBytes) -> None:
    assert code_of(read_bytes, "\ue000\ue001".encode(), "a.txt") == "no_text"


def test_a_text_over_the_limit_is_too_large(read_bytes: ReadBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readers.text.MAX_BYTES", 10)
    assert read_bytes(b"x" * 10, "a.txt").text == "x" * 10
    assert code_of(read_bytes, b"x" * 11, "a.txt") == "too_large"


@settings(derandomize=True, deadline=None, max_examples=500)
@given(
    st.one_of(st.binary(max_size=300), st.text().map(str.encode), st.text().map(lambda text: text.encode("utf-16"))),
    st.sampled_from(["a.txt", "a.md", "a.pdf", "a.bin", "noname", "한글.txt", ".", "", "a/b/.md"]),
)
def test_any_bytes_end_as_text_or_as_a_bad_document(read_bytes: ReadBytes, content: bytes, name: str) -> None:
    with suppress(BadDocument):
        document = read_bytes(content, name)
        assert document.text.strip()
        assert document.page_starts == (0,)
