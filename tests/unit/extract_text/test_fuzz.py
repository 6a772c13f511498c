"""Damaged files of every family: nothing but text or a published code comes out, and soon."""

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument
from readers.sandbox import Limits, Sandbox
from readers.sandboxed import SandboxedReaders
from tests.files.samples import MAKERS, make_sample

MUTANTS = 60
MUTANTS_ON_PUSH = 12
"""Twice each kind of damage."""
SECONDS = 20
"""Far beyond what a sample takes; a mutant that needs more has made a reader hang."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(Limits(memory=1 << 30, cpu_seconds=SECONDS, wall_seconds=3 * SECONDS))
    yield sandbox
    sandbox.close()


def flipped(content: bytes, chance: random.Random) -> bytes:
    mutant = bytearray(content)
    for _ in range(chance.choice((1, 4, 32))):
        mutant[chance.randrange(len(mutant))] ^= 1 << chance.randrange(8)
    return bytes(mutant)


def truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(1, len(content))]


def doubled(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    piece = content[start : start + chance.choice((8, 64, 512))]
    return content[:start] + piece * chance.choice((2, 50)) + content[start:]


def overwritten(content: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(content))
    filling = chance.choice((b"\x00", b"\xff", b"<", b"9", b"(", "값".encode()))
    length = chance.choice((1, 16, 256))
    return content[:start] + filling * length + content[start + length * len(filling) :]


def spliced(content: bytes, chance: random.Random) -> bytes:
    """Mutates what lies within a zip, so that damage gets past its checksums, or mixes in another zip's entries."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        other = make_sample(chance.choice(sorted(MAKERS)))
        return content[: chance.randrange(len(content))] + other[chance.randrange(len(other)) :]
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as mutant:
        victim = chance.choice(source.namelist())
        for name in source.namelist():
            entry = source.read(name)
            if name == victim and entry:
                entry = chance.choice((flipped, truncated, doubled, overwritten))(entry, chance)
            mutant.writestr(name, entry)
        stranger = io.BytesIO(make_sample(chance.choice(["sample.docx", "sample.hwpx", "sample.pptx"])))
        if chance.random() < 1 / 3:
            with zipfile.ZipFile(stranger) as donor:
                for name in set(donor.namelist()) - set(source.namelist()):
                    mutant.writestr(name, donor.read(name))
    return target.getvalue()


@pytest.mark.parametrize("name", MAKERS)
def test_an_unchanged_sample_is_read(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    file = tmp_path / "content"
    file.write_bytes(make_sample(name))
    assert len(SandboxedReaders(sandbox).read(file, name, {}).text) > 20


@pytest.mark.parametrize("mutants", [MUTANTS_ON_PUSH, pytest.param(MUTANTS, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("name", MAKERS)
def test_damaged_files_end_as_text_or_as_a_published_code(
    sandbox: Sandbox, tmp_path: Path, name: str, mutants: int
) -> None:
    chance = random.Random(name)  # noqa: S311 - the same mutants each time
    readers, content, file = SandboxedReaders(sandbox), make_sample(name), tmp_path / "content"
    ends = []
    for number in range(mutants):
        mutate = (flipped, truncated, doubled, overwritten, spliced, spliced)[number % 6]
        file.write_bytes(mutate(content, chance))
        try:
            ends.append("text" if readers.read(file, name, {}).text else "no_text")
        except BadDocument as bad:
            ends.append(bad.code)
            assert sandbox.last.how != "timeout", number
    assert set(ends) <= {"text", *BAD_DOCUMENT_MESSAGES}
    assert len(ends) == mutants
