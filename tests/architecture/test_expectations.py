"""A test writes the numbers down that it expects: one that takes them from the code under test agrees with any."""

import ast
import importlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PRODUCT = ("onggi", "readers", "splitter", "user_pool", "local", "cli")
FUNCTIONS = ("authorize", "chunk_text", "extract_text")
TESTS = sorted(path for path in (REPOSITORY / "tests" / "unit").rglob("*.py"))


def constants_of_the_product(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PRODUCT:
            yield from ((node.module, alias.name) for alias in node.names if alias.name.isupper())


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_test_computes_with_a_number_of_what_it_tests(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for function in FUNCTIONS:
        monkeypatch.syspath_prepend(REPOSITORY / "functions" / function)
    modules = set(sys.modules)
    try:
        for module, name in constants_of_the_product(path):
            value = getattr(importlib.import_module(module), name)
            assert not isinstance(value, int | float | timedelta), f"write the value of {name} down, with its reason"
    finally:
        for module in set(sys.modules) - modules:
            if module.split(".")[0] in {"readers", "splitter", "user_pool"}:
                del sys.modules[module]
