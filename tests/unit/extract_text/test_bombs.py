"""Bombs cost themselves a code, little memory and little time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.sandbox import Limits, Sandbox
from readers.sandboxed import SandboxedReaders
from tests.files.bombs import BOMBS

MEMORY = 1 << 30
CPU_SECONDS = 30
MORE_OF_A_KIND = {"inflating.pptx", "inflating.xlsx", "inflating.hwpx", "laughing.hwpx"}
"""The same mechanism in another format; each mechanism has one bomb that runs on each push."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(Limits(MEMORY, CPU_SECONDS, wall_seconds=4 * CPU_SECONDS))
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.nightly) if name in MORE_OF_A_KIND else name for name in BOMBS]
)
def test_a_bomb_is_refused_and_the_next_file_is_read(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    file = tmp_path / "content"
    file.write_bytes(BOMBS[name]())
    readers = SandboxedReaders(sandbox)
    try:
        text = readers.read(file, name, {}).text
    except BadDocument as bad:
        assert bad.code in {"too_large", "corrupt"}  # noqa: PT017 - a bomb may also turn out as harmless
    else:
        assert len(text) < 1000
    assert sandbox.last.peak_bytes <= MEMORY
    file.write_bytes("장독대".encode())
    assert readers.read(file, "after.txt", {}).text == "장독대"
