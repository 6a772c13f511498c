import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.errors import BadDocument
from readers.detect import family_of
from tests.files import eml, epub, html, text
from tests.files.hwp5 import make_ole
from tests.files.hwp5 import make_sample as make_hwp5

Family = Callable[[bytes, str], str]

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0C\0" + bytes(range(1, 65))
EXECUTABLE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0@" + bytes(60)
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"

ANY_NAME = ["x.bin", "x", "", "x.txt", "x.docx", "x.pdf", "x.json", "x.csv", "x.md", "메모.hwp"]


@pytest.fixture
def family(tmp_path: Path) -> Family:
    """Returns the family, or the code with which a file is refused."""

    def family_or_code(content: bytes, name: str) -> str:
        file = tmp_path / "content"
        file.write_bytes(content)
        try:
            return family_of(file, name)
        except BadDocument as bad:
            return bad.code

    return family_or_code


def refusal(tmp_path: Path, content: bytes, name: str = "x") -> BadDocument:
    file = tmp_path / "content"
    file.write_bytes(content)
    with pytest.raises(BadDocument) as caught:
        family_of(file, name)
    return caught.value


def zipped(*names: str, **contents: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
        for name, content in contents.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize("name", ANY_NAME)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", "pdf", id="pdf"),
        pytest.param(b"junk\n%PDF-1.7\n...\nstartxref\n0\n%%EOF\n", "pdf", id="pdf after junk"),
        pytest.param(zipped("[Content_Types].xml", "word/document.xml"), "docx", id="docx"),
        pytest.param(zipped("[content_types].xml", "word\\document2.xml"), "docx", id="odd docx"),
        pytest.param(zipped("[Content_Types].xml", "ppt/presentation.xml"), "pptx", id="pptx"),
        pytest.param(zipped("[Content_Types].xml", "xl/workbook.bin"), "xlsx", id="xlsb"),
        pytest.param(zipped(mimetype="application/hwp+zip"), "hwpx", id="hwpx"),
        pytest.param(zipped("META-INF/container.xml", "Contents/content.hpf"), "hwpx", id="hwpx without its type"),
        pytest.param(make_hwp5(), "hwp5", id="hwp"),
        pytest.param(make_ole({"Workbook": b"x"}), "xlsx", id="xls"),
        pytest.param(make_ole({"Book": b"x"}), "xlsx", id="old xls"),
        pytest.param(make_ole({"EncryptionInfo": b"x", "EncryptedPackage": b"x"}), "encrypted", id="protected"),
        pytest.param(epub.make_sample(), "epub", id="epub"),
        pytest.param(zipped("META-INF/container.xml", "a/b.OPF"), "epub", id="epub without its type"),
        pytest.param(html.make_sample(), "html", id="html"),
        pytest.param(html.make_html("契約", charset="shift_jis"), "html", id="html in another encoding"),
        pytest.param(html.make_html("계약", charset="utf-16"), "html", id="html in UTF-16"),
        pytest.param(
            b"\xef\xbb\xbf\r\n<!-- saved -->\n<?xml version='1.0'?><HTML lang=ko>", "html", id="html after a comment"
        ),
        pytest.param(eml.make_sample(), "eml", id="eml"),
        pytest.param(b"From a@b Mon Jan\nReceived: x\n by y\nSubject: a\nFrom: b\n\n", "eml", id="mailbox"),
    ],
)
def test_content_counts_under_any_name(family: Family, content: bytes, expected: str, name: str) -> None:
    assert family(content, name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.md", "markdown"),
        ("a.MARKDOWN", "markdown"),
        ("a.csv", "csv"),
        ("a.tsv", "csv"),
        ("a.xls", "csv"),
        ("a.json", "json"),
        ("a.jsonl", "json"),
        ("a.htm", "html"),
        ("a.eml", "plain"),
        ("a.txt", "plain"),
        ("a.log", "plain"),
        ("tool.3", "plain"),
        ("설정.yaml", "plain"),
        ("a.unknown", "plain"),
        ("README", "plain"),
        ("", "plain"),
        ("a.md/b", "plain"),
        ("a.docx", "corrupt"),
        ("a.pdf", "corrupt"),
        ("a.hwp", "corrupt"),
    ],
)
def test_the_name_decides_the_family_of_plain_text(family: Family, name: str, expected: str) -> None:
    assert family("회의는 세 시에 열린다.\n".encode("cp949"), name) == expected


