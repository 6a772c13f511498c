"""Makes the artifact root of extract_text importable and reads bytes as files."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from onggi.domain.document import ExtractedText

if TYPE_CHECKING:  # found only on the path set below
    from readers.model import RawDocument, Reader
    from tests.unit.extract_text.pdf_reading import ReadContent

sys.path.insert(0, str(Path(__file__).parents[3] / "functions" / "extract_text"))

ReadBytes = Callable[[bytes, str], ExtractedText]


@pytest.fixture(scope="session")
def read_bytes(tmp_path_factory: pytest.TempPathFactory) -> ReadBytes:
    """Reads content by its family's first reader, without the sandbox."""
    from readers import tasks  # noqa: PLC0415 - found only on the path set above

    file = tmp_path_factory.mktemp("upload") / "content"

    def read(content: bytes, name: str) -> ExtractedText:
        file.write_bytes(content)
        fields = tasks.read(str(file), tasks.detect(str(file), name), 0, {})
        return ExtractedText.from_dict(json.loads(json.dumps(fields)))

    return read


@pytest.fixture(scope="session")
def read_with(tmp_path_factory: pytest.TempPathFactory) -> "ReadContent":
    """Reads content of a PDF with a given reader."""
    file = tmp_path_factory.mktemp("upload") / "content.pdf"

    def read(reader: "Reader", content: bytes) -> "RawDocument":
        file.write_bytes(content)
        return reader(file)

    return read
