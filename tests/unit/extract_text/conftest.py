"""Makes the artifact root of extract_text importable and reads bytes as files."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.document import ExtractedText

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
