"""How the code is changed: the operators of cosmic-ray that find gaps, and two kinds of our own that it lacks.

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
"""Line from 1, column from 0."""

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
    """Takes away a statement that is nothing but a call: one that is there for its effect."""

    def mutation_positions(self, node: NodeOrLeaf) -> list[tuple[Position, Position]]:
        """Where such a statement stands."""
        called = node.type == "simple_stmt" and _is_call(node.children[0])
        return [(node.children[0].start_pos, node.children[0].end_pos)] if called else []

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 - cosmic-ray's signature
        """Puts `pass` in the statement's place."""
        node.children[0] = _code("pass", node.children[0])
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: the tests of this folder hold them."""
        return ()


class RemoveElement(Operator):  # type: ignore[misc]  # cosmic-ray ships no types
    """Takes one element out of a list, tuple, set or dict that is written out, or a keyword argument out of a call."""

    def mutation_positions(self, node: NodeOrLeaf) -> list[tuple[Position, Position]]:
        """Where the elements stand."""
        return [(node.children[first].start_pos, node.children[last].end_pos) for first, last in _elements(node)]

    def mutate(self, node: Any, index: int) -> Any:
        """Leaves out an element and the comma that belongs to it."""
        first, last = _elements(node)[index]
        has_comma = last + 1 < len(node.children)
        del node.children[first : last + 2 if has_comma else last + 1]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: the tests of this folder hold them."""
        return ()


class ReplaceWord(Operator):  # type: ignore[misc]  # cosmic-ray ships no types
    """Replaces a string that programs read: one without a blank, such as a status, a code or the name of a field."""

    def mutation_positions(self, node: NodeOrLeaf) -> list[tuple[Position, Position]]:
        """Where the strings stand."""
        is_word = node.type == "string" and " " not in node.value and not node.value.startswith(("r", '"""'))
        return [(node.start_pos, node.end_pos)] if is_word else []

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002 - cosmic-ray's signature
        """Puts another string in its place."""
        node.value = '"mutant"' if not node.value.startswith("b") else 'b"mutant"'
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None: the tests of this folder hold them."""
        return ()


def operators() -> Iterator[tuple[str, Operator]]:
    """Returns each operator by its name."""
    for name in FROM_COSMIC_RAY:
        yield name, get_operator(f"core/{name}")()
    for own in (RemoveCall, RemoveElement, ReplaceWord):
        yield own.__name__, own()


def is_unseen(node: NodeOrLeaf) -> bool:
    """Whether no test can see a node: a part of a type (an annotation, or in `Literal[…]`) or of a decorator.

    Nor can one see `strict` of `zip` and `batched`, which guards against sequences of other lengths than there are.
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
    """The first and the last child of each element that may be left out."""
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
