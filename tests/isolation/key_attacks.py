"""Attacks by API keys and tokens over HTTP that are modified, composed or missing."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from tests.integration.product import Json
from tests.isolation.attacks import Scene
from tests.isolation.http_calls import Act, bearer, http_attack, send


def with_key(forge: Callable[[Scene], str], scheme: str = "Bearer") -> Act:
    """Returns a listing with a credential that names the target."""
    return lambda scene: send(scene, "GET", "/v1/documents", [("Authorization", f"{scheme} {forge(scene)}".strip())])


def real_key(scene: Scene) -> Any:
    return send(scene, "GET", "/v1/documents", bearer(scene.target.tenant.api_key))


def secret_of(key: str) -> str:
    return key[-55:]


def token(scene: Scene, header: Json, expires: int) -> str:
    claims = {"custom:tenant_id": scene.target.tenant_id, "token_use": "id", "exp": expires, "sub": "x"}
    parts = [json.dumps(header), json.dumps(claims)]
    coded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, "" if header["alg"] == "none" else "c2lnbmVk"])


def modified_key(change: Callable[[str], str]) -> Callable[[Scene], str]:
    return lambda scene: change(scene.target.tenant.api_key)


def with_changed_letter(key: str, place: int) -> str:
    letters = list(key)
    letters[place] = "A" if letters[place] != "A" else "B"
    return "".join(letters)


KEYS: Final[dict[str, Callable[[Scene], str]]] = {
    "own secret under the target's id": lambda scene: (
        f"onggi_{scene.target.tenant_id}_{secret_of(scene.own.tenant.api_key)}"
    ),
    "target's key id and own secret": lambda scene: (
        f"onggi_{scene.target.tenant_id}_{secret_of(scene.target.tenant.api_key)[:12]}"
        f"{secret_of(scene.own.tenant.api_key)[12:]}"
    ),
    "own key id and target's secret under the own id": lambda scene: (
        f"onggi_{scene.own.tenant_id}_{secret_of(scene.own.tenant.api_key)[:12]}"
        f"{secret_of(scene.target.tenant.api_key)[12:]}"
    ),
    "last letter changed": modified_key(lambda key: with_changed_letter(key, -2)),
    "first letter of the secret changed": modified_key(lambda key: with_changed_letter(key, -43)),
    "key id changed": modified_key(lambda key: with_changed_letter(key, -50)),
    "truncated": modified_key(lambda key: key[:-1]),
    "with an additional letter": modified_key(lambda key: key + "A"),
    "upper case": modified_key(lambda key: key.upper()),
    "without a secret": modified_key(lambda key: key[:-55]),
    "only a key id": modified_key(lambda key: key[:-43]),
    "with NUL at the end": modified_key(lambda key: key + "%00"),
    "with a path in the id": lambda scene: (
        f"onggi_{scene.own.tenant_id}/../{scene.target.tenant_id}_{secret_of(scene.own.tenant.api_key)}"
    ),
    "with a partition in the id": lambda scene: (
        f"onggi_{scene.target.tenant_id}#_{secret_of(scene.own.tenant.api_key)}"
    ),
    "two keys": lambda scene: f"{scene.own.tenant.api_key},onggi_{scene.target.tenant_id}_x",
    "two ids": lambda scene: (
        f"onggi_{scene.target.tenant_id}_{scene.own.tenant_id}_{secret_of(scene.own.tenant.api_key)}"
    ),
    "never issued": lambda scene: f"onggi_{scene.target.tenant_id}_" + "0" * 12 + "A" * 43,
    "token without a signature": lambda scene: token(scene, {"alg": "none"}, 4102444800),
    "token with an unknown signature": lambda scene: token(scene, {"alg": "RS256", "kid": "x"}, 4102444800),
    "token with HS256": lambda scene: token(scene, {"alg": "HS256"}, 4102444800),
    "expired token": lambda scene: token(scene, {"alg": "RS256", "kid": "x"}, 1),
    "empty": lambda _: "",
    "asterisk": lambda _: "*",
}


def with_two_keys(*forge: Callable[[Scene], str]) -> Act:
    return lambda scene: send(scene, "GET", "/v1/documents", [pair for key in forge for pair in bearer(key(scene))])


def own_key(scene: Scene) -> str:
    return scene.own.tenant.api_key


KEY_ATTACKS: Final = [
    *(http_attack(f"key: {name}", with_key(forge), real_key) for name, forge in KEYS.items()),
    *(
        http_attack(f"key as {scheme or 'no scheme'}", with_key(lambda scene: scene.target.tenant_id, scheme), real_key)
        for scheme in ("", "Basic", "Negotiate", "AWS4-HMAC-SHA256")
    ),
    http_attack("two credentials, its own first", with_two_keys(own_key, KEYS["never issued"]), real_key),
    http_attack("two credentials, the forged one first", with_two_keys(KEYS["never issued"], own_key), real_key),
]
