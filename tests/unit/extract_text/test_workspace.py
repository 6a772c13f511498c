"""No document is left where the next one is read."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FUNCTION = Path(__file__).resolve().parents[3] / "functions" / "extract_text"
READING = """
import sys, tempfile
from readers.workspace import claim
claim()
with tempfile.TemporaryDirectory() as folder:
    open(folder + "/document", "wb").write(b"of one tenant")
    print(folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def reading(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Starts a function's process that has a document; yields it and its folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", READING],
        env={"PYTHONPATH": str(FUNCTION), "TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    assert process.stdout
    folder = process.stdout.readline().strip()
    assert folder, "it could not begin"
    yield process, Path(folder)
    process.communicate(timeout=30)


def names(temporary: Path) -> set[str]:
    return {path.name for path in temporary.iterdir()}


def test_documents_of_a_killed_process_are_deleted_before_the_next_one(tmp_path: Path) -> None:
    with reading(tmp_path) as (killed, folder):
        os.kill(killed.pid, signal.SIGKILL)
    assert (folder / "document").exists(), "nothing to delete shows nothing"
    with reading(tmp_path) as (_, after):
        assert after.exists()
        assert names(tmp_path) == {after.parent.name}
    assert names(tmp_path) == set()


def test_documents_of_a_running_process_are_kept(tmp_path: Path) -> None:
    with reading(tmp_path) as (_, one), reading(tmp_path) as (_, other):
        assert one.parent != other.parent
        assert (one / "document").read_bytes() == (other / "document").read_bytes() == b"of one tenant"


def test_folders_of_other_programs_are_kept(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "onggi-documents-a-link").symlink_to(tmp_path / "other")
    (tmp_path / "onggi-documents-a-file").touch()
    with reading(tmp_path):
        assert {"other", "onggi-documents-a-link", "onggi-documents-a-file"} < names(tmp_path)


def test_a_folder_of_another_user_is_ignored(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every folder")
    (tmp_path / "onggi-documents-closed").mkdir(mode=0)
    with reading(tmp_path) as (_, folder):
        assert folder.exists()
    (tmp_path / "onggi-documents-closed").rmdir()
