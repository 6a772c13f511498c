"""PDF files on whose pages something was filled in, typed or stamped."""

import io
from collections.abc import Iterable
from typing import NamedTuple

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject, PdfObject, StreamObject

from cli.demo.pdf import make_pdf
from tests.files.pdf import written

INHERITED = ("/Resources", "/MediaBox", "/Rotate")
"""What a page may leave to the pages' tree (ISO 32000-1, table 30)."""
PRINTED = 4
"""A flag of annotations: they are printed, too."""


class Note(NamedTuple):
    """What is shown on a page by an annotation.

    Attributes:
        text: Korean or Latin.
        place: of its lower left corner.
        kind: of the annotation.
        resources: whether its appearance names the fonts it uses; older programs leave them to the page.
    """

    text: str
    place: tuple[float, float] = (100, 300)
    kind: str = "/Widget"
    resources: bool = True


def annotated(content: bytes, notes: Iterable[Note], page: int = 0) -> bytes:
    """Returns a PDF with notes on one of its pages, in a Korean font that is not embedded."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    resources = PdfReader(io.BytesIO(make_pdf([""], "t"))).pages[0]["/Resources"].clone(writer)
    annotations = ArrayObject(writer._add_object(_annotation(writer, resources, note)) for note in notes)
    writer.pages[page][NameObject("/Annots")] = annotations
    return written(writer)


def make_form(text: str, value: str) -> bytes:
    """Returns a page with a text and a filled-in form field."""
    return annotated(make_pdf([text], "form"), [Note(value)])


def inheriting(content: bytes) -> bytes:
    """Returns a PDF whose pages inherit resources and size from the tree of pages."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    tree = writer._root_object["/Pages"].get_object()
    assert isinstance(tree, DictionaryObject)
    for page in writer.pages:
        for name in INHERITED:
            value = page.pop(NameObject(name), None)
            if value is not None:
                tree.setdefault(NameObject(name), value)
    return written(writer)


def _annotation(writer: PdfWriter, resources: PdfObject, note: Note) -> DictionaryObject:
    left, bottom = note.place
    shown = StreamObject()
    shown.set_data(
        b"/Tx BMC 0 0 300 1 re f BT /F1 11 Tf 2 4 Td <%s> Tj ET EMC" % note.text.encode("utf-16-be").hex().encode()
    )
    shown.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): _rectangle(0, 0, 300, 20),
        }
    )
    if note.resources:
        shown[NameObject("/Resources")] = resources
    return DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Annot"),
            NameObject("/Subtype"): NameObject(note.kind),
            NameObject("/FT"): NameObject("/Tx"),
            NameObject("/F"): NumberObject(PRINTED),
            NameObject("/Rect"): _rectangle(left, bottom, left + 300, bottom + 20),
            NameObject("/AP"): DictionaryObject({NameObject("/N"): writer._add_object(shown)}),
        }
    )


def _rectangle(*corners: float) -> ArrayObject:
    return ArrayObject(map(FloatObject, corners))
