import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
FINDER = REPOSITORY / "layers/packaging/find-python.sh"
REAL = getattr(sys, "_base_executable")  # noqa: B009 - private, and all there is: the interpreter behind a venv


@pytest.fixture
def finder(tmp_path: Path) -> Path:
    """The finder on a machine where this checkout has installed nothing yet."""
    copy = tmp_path / "checkout/layers/packaging/find-python.sh"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(FINDER.read_bytes())
    return copy


def command(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def find(finder: Path, home: Path, *folders: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*map(str, folders), str(tools(home))])
    environment = {"PATH": path, "HOME": str(home)}
    return subprocess.run(["/bin/sh", str(finder)], env=environment, capture_output=True, encoding="utf-8", check=False)


def tools(home: Path) -> Path:
    """A PATH without any Python: what the finder itself calls, and no more."""
    folder = home / "tools"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "dirname"
    if not link.exists():
        link.symlink_to("/usr/bin/dirname")
    return folder


def test_a_python_on_the_path_is_taken(finder: Path, tmp_path: Path) -> None:
    command(tmp_path / "bin/python3.13", f'exec {REAL} "$@"')
    found = find(finder, tmp_path / "home", tmp_path / "bin")
    assert (found.returncode, found.stdout.strip()) == (0, REAL)


def test_a_virtual_environments_python_stands_for_the_one_it_was_made_from(finder: Path, tmp_path: Path) -> None:
    found = find(finder, tmp_path / "home", Path(sys.executable).parent)
    assert found.stdout.strip() == REAL


def test_a_shim_that_fails_and_an_older_version_are_passed_over_for_pyenvs_own(finder: Path, tmp_path: Path) -> None:
    command(tmp_path / "bin/python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    command(tmp_path / "bin/python3", "exit 0")
    command(tmp_path / "home/.pyenv/versions/3.13.7/bin/python3.13", f'exec {REAL} "$@"')
    found = find(finder, tmp_path / "home", tmp_path / "bin")
    assert (found.returncode, found.stdout.strip()) == (0, REAL)


def test_uv_is_asked_last(finder: Path, tmp_path: Path) -> None:
    command(tmp_path / "bin/uv", f'[ "$*" = "python find --system 3.13" ] && echo {REAL}')
    found = find(finder, tmp_path / "home", tmp_path / "bin")
    assert (found.returncode, found.stdout.strip()) == (0, REAL)


def test_with_none_found_one_sentence_says_what_to_install(finder: Path, tmp_path: Path) -> None:
    found = find(finder, tmp_path / "home")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.count("\n") == 1
    assert "needs Python 3.13" in found.stderr
