"""CONTRIBUTING.md names files and definitions that exist."""

import ast
import re
from pathlib import Path

import pytest

from tests.deployment_template import REPOSITORY

TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
FOLDERS = "layers/|functions/|tests/|docs/|local/|requirements/|events/|statemachines/|benchmarks/"
PATHS = sorted(set(re.findall(rf"`((?:{FOLDERS})[\w./-]+)`", TEXT)))
DEFINITIONS = sorted(set(re.findall(rf"`((?:{FOLDERS})[\w./-]+\.py)`: `(\w+)`", TEXT)))
SAMPLES = [line for line in TEXT.split("## Twenty sample changes")[1].splitlines() if line.startswith("| ")][1:]


def defined(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


@pytest.mark.parametrize("path", PATHS)
def test_a_named_path_exists(path: str) -> None:
    assert (REPOSITORY / path).exists()


@pytest.mark.parametrize(("path", "name"), DEFINITIONS)
def test_a_named_definition_exists(path: str, name: str) -> None:
    assert name in defined(REPOSITORY / path)


def test_there_are_twenty_sample_changes_in_two_files_at_most() -> None:
    assert len(SAMPLES) == 20
    for sample in SAMPLES:
        assert 1 <= len(re.findall(r"`[\w./]+\.py`", sample)) <= 2, sample
