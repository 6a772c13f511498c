"""Writes the contract where it is served and where it is read: `python -m layers.packaging.openapi`."""

import json
import tomllib
from pathlib import Path

from layers.packaging.openapi.document import document
from layers.packaging.openapi.routes import declared_routes

REPOSITORY = Path(__file__).resolve().parents[3]
FILES = (REPOSITORY / "functions/contract/openapi.json", REPOSITORY / "docs/openapi.json")


def contract() -> str:
    """Returns the OpenAPI document as text."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return json.dumps(document(declared_routes(), project["version"]), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for file in FILES:
        file.write_text(contract(), encoding="utf-8")
