from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument
from readers.model import Page, Paragraph
from readers.text import read_plain

ReadBytes = Callable[[bytes, str], ExtractedText]

KOREAN = "제1조 계약의 목적은 다음과 같다.\n둘째 줄"
ENGLISH = "The purpose of this agreement is as follows.\nSecond line"


def code_of(read_bytes: ReadBytes, content: bytes, name: str) -> str:
    with pytest.raises(BadDocument) as caught:
        read_bytes(content, name)
    return caught.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(("text", "language"), [(KOREAN, "ko"), (ENGLISH, "en")])
def test_text_in_every_common_encoding_is_decoded(
    read_bytes: ReadBytes, encoding: str, text: str, language: str
) -> None:
    content = text.replace("\n", "\r\n").encode(encoding)
    document = read_bytes(content, "메모.txt")
    assert (document.text, document.page_starts, document.language) == (text, (0,), language)


@pytest.mark.parametrize("name", ["readme", "README", "notes.TXT", "a+b 100%.text", "회의록/2026/메모.txt"])
def test_names_of_plain_text(read_bytes: ReadBytes, name: str) -> None:
    assert read_bytes(b"A short note.", name).text == "A short note."


def test_blank_lines_separate_paragraphs_and_line_breaks_and_indents_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "content"
    file.write_bytes(b"\r\n  One\r\n  two\r\n \t\r\n\r\nThree\rfour\n")
    assert read_plain(file).pages == (Page((Paragraph("  One\n  two"), Paragraph("Three\nfour"))),)


def test_a_form_feed_begins_a_page(read_bytes: ReadBytes) -> None:
    document = read_bytes("첫 쪽\f\f셋째 쪽\f\n".encode(), "a.txt")
    assert document.text == "첫 쪽\n\n셋째 쪽"
    assert document.page_starts == (0, 5, 5)


def test_unlimited_pages_are_too_large(read_bytes: ReadBytes) -> None:
    assert code_of(read_bytes, b"x\f" * 30_000, "a.txt") == "too_large"


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf", "\ufeff \n".encode("utf-16-le")])
@pytest.mark.parametrize("name", ["a.txt", "a.md", "noname"])
def test_blank_files_are_empty(read_bytes: ReadBytes, content: bytes, name: str) -> None:
    assert code_of(read_bytes, content, name) == "empty"


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


@pytest.mark.parametrize("text", ["It’s £5 – “cheap” enough for us.", "A naïve plan.", "It’s", "¡This"])
def test_english_with_few_typographic_characters_may_be_in_windows_1252(read_bytes: ReadBytes, text: str) -> None:
    padded = text + " plain words" * 40
    assert read_bytes(padded.encode("cp1252"), "a.txt").text == padded


def test_text_with_a_stray_control_is_still_text(read_bytes: ReadBytes) -> None:
    assert read_bytes(b"\x07" + b"word " * 500, "a.txt").text == ("word " * 500).strip()


def test_text_without_anything_visible_has_no_text(read_bytes: ReadBytes) -> None:
    assert read_bytes("\ue000\ue001".encode(), "a.txt").text == ""


def test_a_text_over_the_limit_is_too_large(read_bytes: ReadBytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readers.encoding.MAX_BYTES", 10)
    assert read_bytes(b"x" * 10, "a.txt").text == "x" * 10
    assert code_of(read_bytes, b"x" * 11, "a.txt") == "too_large"


@given(
    st.one_of(st.binary(max_size=300), st.text().map(str.encode), st.text().map(lambda text: text.encode("utf-16"))),
    st.sampled_from(["a.txt", "a.md", "a.pdf", "a.bin", "noname", "한글.txt", ".", "", "a/b/.md"]),
)
def test_any_bytes_end_as_text_or_as_a_bad_document(read_bytes: ReadBytes, content: bytes, name: str) -> None:
    with suppress(BadDocument):
        document = read_bytes(content, name)
        assert document.page_starts[0] == 0
        assert all(start <= len(document.text) for start in document.page_starts)
