"""Loads the handlers of functions, and the routes that they declare."""

import importlib.util
import sys
import tempfile
from functools import cache
from types import ModuleType

from layers.packaging.openapi.routes import declared_routes
from onggi.entry.http import Route
from tests.deployment_template import REPOSITORY

FUNCTIONS = REPOSITORY / "functions"


def load(name: str) -> ModuleType:
    """The module of a function's handler, by the name of its folder; loaded once."""
    folder = FUNCTIONS / name
    module_name = f"handlers_under_test_{name}"
    if module_name not in sys.modules:
        sys.path.insert(0, str(folder))
        try:
            found = importlib.util.spec_from_file_location(module_name, folder / "app.py")
            assert found is not None
            assert found.loader is not None
            module = importlib.util.module_from_spec(found)
            temporary = tempfile.tempdir
            found.loader.exec_module(module)
            tempfile.tempdir = temporary  # a function chooses its own
        finally:
            sys.path.remove(str(folder))
        sys.modules[module_name] = module
    return sys.modules[module_name]


@cache
def routes() -> tuple[Route, ...]:
    """Every route of the HTTP API, as the functions declare them."""
    return tuple(declared_routes())
