"""template.yaml and the state machines, read with CloudFormation's short forms written out."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
EARLIER_NAMES = {
    "DescribeDocument": "UpdateMetadata",
    "ReleaseUploads": "ProcessDeferredEvents",
    "HoldUploads": "PauseUploads",
    "CarryOverUploads": "ReconcileUploads",
}
"""Functions under the names that they had in version 0.1.0, for its executions in flight, and their present names."""


class _Loader(yaml.SafeLoader):
    """Reads `!Ref x` as `{"Ref": "x"}` and `!Sub x` as `{"Fn::Sub": "x"}`."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def template() -> dict[str, Any]:
    """The template."""
    return deepcopy(_read(REPOSITORY / "template.yaml"))


def tenant_stack() -> dict[str, Any]:
    """The template of what a premium tenant has for itself."""
    return deepcopy(_read(REPOSITORY / "functions/provision_tenant/tenant_stack.yaml"))


@cache
def _read(path: Path) -> dict[str, Any]:
    """Returns what a file holds; reading takes long, so that it is done once."""
    loaded: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe loader
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of all resources of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def state_machine(name: str) -> dict[str, Any]:
    """A state machine's definition."""
    text = (REPOSITORY / "statemachines" / f"{name}.asl.yaml").read_text(encoding="utf-8")
    definition: dict[str, Any] = yaml.safe_load(text)
    return definition


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(properties: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in properties["Policies"] for statement in policy["Statement"]]


def role_statements(role: str) -> list[dict[str, Any]]:
    policies = resources("AWS::IAM::Role")[role]["Policies"]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def grants(properties: dict[str, Any]) -> list[tuple[str, str]]:
    """Every pair of an action and a resource that a role of a function or state machine is allowed."""
    allowed = [statement for statement in statements(properties) if statement["Effect"] == "Allow"]
    return [
        (action, resource if isinstance(resource, str) else str(next(iter(resource.values()))))
        for statement in allowed
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]
