"""The mutants of a module: its code with one location changed."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from parso.tree import NodeOrLeaf

from benchmarks.machine import REPOSITORY
from tests.mutation.names import names_defined_at
from tests.mutation.operators import is_unseen, operators

PACKAGE: Final = REPOSITORY / "layers" / "core" / "onggi"
FOLDERS: Final = ("domain", "steps")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one location changed.

    Attributes:
        module: The path below the package, such as `domain/money.py`.
        function: The qualified name of the changed function; empty outside of functions.
        first: The first line of that function's body, from 1; 0 outside of functions.
        last: The last line of the function.
        line: The changed line, from 1.
        names: The names that the changed statement defines, outside of functions.
        operator: The name of the operator.
        before: The changed lines in the code, with normalised spaces.
        after: The changed lines in the mutant.
        code: The whole code of the mutant.
    """

    module: str
    function: str
    first: int
    last: int
    line: int
    names: frozenset[str]
    operator: str
    before: str
    after: str
    code: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The key of its explanation, which does not depend on line numbers."""
        return self.module, self.function, self.before, self.after

    @property
    def import_name(self) -> str:
        """The name by which Python imports the module."""
        return "onggi." + self.module.removesuffix(".py").replace("/", ".")


def modules() -> list[Path]:
    """Returns the modules that are mutated."""
    return [path for folder in FOLDERS for path in sorted((PACKAGE / folder).rglob("*.py")) if path.stat().st_size]


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Yields every mutant of a module, in the order of its operators."""
    source = path.read_text(encoding="utf-8")
    nodes = list(ast_nodes(parso.parse(source)))
    for name, operator in operators():
        places = [(node, start) for node in nodes for start, _ in operator.mutation_positions(node)]
        for occurrence, (node, start) in enumerate(places):
            if is_unseen(node):
                continue
            code = mutate_code(source, operator, occurrence)
            if not _compiles(code):
                continue
            before, after = _changed(source, code)
            function, first, last = _enclosing(node)
            module = path.relative_to(PACKAGE).as_posix()
            names = frozenset() if last else names_defined_at(source, start[0])
            yield Mutant(module, function, first, last, start[0], names, name, before, after, code)


def _compiles(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def _changed(source: str, code: str) -> tuple[str, str]:
    """Returns the lines that differ, of the source and of the mutant."""
    old, new = source.splitlines(), code.splitlines()
    start = next(
        (i for i, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), min(len(old), len(new))
    )
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return tuple(  # type: ignore[return-value]  # a pair
        " ".join(" ".join(lines[start : len(lines) - end]).split()) for lines in (old, new)
    )


def _enclosing(node: NodeOrLeaf) -> tuple[str, int, int]:
    names: list[str] = []
    first = last = 0
    child, above = node, node.parent
    while above is not None:
        if above.type in {"funcdef", "classdef"} and child is above.children[-1]:
            names.insert(0, above.name.value)
            if above.type == "funcdef" and not last:
                first, last = child.start_pos[0], above.end_pos[0]
        child, above = above, above.parent
    return (".".join(names), first, last) if last else (".".join(names), 0, 0)
