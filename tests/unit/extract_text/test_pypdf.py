"""PDF files by the second reader: unreadable fonts, errors of pypdf and damaged files."""

import io
import random
from contextlib import suppress

import pytest
from pypdf import PdfWriter
from pypdf.errors import LimitReachedError

from cli.demo.pdf import make_pdf
from onggi.domain.errors import BadDocument
from readers.pdf_pypdf import read_pdf_with_pypdf
from tests.files.pdf import encrypted, make_in_form_object, unicode_map, with_font, written
from tests.unit.extract_text.pdf_reading import PAGES, PDF, ReadContent, refused_as, text_of


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
def test_pypdf_refuses_text_in_a_font_without_usable_map(read_with: ReadContent, content: bytes) -> None:
    with pytest.raises(BadDocument, match="font") as caught:
        read_with(read_pdf_with_pypdf, content)
    assert caught.value.code == "no_text"


def test_pypdf_trusts_a_map_that_has_all_that_is_shown(read_with: ReadContent) -> None:
    content = with_font("/Identity-H", unicode_map({c: c for c in "대한민국 Test"}))
    assert text_of(read_with(read_pdf_with_pypdf, content)) == "대한민국 Test"


def test_an_unused_unreadable_font_is_ignored(read_with: ReadContent) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(PDF))
    writer.append(io.BytesIO(make_pdf([""], "t", with_unicode_map=False)))
    assert text_of(read_with(read_pdf_with_pypdf, written(writer))) == "\n\n".join(PAGES)


def test_an_unreadable_font_within_a_form_is_noticed(read_with: ReadContent) -> None:
    with refused_as("no_text"):
        read_with(read_pdf_with_pypdf, make_in_form_object(make_pdf(["대한민국"], "t", with_unicode_map=False)))


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (LimitReachedError("limit"), "too_large"),
        (MemoryError(), "too_large"),
        (RecursionError(), "corrupt"),
        (KeyError("/Pages"), "corrupt"),
    ],
)
def test_errors_of_pypdf_become_codes(
    read_with: ReadContent, monkeypatch: pytest.MonkeyPatch, raised: BaseException, code: str
) -> None:
    def fail(*_: object, **__: object) -> str:
        raise raised

    monkeypatch.setattr("pypdf.PageObject.extract_text", fail)
    with refused_as(code):
        read_with(read_pdf_with_pypdf, PDF)


def test_pypdf_logs_nothing_of_the_document(read_with: ReadContent, caplog: pytest.LogCaptureFixture) -> None:
    read_with(read_pdf_with_pypdf, with_font("/UniKS-UTF16-H"))  # an encoding that pypdf would comment on
    assert not caplog.records


@pytest.mark.parametrize("seed", range(150))
def test_mutated_files_end_as_text_or_as_a_bad_document(read_with: ReadContent, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same numbers every time are what a test needs
    sources = [PDF, encrypted(PDF, "", "AES-128"), make_pdf(["대한민국"], "t", with_unicode_map=False)]
    content = mutated(bytearray(chance.choice(sources)), chance)
    with suppress(BadDocument):
        assert read_with(read_pdf_with_pypdf, content).pages


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
