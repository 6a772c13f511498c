"""The operators that change the code: those of cosmic-ray that find gaps, and three more.

Operators whose mutants any test kills are left out (another decorator, `+` for `|`, `is` for `==`): they would raise
the score and find nothing.
"""

from collections.abc import Iterator
from typing import Any, Final

import parso
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso.tree import NodeOrLeaf

type Position = tuple[int, int]
"""The line from 1 and the column from 0."""

FROM_COSMIC_RAY: Final = (
    "NumberReplacer",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "AddNot",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_USub_UAdd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ExceptionReplacer",
    "ZeroIterationForLoop",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_Lt_GtE",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_LtE_Gt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_Gt_LtE",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_GtE_Lt",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Add",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_Mod_Mul",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_BitAnd_BitOr",
)


class RemoveCall(Operator):  # type: ignore[misc]  # cosmic-ray ships no types
    """Removes a statement that is only a call, which has an effect."""

    def mutation_positions(self, node: NodeOrLeaf) -> list[tuple[Position, Position]]:
        """Returns the positions of such statements."""
        called = node.type == "simple_stmt" and _is_call(node.children[0])
        return [(node.children[0].start_pos, node.children[0].end_pos)] if called else []

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 - cosmic-ray's signature
        """Replaces the statement by `pass`."""
        node.children[0] = _code("pass", node.children[0])
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Returns none: the examples are in the tests of this folder."""
        return ()


class RemoveElement(Operator):  # type: ignore[misc]  # cosmic-ray ships no types
    """Removes an element of a list, tuple, set or dict display, or a keyword argument of a call."""

    def mutation_positions(self, node: NodeOrLeaf) -> list[tuple[Position, Position]]:
        """Returns the positions of the elements."""
        return [(node.children[first].start_pos, node.children[last].end_pos) for first, last in _elements(node)]

    def mutate(self, node: Any, index: int) -> Any:
        """Removes an element and its comma."""
        first, last = _elements(node)[index]
        has_comma = last + 1 < len(node.children)
        del node.children[first : last + 2 if has_comma else last + 1]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Returns none: the examples are in the tests of this folder."""
        return ()


class ReplaceWord(Operator):  # type: ignore[misc]  # cosmic-ray ships no types
    """Replaces a string without spaces, such as a status, a code or the name of a field."""

    def mutation_positions(self, node: NodeOrLeaf) -> list[tuple[Position, Position]]:
        """Returns the positions of the strings."""
        is_word = node.type == "string" and " " not in node.value and not node.value.startswith(("r", '"""'))
        return [(node.start_pos, node.end_pos)] if is_word else []

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 - cosmic-ray's signature
        """Replaces the string by another one."""
        node.value = '"mutant"' if not node.value.startswith("b") else 'b"mutant"'
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Returns none: the examples are in the tests of this folder."""
        return ()


def operators() -> Iterator[tuple[str, Operator]]:
    """Yields the name and the instance of each operator."""
    for name in FROM_COSMIC_RAY:
        yield name, get_operator(f"core/{name}")()
    for own in (RemoveCall, RemoveElement, ReplaceWord):
        yield own.__name__, own()


def is_unseen(node: NodeOrLeaf) -> bool:
    """Returns whether no test can detect a changed node: a part of a type (annotation or `Literal[…]`) or decorator.

    The same holds for `strict` of `zip` and `batched`, which guards against sequences of other lengths.
    """
    child, above = node, node.parent
    while above is not None:
        if above.type == "decorator" or (above.type == "annassign" and child is above.children[1]):
            return True
        if above.type == "argument" and _is_guard(above):
            return True
        if above.type in {"param", "funcdef"} and child is above.annotation:
            return True
        if above.type == "tfpdef" and child is not above.children[0]:
            return True
        if above.type == "trailer" and above.get_previous_sibling().get_code().strip() == "Literal":
            return True
        child, above = above, above.parent
    return False


def _is_call(node: Any) -> bool:
    last = node.children[-1] if node.type == "atom_expr" else None
    return bool(last is not None and last.type == "trailer" and last.children[0] == "(")


def _elements(node: Any) -> list[tuple[int, int]]:
    """Returns the first and the last child of each element that may be removed."""
    if node.type not in {"testlist_comp", "dictorsetmaker", "arglist"} or any("for" in c.type for c in node.children):
        return []
    commas = [number for number, child in enumerate(node.children) if child == ","]
    starts = [0, *(comma + 1 for comma in commas)]
    ends = [*(comma - 1 for comma in commas), len(node.children) - 1]
    elements = [(first, last) for first, last in zip(starts, ends, strict=True) if first <= last]
    if node.type == "arglist":
        return [(first, last) for first, last in elements if _is_keyword(node.children[first])]
    return elements


def _is_keyword(argument: Any) -> bool:
    return bool(argument.type == "argument" and argument.children[1] == "=" and not _is_guard(argument))


def _is_guard(argument: Any) -> bool:
    return bool(argument.children[0].get_code().strip() == "strict")


def _code(text: str, replaced: NodeOrLeaf) -> NodeOrLeaf:
    leaf = parso.parse(text).children[0]
    leaf.prefix = replaced.get_first_leaf().prefix
    return leaf
