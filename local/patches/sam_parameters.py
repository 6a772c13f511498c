"""SAM's transform knows the stack's parameters: the emulator passes none, so that it puts in their defaults.

Where SAM writes a `Ref` into an OpenAPI document, such as how long an authoriser's decisions are kept, CloudFormation
gives it the values of this very deployment.

Remove when ministack passes the parameters of a deployment to SAM's transform.
"""

from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers
from samtranslator.translator import transform as sam

_given: ContextVar[dict[str, str] | None] = ContextVar("the values of a stack's parameters", default=None)


def apply() -> None:
    """Pass the values on."""
    transform, apply_transforms = sam.transform, engine._apply_transforms

    def with_parameters(template: Any, parameters: dict[str, Any], policies: Any) -> Any:
        return transform(template, {**(_given.get() or {}), **parameters}, policies)

    def remembering(template: Any, provided: Any = None, previous: Any = None) -> Any:
        token = _given.set(engine._transform_parameters(template, provided, previous))
        try:
            return apply_transforms(template, provided, previous)
        finally:
            _given.reset(token)

    sam.transform = with_parameters
    for module in (engine, changesets, handlers):
        module._apply_transforms = remembering
