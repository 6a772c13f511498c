"""The contract in writing is what the code makes."""

import json
from typing import Any

import pytest

from layers.packaging.openapi.__main__ import FILES, contract
from layers.packaging.openapi.operations import OPERATIONS
from tests.handlers import routes

DOCUMENT: dict[str, Any] = json.loads(contract())


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.parent.name))
def test_the_kept_contract_is_up_to_date(file: Any) -> None:
    assert file.read_text(encoding="utf-8") == contract(), "run `make openapi`"


def test_every_route_is_described_and_nothing_else() -> None:
    assert {(route.method, route.path) for route in routes()} == OPERATIONS.keys()


def test_every_reference_leads_somewhere() -> None:
    names = set(DOCUMENT["components"]["schemas"])
    used = {part.split('"')[0] for part in contract().split("#/components/schemas/")[1:]}
    assert used <= names
    assert names == used


def test_roles_are_those_that_the_functions_check() -> None:
    for route in routes():
        operation = DOCUMENT["paths"][route.path][route.method.lower()]
        scheme = {"operator": "operator", "anyone": None}.get(route.role, "tenant")
        assert operation["security"] == ([{scheme: []}] if scheme else [])
        assert scheme != "tenant" or f"the role {route.role} " in operation["description"]
