"""Every patch of the emulator says when it can be removed."""

import ast
from pathlib import Path

import pytest

from tests.deployment_template import REPOSITORY

PATCHES = sorted(
    path
    for path in (REPOSITORY / "local/patches").glob("*.py")
    if path.stem not in {"__init__", "lambda_worker"}  # the latter is the process that lambda_runtime starts
)


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: str(path.stem))
def test_a_patch_says_when_it_can_be_removed(path: Path) -> None:
    documentation = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert [line for line in documentation.splitlines() if line.startswith("Remove when ")]
