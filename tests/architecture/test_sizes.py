"""Code stays small enough to read: files, functions, and imports that never form a circle."""

import ast
from collections.abc import Container, Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("layers", "functions", "cli", "local", "benchmarks")
MOST_LINES_OF_A_FILE = 350
MOST_LINES_OF_A_FUNCTION = 50
FILES = sorted(path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def imported(path: Path, known: Container[str]) -> set[str]:
    """The known modules that a module imports when it is loaded."""
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}": node.module for alias in node.names}
            found |= {name if name in known else str(module) for name, module in names.items()}
    return {name for name in found if name in known}


def modules() -> dict[str, Path]:
    roots = {"layers/core": "layers/core", "cli": ".", "local": ".", "benchmarks": "."}
    found = {}
    for folder, root in roots.items():
        for path in (REPOSITORY / folder).rglob("*.py"):
            parts = path.relative_to(REPOSITORY / root).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


def test_there_is_code_to_look_at() -> None:
    assert len(FILES) > 200


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES_OF_A_FILE


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_are_short(path: Path) -> None:
    lengths = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions(path)}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_no_modules_import_one_another_in_a_circle() -> None:
    known = modules()
    waiting = {name: imported(path, known) - {name} for name, path in known.items()}
    while free := {name for name, needed in waiting.items() if not needed}:
        waiting = {name: needed - free for name, needed in waiting.items() if name not in free}
    assert waiting == {}
