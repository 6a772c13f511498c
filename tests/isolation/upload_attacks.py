"""Attacks by uploads over HTTP: document names and forms that lead to another tenant's prefix."""

import base64
from collections.abc import Callable
from typing import Any, Final

from tests.isolation.attacks import REFUSED, Attack, Layers, Scene, granted
from tests.isolation.http_calls import Act, fill, http_attack

FORM_LAYERS: Final = (Layers.BOTH, Layers.IAM)
"""S3 verifies the signature of a form, without the application."""

UPLOADS: Final = (
    "../{tenant}/planted.txt",
    "../../tenants/{tenant}/planted.txt",
    "/tenants/{tenant}/planted.txt",
    "tenants/{tenant}/planted.txt",
    "..%2f{tenant}%2fplanted.txt",
    "..\\{tenant}\\planted.txt",
    "\uff0e\uff0e/{tenant}/planted.txt",
    "..\uff0f{tenant}\uff0fplanted.txt",
    "a/\u2025/{tenant}/planted.txt",
)


def upload(name: str) -> Act:
    """Returns a call that requests a form and sends a file with it."""

    def act(scene: Scene) -> Any:
        body = {"name": fill(name, scene), "content_type": "text/plain", "size": 7}
        reply = scene.own.tenant.call("POST", "/documents", body)
        return reply if reply.status != 201 else (reply, scene.own.tenant.send_form(reply.body["upload"], b"planted"))

    return act


def send_form_with(change: Callable[[Scene, dict[str, str]], dict[str, str]], url: str = "") -> Act:
    """Returns a call that sends a form of the attacker's own document with changed fields."""

    def act(scene: Scene) -> Any:
        body = {"name": "planted.txt", "content_type": "text/plain", "size": 7}
        form = scene.own.tenant.call("POST", "/documents", body).body["upload"]
        changed = {"url": form["url"] + fill(url, scene), "fields": form["fields"] | change(scene, form["fields"])}
        reply = scene.own.tenant.send_form(changed, b"planted")
        if reply.status >= REFUSED:
            scene.own.restore()  # the permitted upload has a row
        return granted(reply)

    return act


def unchanged(*_: Any) -> dict[str, str]:
    return {}


def rewritten_policy(scene: Scene, fields: dict[str, str]) -> dict[str, str]:
    own, target = scene.own.tenant.prefix, scene.target.tenant.prefix
    policy = base64.b64decode(fields["policy"]).decode().replace(own, target)
    return {"key": target + "planted.txt", "policy": base64.b64encode(policy.encode()).decode()}


FORMS: Final[dict[str, Act]] = {
    "key of the target": send_form_with(lambda scene, _: {"key": scene.target.tenant.prefix + "planted.txt"}),
    "key above the own prefix": send_form_with(
        lambda scene, _: {"key": f"{scene.own.tenant.prefix}../{scene.target.tenant_id}/planted.txt"}
    ),
    "key with a file name": send_form_with(lambda scene, _: {"key": scene.target.tenant.prefix + "${filename}"}),
    "policy of the target, unsigned": send_form_with(rewritten_policy),
    "address of the target": send_form_with(unchanged, url="/tenants/{tenant}/"),
}

UPLOAD_ATTACKS: Final = [
    http_attack(f"upload named {name!a}", upload(name), upload("planted.txt"), reads=False) for name in UPLOADS
]
FORM_ATTACKS: Final = [
    Attack("HTTP", f"form with {name}", act, FORM_LAYERS, strict=False, own=send_form_with(unchanged))
    for name, act in FORMS.items()
]
