from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.epub import read_epub
from readers.model import Heading, ListItem, Page, Paragraph, Properties, RawDocument, Table
from tests.files.epub import CONTAINER, make_epub, make_sample

Read = Callable[[bytes], RawDocument]

ENCRYPTION = """<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"
xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod Algorithm="{}"/>
</enc:EncryptedData></encryption>"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_epub(file)

    return read_content


def test_the_sample(read: Read) -> None:
    assert read(make_sample()) == RawDocument(
        (
            Page(
                (Heading("첫째 장 The first chapter", 1), Paragraph("계약은 말로도 이루어진다."), ListItem("집 house"))
            ),
            Page(
                (
                    Heading("둘째 장", 1),
                    Paragraph("The deposit is returned."),
                    Table(("구분 | 금액", "보증금 | 10,000,000")),
                )
            ),
        ),
        Properties("임대차 이야기", "홍길동, Kim Chulsoo", "2026-01-05", "2026-02-01T00:00:00Z"),
    )


def test_chapters_come_in_reading_order_each_once(read: Read) -> None:
    pages = read(make_epub(["<p>가</p>", "<p>나</p>", "<p>다</p>"], order="2 0 2")).pages
    assert pages == (Page((Paragraph("다"),)), Page((Paragraph("가"),)))


def test_a_chapter_with_only_a_picture_needs_recognition(read: Read) -> None:
    pages = read(make_epub(['<img src="a.png"/>', "<svg><image href='a.png'/></svg>", "<p/>"])).pages
    assert [page.needs_ocr for page in pages] == [True, True, False]


def test_a_book_with_a_missing_chapter_is_read(read: Read) -> None:
    package = """<package><metadata/><manifest>
    <item id="a" href="gone.xhtml" media-type="application/xhtml+xml"/>
    <item id="b" href="./text/../text/%EC%9E%A50.xhtml#top" media-type="application/xhtml+xml"/>
    </manifest><spine><itemref idref="a"/><itemref idref="b"/><itemref idref="unknown"/></spine></package>"""
    assert read(make_epub(["<p>글</p>"], more={"책/book.opf": package})).pages == (Page((Paragraph("글"),)),)


@pytest.mark.parametrize("algorithm", ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"])
def test_obfuscated_fonts_are_no_protection(read: Read, algorithm: str) -> None:
    assert read(make_epub(["<p>글</p>"], more={"META-INF/encryption.xml": ENCRYPTION.format(algorithm)})).pages


def test_rights_management_is_refused(read: Read) -> None:
    encryption = ENCRYPTION.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")
    with pytest.raises(BadDocument) as caught:
        read(make_epub(["<p>글</p>"], more={"META-INF/encryption.xml": encryption}))
    assert caught.value.code == "encrypted"


@pytest.mark.parametrize(
    "more",
    [
        {"META-INF/container.xml": "<container"},
        {"META-INF/container.xml": CONTAINER.replace("책/book.opf", "gone.opf")},
        {"책/book.opf": "<package><spine/></package>"},
        {"책/book.opf": "no XML"},
    ],
)
def test_damaged_books(read: Read, more: dict[str, str]) -> None:
    with pytest.raises(BadDocument) as caught:
        read(make_epub(["<p>글</p>"], more=more))
    assert caught.value.code == "corrupt"


def test_properties_of_old_books(read: Read) -> None:
    metadata = """<dc:title> 책 </dc:title><dc:date event="modification">2026-03</dc:date>
    <dc:date event="publication">2025</dc:date><dc:creator/>"""
    assert read(make_epub(["<p>글</p>"], metadata)).properties == Properties("책", None, "2025", "2026-03")
