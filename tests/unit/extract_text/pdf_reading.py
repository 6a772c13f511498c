"""Reads PDF files for tests, by one reader or by both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cli.demo.pdf import make_pdf
from onggi.domain.errors import BadDocument
from readers.assemble import assemble
from readers.model import RawDocument, Reader
from readers.pdf_pdfium import read_pdf
from readers.pdf_pypdf import read_pdf_with_pypdf

ReadContent = Callable[[Reader, bytes], RawDocument]

PAGES = ["제1조 임대인은 보증금을 반환한다.\n똠방각하 Test 123", "The second page has the other terms.", "끝"]
PDF = make_pdf(PAGES, "임대차 계약서")


EACH = pytest.mark.parametrize("reader", [read_pdf, read_pdf_with_pypdf])


@contextmanager
def refused_as(code: str) -> Iterator[None]:
    with pytest.raises(BadDocument) as caught:
        yield
    assert caught.value.code == code


def text_of(document: RawDocument) -> str:
    return assemble(document).text