@pytest.mark.parametrize("name", ["x.bin", "x", "x.txt", "x.xls", "x.html"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (text.make_json(), "json"),
        (text.make_jsonl(), "json"),
        (b'  [1, {"a": ' + b'"b"}, {"a": ' * 20_000, "json"),
        (b'{"a": "' + b"x" * 100_000, "json"),
        (b"[" * 100_000, "json"),
        (b"<table border=1><tr><td>a</td></tr></table>", "html"),
    ],
)
def test_json_and_html_fragments_are_detected_without_a_name(
    family: Family, content: bytes, expected: str, name: str
) -> None:
    assert family(content, name) == expected


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b'<p align="center"><img src="logo.png"></p>\n\n# Title', "README.md", "markdown"),
        (b"# HTML\n\n```html\n<!DOCTYPE html>\n<html></html>\n```", "a.md", "markdown"),
        (b"[link](https://example.com)", "a.md", "markdown"),
        (b"[link](https://example.com)", "a", "plain"),
        (b"[section]\nkey = value", "a.ini", "plain"),
        (b"[1] Kim, The lease. 2026.", "a.txt", "plain"),
        (b"[2026-01-05 09:00:00] started", "a.log", "plain"),
        (b"{braces} are no JSON", "a", "plain"),
        (b'{"a": 1} {broken', "a", "plain"),
        (b"<p> is how a paragraph begins", "a.txt", "plain"),
        (b"The header is %PDF-1.7 in most files.", "a.md", "markdown"),
        ("To: 총무팀\nFrom: 홍길동\nDate: 2026-01-05\nSubject: 회의\n\n본문".encode(), "a.txt", "plain"),
        ("To: 총무팀\nFrom: 홍길동\n\n본문".encode(), "a.eml", "eml"),
        (b"Content-Type: the field that says so.\nSubject matter: none", "a.txt", "plain"),
        (b'<?xml version="1.0"?><svg><text>a</text></svg>', "a.svg", "plain"),
        (b'{"a": 1', "a.json", "json"),
        ("이름,나이\n".encode("cp949"), "a.csv", "csv"),
        (b"word " * 20_000 + "끝".encode(), "a", "plain"),
        (("가" * 30_000).encode(), "a", "plain"),
        (("가" * 40_000).encode("utf-16"), "a", "plain"),
        (("a" + "가" * 40_000).encode("cp949"), "a", "plain"),
    ],
)
def test_text_that_looks_like_something_else(family: Family, content: bytes, name: str, expected: str) -> None:
    assert family(content, name) == expected


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt", "", "a.html"])
@pytest.mark.parametrize("content", [b"", b" \n", b"\xef\xbb\xbf \n"])
def test_blank_files_of_any_name_are_empty(
    read_bytes: Callable[[bytes, str], object], content: bytes, name: str
) -> None:
    with pytest.raises(BadDocument) as caught:
        read_bytes(content, name)
    assert caught.value.code == "empty"


@pytest.mark.parametrize(
    "content", [PNG, JPEG, EXECUTABLE, MP4, zipped("word/document.xml"), zipped("a.pdf"), b"{\\rtf1\\ansi hello}"]
)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "noname", "a.png", "a.docx", "a.zip", "a.exe"])
def test_other_content_is_refused_under_any_name(family: Family, content: bytes, name: str) -> None:
    assert family(content, name) == "unsupported_type"


@pytest.mark.parametrize(("name", "code"), [("a.docx", "corrupt"), ("a.xls", "corrupt"), ("a", "unsupported_type")])
def test_bytes_without_meaning(family: Family, name: str, code: str) -> None:
    assert family(bytes(range(256)) * 4, name) == code


@pytest.mark.parametrize(
    "content",
    [zipped("[Content_Types].xml", "word/document.xml")[:-30], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)],
)
def test_damaged_containers_are_corrupt(family: Family, content: bytes) -> None:
    assert family(content, "a.docx") == "corrupt"


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"{\\rtf1 a}", ".docx"),
        (b"HWP Document File V3.00 \x1a\1\2\3\4\5" + bytes(90), ".hwpx"),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n<HWPML Version="2.8">', ".hwpx"),
        (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook>', ".xlsx"),
        (zipped(mimetype="application/vnd.oasis.opendocument.text"), ".docx"),
        (make_ole({"WordDocument": b"x"}), ".docx"),
        (make_ole({"PowerPoint Document": b"x"}), ".pptx"),
        (make_ole({"__properties_version1.0": b"x"}), ".eml"),
        (make_ole({"FileHeader": b"x"}), "DOCX"),
    ],
)
def test_old_and_foreign_formats_are_refused_with_advice(tmp_path: Path, content: bytes, advice: str) -> None:
    bad = refusal(tmp_path, content)
    assert bad.code == "unsupported_type"
    assert advice in bad.message


@pytest.mark.parametrize(
    "content", ["出租人应当将押金退还承租人。".encode("gbk"), "契約期間の終了前".encode("shift_jis")]
)
def test_text_in_other_encodings_is_refused_with_advice(tmp_path: Path, content: bytes) -> None:
    assert "UTF-8" in refusal(tmp_path, content, "a.txt").message


@given(
    st.sampled_from([b"", b"PK\3\4", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<html", b"{", b"[", b"<!--", b"From: a\n"]),
    st.binary(max_size=300),
    st.text(max_size=8),
)
def test_any_bytes_have_a_family_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, beginning: bytes, rest: bytes, name: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "any"
    file.write_bytes(beginning + rest)
    with suppress(BadDocument):
        assert family_of(file, name)
