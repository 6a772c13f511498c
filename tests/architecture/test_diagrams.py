"""The diagrams of docs/diagrams.md name what exists in the template, the state machines and the code."""

import re
from typing import get_args

import pytest

from onggi.domain.error_codes import STATUSES
from onggi.domain.tenant import MoveStage, TenantStatus
from tests.deployment_template import EARLIER_NAMES, REPOSITORY, as_list, resources, state_machine, template
from tests.handlers import routes

TEXT = (REPOSITORY / "docs/diagrams.md").read_text(encoding="utf-8")
DIAGRAMS = re.findall(r"^```mermaid\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
LIFE, MOVE, ASSUMED_ROLES, QUESTION = DIAGRAMS
MACHINES = [path.name.removesuffix(".asl.yaml") for path in (REPOSITORY / "statemachines").glob("*.asl.yaml")]
NAMES = sorted(set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", "\n".join(DIAGRAMS))))
OF_OTHERS = {"CloudFormation"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_that_of_a_resource_or_a_state(name: str) -> None:
    states = {state for machine in MACHINES for state in state_machine(machine)["States"]}
    assert name in template()["Resources"].keys() | states | OF_OTHERS


@pytest.mark.parametrize(("diagram", "values"), [(LIFE, TenantStatus), (MOVE, MoveStage)])
def test_a_diagram_has_each_state_and_no_other(diagram: str, values: object) -> None:
    arrows = re.findall(r"^ +(\S+) --> ([^\s:]+)", diagram, re.MULTILINE)
    assert {state for arrow in arrows for state in arrow} - {"[*]"} == set(get_args(values))


def test_each_route_is_listed_with_its_role() -> None:
    listed = {
        (role, route)
        for role, shown in re.findall(r"^\| `(\w+)` \| (`[A-Z]+ /.*) \|$", TEXT, re.MULTILINE)
        for route in re.findall(r"`([^`]+)`", shown)
    }
    assert listed == {(route.role, f"{route.method} {route.path}") for route in routes()}


def test_each_role_is_assumed_by_the_functions_that_the_diagram_shows() -> None:
    arrows = re.findall(r"""\["([\w, ]+)"\] --> (\w+Role)$""", ASSUMED_ROLES, re.MULTILINE)
    shown = {(function, role) for functions, role in arrows for function in functions.split(", ")}
    trusted = {
        (principal["Fn::GetAtt"].removesuffix("Role.Arn"), role)
        for role, properties in resources("AWS::IAM::Role").items()
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]
        for principal in as_list(statement["Principal"].get("AWS", []))
    }
    assert shown == {(function, role) for function, role in trusted if function not in EARLIER_NAMES}


def test_one_function_passes_the_role_of_silos() -> None:
    passing = [
        function
        for function, properties in resources("AWS::Serverless::Function").items()
        for policy in as_list(properties.get("Policies", []))
        for statement in as_list(policy["Statement"])
        if "iam:PassRole" in as_list(statement["Action"])
    ]
    assert re.findall(r"^ +(\w+) -- passes .*--> SiloRole$", ASSUMED_ROLES, re.MULTILINE) == passing


def test_each_note_names_published_codes() -> None:
    notes = re.findall(r"^ +Note over \w+: (.*)$", QUESTION, re.MULTILINE)
    assert len(notes) > 5
    assert {part.split()[0] for note in notes for part in note.split(", ")} <= STATUSES.keys()
