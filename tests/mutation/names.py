"""The users of definitions outside of functions, such as constants and fields of classes."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a function: `first` to `last`, from 1."""

    file: Path
    first: int
    last: int


@cache
def _tree(source: str) -> ast.Module:
    return ast.parse(source)


def names_defined_at(source: str, line: int) -> frozenset[str]:
    """Returns the names that the module-level statement on a line defines."""
    at = (node for node in _tree(source).body if node.lineno <= line <= (node.end_lineno or node.lineno))
    return frozenset(name for node in at for name in _defined(node))


def users(names: frozenset[str], files: Iterable[Path]) -> list[Lines]:
    """Returns the functions that use one of the names, or a name computed from them outside of functions."""
    trees = {file: _tree(file.read_text(encoding="utf-8")) for file in files}
    statements = [(node, _mentioned(_outside_of_functions(node))) for tree in trees.values() for node in tree.body]
    known: frozenset[str] = frozenset()
    while names != known:
        known = names
        names |= {name for node, mentioned in statements if mentioned & known for name in _defined(node)}
    return [
        Lines(file, node.lineno, node.end_lineno or node.lineno)
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, Function) and (node.name in names or _mentioned(ast.walk(node)) & names)
    ]


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | Function):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    yield from (target.id for target in targets if isinstance(target, ast.Name))


def _mentioned(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _outside_of_functions(node: ast.AST) -> Iterator[ast.AST]:
    if not isinstance(node, Function):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _outside_of_functions(child)
