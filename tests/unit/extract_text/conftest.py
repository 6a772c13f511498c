"""Makes the artifact root of extract_text importable and reads bytes as files."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.document import ExtractedText

sys.path.insert(0, str(Path(__file__).parents[3] / "functions" / "extract_text"))

ReadBytes = Callable[[bytes, str], ExtractedText]


@pytest.fixture(scope="session")
def read_bytes(tmp_path_factory: pytest.TempPathFactory) -> ReadBytes:
    from readers import Readers  # noqa: PLC0415 - found only on the path set above

    file = tmp_path_factory.mktemp("upload") / "content"

    def read(content: bytes, name: str) -> ExtractedText:
        file.write_bytes(content)
        return Readers().read(file, name)

    return read
