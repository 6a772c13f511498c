"""The routes of the HTTP API, from the functions that declare them."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from onggi.entry.http import Api, Route

FUNCTIONS = Path(__file__).resolve().parents[3] / "functions"


def declared_routes() -> list[Route]:
    """Returns every route, function by function."""
    apis = [_loaded(path).api for path in sorted(FUNCTIONS.glob("*/app.py")) if _declares_routes(path)]
    return [route for api in apis if isinstance(api, Api) for route in api.routes]


def _declares_routes(app: Path) -> bool:
    return "api = Api()" in app.read_text(encoding="utf-8")


def _loaded(app: Path) -> ModuleType:
    name = f"routes_of_{app.parent.name}"
    found = importlib.util.spec_from_file_location(name, app)
    if found is None or found.loader is None:
        raise ImportError(f"{app} cannot be loaded.")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module
