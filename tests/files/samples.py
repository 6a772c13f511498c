"""One file of every family, Korean and English, made by our own code."""

from importlib import import_module
from typing import Final

MAKERS: Final = {
    "sample.csv": "text:make_csv",
    "sample.docx": "docx:make_sample",
    "sample.eml": "eml:make_sample",
    "sample.epub": "epub:make_sample",
    "sample.html": "html:make_sample",
    "sample.hwp": "hwp5:make_sample",
    "sample.hwpx": "hwpx:make_sample",
    "sample.json": "text:make_json",
    "sample.jsonl": "text:make_jsonl",
    "sample.md": "text:make_markdown",
    "sample.pdf": "pdf:make_sample",
    "sample.pptx": "pptx:make_sample",
    "sample.txt": "text:make_plain",
    "sample.xlsx": "xlsx:make_sample",
}


def make_sample(name: str) -> bytes:
    """Returns the content of a sample file by its name."""
    module, _, function = MAKERS[name].partition(":")
    content: bytes = getattr(import_module(f"tests.files.{module}"), function)()
    return content
