"""The commands of the checklist exist: AWS knows their operations and options, the stack its outputs and resources."""

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from cli.__main__ import make_parser
from tests.deployment_template import template

PAGE = (Path(__file__).parents[2] / "docs/aws-checklist.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
SHELL = "\n".join(BLOCKS).replace("\\\n", " ")
WITHOUT_VALUES = re.sub(r"'[^']*'|\$\((?:output|resource) \w+\)", "value", SHELL)
CALLS = sorted(set(re.findall(r"\baws ([a-z0-9-]+) ([a-z0-9-]+)([^|;)\n]*)", WITHOUT_VALUES)))
GLOBAL_OPTIONS = {"query", "output", "debug"}
OF_THE_COMMAND_LINE = {("logs", "tail"): {"since", "format"}}
"""Commands that the AWS CLI adds to the operations of a service, with their options."""
SESSION = botocore.session.Session()


def options_in(rest: str) -> set[str]:
    """The options of one call."""
    return set(re.findall(r"(?:^|\s)--([a-z][a-z0-9-]+)", rest)) - GLOBAL_OPTIONS


@pytest.mark.parametrize(("service", "operation", "rest"), CALLS)
def test_every_call_of_aws_is_one(service: str, operation: str, rest: str) -> None:
    if (service, operation) in OF_THE_COMMAND_LINE:
        assert options_in(rest) <= OF_THE_COMMAND_LINE[service, operation]
        return
    model = SESSION.get_service_model("s3" if service == "s3api" else service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in operations
    shape = model.operation_model(operations[operation]).input_shape
    known = {xform_name(name, "-"): name for name in shape.members} if shape else {}
    assert options_in(rest) <= known.keys()
    required = {xform_name(name, "-") for name in shape.required_members} if shape else set()
    assert required <= options_in(rest)


def test_every_output_and_resource_is_one_of_the_stack() -> None:
    stack = template()
    outputs = set(re.findall(r"\$\(output (\w+)\)", SHELL))
    resources = set(re.findall(r"\$\(resource (\w+)\)", SHELL))
    assert outputs
    assert resources
    assert outputs <= stack["Outputs"].keys()
    assert resources <= stack["Resources"].keys()


@pytest.mark.parametrize("line", sorted(set(re.findall(r"(?:^|[;(] ?)onggi ((?!\()[^;|)\n]+)", SHELL, re.MULTILINE))))
def test_every_command_of_ours_is_one(line: str) -> None:
    arguments = shlex.split(line)
    assert make_parser().parse_args(arguments).run
