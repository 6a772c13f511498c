"""The document of the API says of each route what the code and the contract say."""

import json
import re
from typing import Any

import pytest

from layers.packaging.openapi.__main__ import contract
from layers.packaging.openapi.operations import OPERATIONS
from onggi.domain.error_codes import STATUSES
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES
from tests.api_document import TEXT, Section, blocks, sections
from tests.handlers import routes

CONTRACT: dict[str, Any] = json.loads(contract())
SECTIONS = sections()
NAMES = [f"{section.method} {section.path}" for section in SECTIONS]
of_each_route = pytest.mark.parametrize("section", SECTIONS, ids=NAMES)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = CONTRACT["components"]["schemas"][name] if name else schema
    return found


def described(section: Section) -> dict[str, Any]:
    operation: dict[str, Any] = CONTRACT["paths"][section.path][section.method.lower()]
    return operation


def test_every_route_has_a_section() -> None:
    assert sorted(NAMES) == sorted(f"{route.method} {route.path}" for route in routes())


@of_each_route
def test_a_section_shows_curl_python_and_a_response(section: Section) -> None:
    assert section.blocks("sh")
    assert section.blocks("python")
    assert section.blocks("json")


@of_each_route
def test_a_section_names_the_role(section: Section) -> None:
    (role,) = [route.role for route in routes() if (route.method, route.path) == (section.method, section.path)]
    if role not in {"operator", "anyone"}:
        assert f"Role: {role}." in section.text


@of_each_route
def test_a_section_names_the_errors_of_its_route(section: Section) -> None:
    of_route = {int(status) for status in described(section)["responses"] if int(status) >= 400}
    assert set(OPERATIONS[section.method, section.path].errors) <= section.errors <= of_route


@of_each_route
def test_a_response_is_one_of_the_contract(section: Section) -> None:
    (status,) = [status for status in described(section)["responses"] if int(status) < 400]
    assert re.search(rf"^{status}\b", section.text, re.MULTILINE)
    media = described(section)["responses"][status]["content"]["application/json"]
    schema = resolved(media["schema"])
    shown = json.loads(section.blocks("json")[-1])
    assert shown.keys() <= schema.get("properties", shown).keys()


@of_each_route
def test_a_section_names_the_fields_and_parameters_of_its_request(section: Section) -> None:
    operation = described(section)
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    fields = resolved(content.get("schema", {})).get("properties", {})
    parameters = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
    if re.search(r", as `[A-Z]+ /keys` does", section.text):
        return  # the section of that route names them
    assert [name for name in (*fields, *parameters) if f"`{name}`" not in section.text and name != "export"] == []


def test_all_codes_are_listed() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", TEXT, re.MULTILINE)
    assert sorted(rows) == sorted((str(status), code) for code, (status, _) in STATUSES.items())
    (of_documents,) = re.findall(r"### Codes of documents\n\n(.*)", TEXT)
    assert set(re.findall(r"`(\w+)`", of_documents)) - {"failed"} == set(BAD_DOCUMENT_MESSAGES)


def test_links_within_the_document_lead_somewhere() -> None:
    headings = re.findall(r"^##+ (.*)$", TEXT, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) <= anchors


@pytest.mark.parametrize("block", blocks("json"), ids=lambda block: block[:40])
def test_each_block_of_json_is_json(block: str) -> None:
    json.loads(block)
