import struct
import zlib
from pathlib import Path

import pytest
from pypdf import PdfWriter

from cli.demo.pdf import make_pdf
from onggi.domain.errors import BadDocument
from readers.raster import page_images
from tests.files.pdf import encrypted, make_scan, written
from tests.files.pdf_annotations import make_form


class Picture:
    """A greyscale PNG, read strictly: every chunk's sum is checked."""

    def __init__(self, content: bytes) -> None:
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        chunks: dict[bytes, bytes] = {}
        at = 8
        while at < len(content):
            (length,) = struct.unpack_from(">I", content, at)
            kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
            assert struct.unpack_from(">I", content, at + 8 + length) == (zlib.crc32(kind + body),)
            chunks[kind] = body
            at += length + 12
        assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
        self.width, self.height, *form = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
        assert form == [8, 0, 0, 0, 0]
        data = zlib.decompress(chunks[b"IDAT"])
        self.rows = [data[start : start + self.width + 1] for start in range(0, len(data), self.width + 1)]
        assert len(self.rows) == self.height
        assert {row[0] for row in self.rows} == {0}

    def darkest(self, left: float, top: float, right: float, bottom: float) -> int:
        """Returns the darkest value in a part of the image, which is given in shares of its sides."""
        columns = slice(1 + int(left * self.width), 1 + int(right * self.width))
        return min(min(row[columns]) for row in self.rows[int(top * self.height) : int(bottom * self.height)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "content.pdf"


def test_pages_asked_for_are_drawn_in_order(file: Path) -> None:
    file.write_bytes(make_scan(["", None]))
    scan, blank = map(Picture, page_images(file, [2, 1]))
    assert scan.height == blank.height == 1600
    assert scan.width == blank.width == pytest.approx(1600 * 595 / 842, abs=1)
    assert scan.darkest(0.2, 0.3, 0.8, 0.7) < 30
    assert scan.darkest(0, 0, 1, 0.1) == 255
    assert blank.darkest(0, 0, 1, 1) == 255


def test_no_pages_give_no_images(file: Path) -> None:
    file.write_bytes(make_pdf(["a"], "t"))
    assert page_images(file, []) == []


def test_filled_in_form_fields_are_drawn(file: Path) -> None:
    file.write_bytes(make_form("", "AAAA"))
    [picture] = map(Picture, page_images(file, [1]))
    assert picture.darkest(100 / 595, 522 / 842, 200 / 595, 542 / 842) < 128


def test_text_in_a_missing_font_is_not_drawn(file: Path) -> None:
    """A recognition model would take boxes for letters."""
    file.write_bytes(make_pdf(["임대차 계약서 2026\n보증금"], "t"))
    [picture] = map(Picture, page_images(file, [1]))
    assert picture.darkest(0, 0, 1, 1) == 255


@pytest.mark.parametrize(("width", "height"), [(14_400, 14_400), (3, 14_000), (14_000, 3), (1, 1)])
def test_pages_of_any_size_are_bounded(file: Path, width: float, height: float) -> None:
    writer = PdfWriter()
    writer.add_blank_page(width, height)
    file.write_bytes(written(writer))
    [picture] = map(Picture, page_images(file, [1]))
    assert max(picture.width, picture.height) <= 1601
    assert min(picture.width, picture.height) >= 1


@pytest.mark.parametrize("page", [0, 2])
def test_a_missing_page_is_corrupt(file: Path, page: int) -> None:
    file.write_bytes(make_pdf(["a"], "t"))
    with pytest.raises(BadDocument) as caught:
        page_images(file, [page])
    assert caught.value.code == "corrupt"


def test_a_protected_file_is_not_drawn(file: Path) -> None:
    file.write_bytes(encrypted(make_pdf(["a"], "t"), "secret"))
    with pytest.raises(BadDocument) as caught:
        page_images(file, [1])
    assert caught.value.code == "encrypted"
