"""Calls of the HTTP API by an attacking tenant."""

import http.client
import json
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import quote, urlsplit

from tests.integration.product import Json, Reply
from tests.isolation.attacks import Attack, Layers, Scene
from tests.isolation.seeded_tenants import QUESTION

type Act = Callable[[Scene], Any]
type Headers = Sequence[tuple[str, str]]

API_LAYERS: Final = (Layers.BOTH, Layers.APPLICATION)
"""Every call of the API passes through the application."""


def bearer(key: str) -> Headers:
    return [("Authorization", f"Bearer {key}")]


def send(scene: Scene, method: str, path: str, headers: Headers, body: Any = None) -> Reply:
    """Sends exactly this path and these headers, without a client's normalisation."""
    base = urlsplit(scene.own.product["ApiUrl"])
    data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    connection = http.client.HTTPConnection(str(base.hostname), base.port, timeout=60)
    try:
        connection.putrequest(method, base.path + path, skip_accept_encoding=True)
        for name, value in (*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(data)))):
            connection.putheader(name, value)
        connection.endheaders(data)
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read().decode(errors="replace"))
    finally:
        connection.close()


def call_api(method: str, path: str, body: Callable[[Scene], Any] | None = None, headers: Headers = ()) -> Act:
    """Returns a call with the attacker's own key; path and headers may name the target."""

    def act(scene: Scene) -> Any:
        named = [(name, fill(value, scene)) for name, value in headers]
        own = bearer(scene.own.tenant.api_key)
        return send(scene, method, fill(path, scene), [*own, *named], body(scene) if body else None)

    return act


def fill(text: str, scene: Scene) -> str:
    target = scene.target
    values = {
        "{id}": target.document["document_id"],
        "{tenant}": target.tenant_id,
        "{own_id}": scene.own.document["document_id"],
        "{cursor}": quote(target.cursor),
        "{key}": quote(target.document["key"], safe=""),
        "{wide_id}": quote("".join(chr(ord(letter) + 0xFEE0) for letter in target.document["document_id"])),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def question(_: Scene, **more: Any) -> Json:
    return {"question": QUESTION, **more}


def http_attack(name: str, act: Act, own: Act | None = None, *, reads: bool = True) -> Attack:
    """Returns an attack on the API; `own` defaults to the same call, which reaches the tenant's own data."""
    return Attack("HTTP", name, act, API_LAYERS, strict=False, own=own or act, reads=reads)
