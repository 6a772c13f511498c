"""Runs pytest in a child process: quietly, until the first failure, with the same examples of each property."""

import os
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import hypothesis
import pytest
from hypothesis import Phase

from benchmarks.machine import REPOSITORY

PROCESSES: Final = get_context("fork")
TESTS: Final = ("tests/unit/core", "tests/unit/authorize")
OPTIONS: Final = (
    "--quiet",
    "--exitfirst",
    "--tb=no",
    "--disable-socket",
    "--hypothesis-profile=mutants",
    "--allow-unix-socket",
    "-pno:cacheprovider",
    "-Wignore:Module already imported:pytest.PytestAssertRewriteWarning",
)


def run_pytest(options: Sequence[str], plugin: object, tests: Sequence[str] = TESTS) -> int:
    """Runs pytest in this process; returns its exit code."""
    os.chdir(REPOSITORY)
    with Path(os.devnull).open("r+b") as devnull:
        for stream in (0, 1, 2):
            os.dup2(devnull.fileno(), stream)
    hypothesis.settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=150,
        phases=[Phase.explicit, Phase.generate],  # no example is shrunk, since none is read
    )
    return int(pytest.main([*OPTIONS, *options, *tests], plugins=[plugin]))
