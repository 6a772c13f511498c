"""IAM policy variables: `${aws:PrincipalTag/TenantId}` in resources and conditions.

The emulator compares them literally. AWS substitutes them, and a resource or condition value whose variable has no
value in the request matches nothing (IAM user guide, "IAM policy elements: Variables and tags").

Remove when ministack substitutes policy variables.
"""

import re
from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, ParsedStatement

# `${key}` or `${key, 'default'}`; `${*}`, `${?}` and `${$}` stand for the character itself.
_VARIABLE = re.compile(r"\$\{\s*(?P<key>[^},]+?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?\}")
_ESCAPES = frozenset("*?$")
# A value never brings a wildcard with it: its `*` and `?` travel to the matcher as characters that no ARN holds.
_STAR, _QUESTION_MARK = "\ue000", "\ue001"
_LITERAL = str.maketrans({"*": _STAR, "?": _QUESTION_MARK})


def apply() -> None:
    """Expand variables before statements are compared with a request."""
    compile_pattern = iam_evaluator._fnmatch_compile  # the emulator has no public hooks
    compare_conditions = iam_evaluator._conditions_met
    match_statements = iam_evaluator._first_match

    def compile_with_literals(pattern: str, ignore_case: bool) -> re.Pattern[str]:
        compiled: re.Pattern[str] = compile_pattern(pattern, ignore_case)
        if _STAR not in pattern and _QUESTION_MARK not in pattern:
            return compiled
        expression = compiled.pattern.replace(_STAR, r"\*").replace(_QUESTION_MARK, r"\?")
        return re.compile(expression, compiled.flags)

    def conditions_met(conditions: dict[str, Any], ctx: EvalContext) -> bool:
        return bool(compare_conditions(_expanded_conditions(conditions, ctx), ctx))

    def first_match(ctx: EvalContext, statements: list[ParsedStatement], effect: str) -> ParsedStatement | None:
        candidates = (statement for statement in statements if statement.effect == effect)
        expanded = [_with_expanded_resources(statement, ctx) for statement in candidates]
        found: ParsedStatement | None = match_statements(ctx, [each for each in expanded if each], effect)
        return found

    iam_evaluator._fnmatch_compile = compile_with_literals
    iam_evaluator._conditions_met = conditions_met
    iam_evaluator._first_match = first_match


def _with_expanded_resources(statement: ParsedStatement, ctx: EvalContext) -> ParsedStatement | None:
    """The statement for this request, or None when no resource of it can match."""
    resources = _expanded(statement.resources, ctx, literal=True)
    exclusions = _expanded(statement.not_resources, ctx, literal=True)
    if statement.resources and not resources:
        return None
    if len(exclusions) < len(statement.not_resources):
        return None
    return replace(statement, resources=resources, not_resources=exclusions)


def _expanded_conditions(conditions: dict[str, Any], ctx: EvalContext) -> dict[str, Any]:
    return {
        operator: {
            key: _expanded(
                values if isinstance(values, list) else [values],
                ctx,
                literal="like" in operator.lower() or "arn" in operator.lower(),
            )
            for key, values in block.items()
        }
        for operator, block in conditions.items()
    }


def _expanded(templates: list[Any], ctx: EvalContext, *, literal: bool) -> list[Any]:
    """The templates with their variables replaced, without those whose variable has no value."""
    values = [_expand(template, ctx, literal=literal) for template in templates]
    return [value for value in values if value is not None]


def _expand(template: Any, ctx: EvalContext, *, literal: bool) -> Any:
    if not isinstance(template, str) or "${" not in template:
        return template
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        key = match["key"]
        value = key if key in _ESCAPES else iam_evaluator._resolve_condition_key(key, ctx)
        if not isinstance(value, str):  # absent, or a list, which no variable may name
            value = match["default"]
        if value is None:
            missing = True
            return ""
        return value.translate(_LITERAL) if literal else value

    text = _VARIABLE.sub(value_of, template)
    return None if missing else text
