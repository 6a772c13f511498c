"""Small files that would become huge or never end, made by our own code."""

import io
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

from tests.files.samples import make_sample

GIBIBYTE: Final = 1 << 30
_STEP: Final = 1 << 24


def make_self_referencing_form() -> bytes:
    """Returns a PDF of some hundred bytes whose form draws itself twice, without end."""
    form = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>/Length 11>>"
    return _pdf(
        b"<</Length 5>>\nstream\n/F Do\nendstream",
        form + b"\nstream\n/F Do /F Do\nendstream",
        resources=b"<</XObject<</F 5 0 R>>>>",
    )


def make_nested_flate() -> bytes:
    """Returns a PDF whose content of a gibibyte is compressed twice to a few kilobytes."""
    content = zlib.compress(_compressed(b"0 0 m "))
    dictionary = f"<</Filter[/FlateDecode/FlateDecode]/Length {len(content)}>>".encode()
    return _pdf(dictionary + b"\nstream\n" + content + b"\nendstream", resources=b"<<>>")


def make_inflating(sample: str, entry: str) -> bytes:
    """Returns a sample whose entry has a gibibyte of blanks behind its first element."""
    source = zipfile.ZipFile(io.BytesIO(make_sample(sample)))
    target = io.BytesIO()
    with source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb:
        for name in source.namelist():
            if name != entry:
                bomb.writestr(name, source.read(name))
                continue
            with bomb.open(name, "w", force_zip64=True) as inflating:
                inflating.write(source.read(name))
                for _ in range(GIBIBYTE // _STEP):
                    inflating.write(b" " * _STEP)
    return target.getvalue()


def make_many_entries(sample: str) -> bytes:
    """Returns a sample with a hundred thousand further entries."""
    target = io.BytesIO(make_sample(sample))
    with zipfile.ZipFile(target, "a") as bomb:
        for number in range(100_000):
            bomb.writestr(zipfile.ZipInfo(f"e/{number}"), b"")
    return target.getvalue()


def make_laughing(sample: str, entry: str) -> bytes:
    """Returns a sample whose entry defines entities that multiply to a billion."""
    entities = [f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10)]
    doctype = '<!DOCTYPE r [<!ENTITY l0 "haha">' + "".join(entities) + "]>"
    source = zipfile.ZipFile(io.BytesIO(make_sample(sample)))
    target = io.BytesIO()
    with source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in source.namelist():
            content = source.read(name)
            bomb.writestr(name, f"{doctype}<r>&l9;</r>".encode() if name == entry else content)
    return target.getvalue()


def make_deep_html() -> bytes:
    """Returns HTML with half a million elements within one another."""
    return b"<!doctype html><title>deep</title>" + b"<div>" * 500_000 + "깊다".encode()


def make_deep_json() -> bytes:
    """Returns JSON with a million lists within one another."""
    return b"[" * 1_000_000 + b"]" * 1_000_000


BOMBS: Final[dict[str, Callable[[], bytes]]] = {
    "form.pdf": make_self_referencing_form,
    "flate.pdf": make_nested_flate,
    "inflating.docx": lambda: make_inflating("sample.docx", "word/document.xml"),
    "inflating.pptx": lambda: make_inflating("sample.pptx", "ppt/slides/slide1.xml"),
    "inflating.xlsx": lambda: make_inflating("sample.xlsx", "xl/worksheets/sheet1.xml"),
    "inflating.hwpx": lambda: make_inflating("sample.hwpx", "Contents/section0.xml"),
    "entries.epub": lambda: make_many_entries("sample.epub"),
    "laughing.docx": lambda: make_laughing("sample.docx", "word/document.xml"),
    "laughing.hwpx": lambda: make_laughing("sample.hwpx", "Contents/section0.xml"),
    "deep.html": make_deep_html,
    "deep.json": make_deep_json,
}
"""Bombs by the name of a file that would hold them."""


def _compressed(pattern: bytes) -> bytes:
    step = pattern * (_STEP // len(pattern))
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(step) for _ in range(GIBIBYTE // _STEP)), packer.flush()])


def _pdf(content: bytes, *others: bytes, resources: bytes) -> bytes:
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources" + resources + b">>"
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", page, content, *others]
    written, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    head = b"xref\n0 %d\n0000000000 65535 f \n" % size
    return written + head + table + b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(written))
