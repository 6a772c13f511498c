"""Serves the contract of the HTTP API as an OpenAPI document."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from onggi.entry.http import Api
from onggi.entry.messages import ApiRequest, ApiResponse

api = Api()


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(__file__).with_name("openapi.json").read_text(encoding="utf-8"))
    return document


@api.route("GET", "/v1/openapi.json", role="anyone")
def show(_: ApiRequest) -> ApiResponse:
    """GET /openapi.json."""
    return ApiResponse(200, _document())


handler = api.handler
