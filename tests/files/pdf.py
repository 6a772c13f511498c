"""PDF files as offices make them: reports with headers, outlines, scans, forms, protected ones and old Korean ones."""

import io
import zlib
from collections.abc import Sequence
from functools import cache

from pypdf import PageObject, PdfWriter, Transformation
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    FloatObject,
    IndirectObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from cli.demo.pdf import make_pdf

Outline = Sequence[tuple[str, int, int]]
"""Of each entry the title, the page from 0 and the level from 1."""

PIXELS = 64


def make_sample() -> bytes:
    """Returns a Korean and English report: running header, page numbers, outline, list, table, broken words."""
    header = "옹기 운영 보고서 2026\n"
    pages = [
        f"{header}제1장 개요\n이 문서는 여러 고객의 문서 처리를 설명한다.\n- 첫째, 보안\n- 둘째, 비용\n- 1 -",
        f"{header}제2장 요금\n구분 2025년 2026년\n저장 1,200원 1,350원\n질문 30원 28원\n- 2 -",
        f"{header}Chapter 3 Summary\nThe system extracts every docu-\nment once and answers with citations.\n- 3 -",
    ]
    return make_report(
        pages,
        outline=[("제1장 개요", 0, 1), ("제2장 요금", 1, 1), ("Chapter 3 Summary", 2, 1)],
        author="김옹기",
        created="D:20260105093000+09'00'",
    )


def make_report(
    pages: Sequence[str],
    *,
    title: str = "옹기 운영 보고서",
    outline: Outline = (),
    author: str | None = None,
    created: str | None = None,
    modified: str | None = None,
) -> bytes:
    """Returns a PDF with these texts, an outline and properties."""
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf(pages, title)))
    parents: list[IndirectObject] = []
    for entry, page, level in outline:
        del parents[level - 1 :]
        parents.append(writer.add_outline_item(title=entry, page_number=page, parent=parents[-1] if parents else None))
    stated = {"/Author": author, "/CreationDate": created, "/ModDate": modified}
    writer.add_metadata({key: value for key, value in stated.items() if value is not None})
    return written(writer)


def written(writer: PdfWriter) -> bytes:
    """Returns the bytes of a file."""
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


@cache
def encrypted(content: bytes, user_password: str, algorithm: str = "AES-256") -> bytes:
    """Returns a protected copy; the empty password protects from changes only."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    writer.encrypt(user_password, "owner", algorithm=algorithm)
    return written(writer)


def make_scan(pages: Sequence[str | None]) -> bytes:
    """Returns a PDF whose pages have a text or, for None, only a picture."""
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf([page or "" for page in pages], "scan")))
    for number, page in enumerate(pages):
        if page is None:
            _show(writer, writer.pages[number], b"q 400 0 0 400 90 200 cm /Im1 Do Q", "/Im1", _picture())
    return written(writer)


def make_stamped_scan(stamps: Sequence[str], *, picture: str = "595 0 0 842 0 0", mode: int = 0) -> bytes:
    """Returns a PDF whose pages have a picture and a text on it.

    Args:
        stamps: the texts.
        picture: where it lies, as a matrix; the page is 595 by 842 points.
        mode: how text is drawn, 3 for invisibly.
    """
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf(stamps, "scan")))
    for page in writer.pages:
        text = page.get_contents()
        assert text is not None
        drawing = f"q {picture} cm /Im1 Do Q {mode} Tr ".encode() + text.get_data()
        _show(writer, page, drawing, "/Im1", _picture())
    return written(writer)


def turned(content: bytes, text_degrees: int, page_degrees: int) -> bytes:
    """Returns a PDF with texts turned counter-clockwise on pages that are turned clockwise, in degrees."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    for page in writer.pages:
        page.add_transformation(Transformation().translate(-300, -420).rotate(text_degrees).translate(300, 420))
        page[NameObject("/Rotate")] = NumberObject(page_degrees)
    return written(writer)


def make_drawing() -> bytes:
    """Returns a PDF of one page with a line on it and no text."""
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf([""], "drawing")))
    _set_contents(writer, writer.pages[0], b"100 100 m 300 500 l S")
    return written(writer)


def make_in_form_object(content: bytes) -> bytes:
    """Returns the first page of a PDF, with its text in a form object."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    page = writer.pages[0]
    contents = page.get_contents()
    assert contents is not None
    form = StreamObject()
    form.set_data(contents.get_data())
    form.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): _rectangle(0, 0, 595, 842),
            NameObject("/Resources"): page["/Resources"].clone(writer),
        }
    )
    _show(writer, page, b"/X1 Do", "/X1", form)
    return written(writer)


def with_font(encoding: str, unicode_map: bytes | None = None, text: str = "대한민국 Test") -> bytes:
    """Returns a page whose font has another encoding, and another map to Unicode or none; the codes stay UTF-16."""
    writer = PdfWriter(clone_from=io.BytesIO(make_pdf([text], "t")))
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


def unicode_map(targets: dict[str, str]) -> bytes:
    """Returns a ToUnicode map from the UTF-16 codes of characters to other characters."""
    lines = "".join(f"<{ord(code):04X}> <{target.encode('utf-16-be').hex()}>\n" for code, target in targets.items())
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{len(targets)} beginbfchar\n{lines}endbfchar\n"
        "endcmap\nend\nend\n"
    ).encode()


def _show(writer: PdfWriter, page: PageObject, drawing: bytes, name: str, thing: StreamObject) -> None:
    """Replaces what a page shows by one object."""
    resources = page["/Resources"]
    assert isinstance(resources, DictionaryObject)
    own = DictionaryObject(resources)
    own[NameObject("/XObject")] = DictionaryObject({NameObject(name): writer._add_object(thing)})
    page[NameObject("/Resources")] = own
    _set_contents(writer, page, drawing)


def _set_contents(writer: PdfWriter, page: PageObject, drawing: bytes) -> None:
    stream = StreamObject()
    stream.set_data(drawing)
    page[NameObject("/Contents")] = writer._add_object(stream)


def _picture() -> StreamObject:
    """Returns a grey square, as a scanner delivers it."""
    picture = StreamObject()
    picture._data = zlib.compress(bytes(range(256)) * (PIXELS * PIXELS // 256))
    picture.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(PIXELS),
            NameObject("/Height"): NumberObject(PIXELS),
            NameObject("/ColorSpace"): NameObject("/DeviceGray"),
            NameObject("/BitsPerComponent"): NumberObject(8),
            NameObject("/Filter"): NameObject("/FlateDecode"),
        }
    )
    return picture


def _rectangle(*corners: float) -> ArrayObject:
    return ArrayObject(map(FloatObject, corners))
