"""A hijacked reader reaches nothing: each attack succeeds without the barriers and fails inside them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import pytest

from readers.barriers import KernelSupport, kernel_support
from tests.unit.extract_text import attacks

REPOSITORY = Path(__file__).resolve().parents[3]
NOBODY = 65534
USERS = [-1, NOBODY] if os.geteuid() == 0 else [-1]
"""As whom the function runs: as the user of the tests, and where that is root, also as a user without rights."""
FILES = {"read_another_file", "read_another_file_by_a_way_round", "list_another_folder"}
"""What only a barrier around files stops."""

ALSO_BY_LANDLOCK = [
    *(attack for attack in attacks.ALL if attack.startswith(("read_", "open_", "take_", "list_", "make_", "delete_"))),
    *("change_a_file", "rename_a_file", "start_a_program", "become_a_program"),
]

Outcomes = dict[str, str]


def attacked(user: int, barriers: KernelSupport | None) -> Outcomes:
    """Returns the outcome of each attack, tried in a separate process."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))  # which every user may enter, whatever another test has chosen
    if user >= 0:
        os.chown(folder, user, user)
    command = [sys.executable, "-m", "tests.unit.extract_text.attacked", str(folder), str(user)]
    path = [str(REPOSITORY), *(str(REPOSITORY / folder) for folder in ("functions/extract_text", "layers/core"))]
    try:
        done = subprocess.run(
            [*command, json.dumps(barriers and asdict(barriers))],
            env={"PYTHONPATH": ":".join(path), "KEY": "SECRET"},
            cwd=REPOSITORY,
            capture_output=True,
            check=False,
            timeout=120,
            start_new_session=True,  # some attacks send signals to the whole group
        )
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr.decode()
    outcomes: Outcomes = json.loads(done.stdout)
    return outcomes


@pytest.fixture(scope="module")
def outcomes() -> Callable[[int, KernelSupport | None], Outcomes]:
    return cache(attacked)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attack", attacks.ALL)
def test_an_attack_succeeds_without_barriers_and_fails_inside_them(
    outcomes: Callable[[int, KernelSupport | None], Outcomes], user: int, attack: str
) -> None:
    assert outcomes(user, None)[attack] == "reached"
    assert outcomes(user, kernel_support())[attack].startswith("E")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attack", attacks.ALL)
def test_an_attack_fails_without_landlock(
    outcomes: Callable[[int, KernelSupport | None], Outcomes], user: int, attack: str
) -> None:
    if not kernel_support().supervision:
        pytest.skip("this kernel cannot have one process open files for another; that came with Linux 5.9")
    assert outcomes(user, replace(kernel_support(), landlock=0))[attack].startswith("E")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attack", attacks.ALL)
def test_with_filters_alone_only_other_files_are_open(
    outcomes: Callable[[int, KernelSupport | None], Outcomes], user: int, attack: str
) -> None:
    found = outcomes(user, KernelSupport(seccomp=True, landlock=0, supervision=False))[attack]
    assert found == "reached" if attack in FILES else found.startswith("E")


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attack", ALSO_BY_LANDLOCK)
def test_landlock_alone_keeps_files_and_processes_closed(
    outcomes: Callable[[int, KernelSupport | None], Outcomes], user: int, attack: str
) -> None:
    if not kernel_support().landlock:
        pytest.skip("this kernel has no Landlock; that came with Linux 5.13")
    assert outcomes(user, replace(kernel_support(), seccomp=False, supervision=False))[attack].startswith("E")
