"""Attacks by credentials: of blocked tenants, revoked or expired ones, forged ones, and users' valid ones."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.integration.credentials import ROUTES
from tests.integration.product import Json, Reply
from tests.integration.users import PASSWORD, encoded, users_of
from tests.isolation.attacks import BROKEN, Attack, Scene
from tests.isolation.http_attacks import BY_A_TENANT
from tests.isolation.http_calls import API_LAYERS, Act, bearer, send
from tests.isolation.key_attacks import secret_of, with_key

type Forge = Callable[[Scene], str]

DENIED_STATUSES: Final = frozenset({401, 403})
"""The statuses of a rejected credential, on every route."""
ISSUED_KEY: Final = re.compile(r"onggi_[a-z0-9-]+_[A-Za-z0-9_-]{55}")
HOUR: Final = 3600
UNKNOWN_KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""A key that no user pool has published."""


# ── blocked tenants, revoked and expired credentials ────────────────────────────────────────────────────────────────


def on_every_route(credential: Forge) -> Act:
    """Returns a call of every route of tenants, with the last rejection or the first success as its response."""

    def act(scene: Scene) -> Any:
        own = bearer(credential(scene))
        for method, route, body, _, _ in ROUTES:
            path = "/v1" + route.replace("/documents/0", f"/documents/{scene.target.document['document_id']}")
            reply = send(scene, method, path, own, body)
            scene.own.product.confidential |= set(ISSUED_KEY.findall(reply.body))
            if reply.status not in DENIED_STATUSES:
                return reply if reply.status >= BROKEN else ("allowed", method, path, reply)
        return reply

    return act


INVALID_CREDENTIALS: Final[dict[str, Forge]] = {
    "key of a suspended tenant": lambda scene: scene.own.blocked["suspended"].api_key,
    "token of a suspended tenant's user": lambda scene: scene.own.blocked["suspended"].id_token,
    "key of a removed tenant": lambda scene: scene.own.blocked["removed"].api_key,
    "token of a removed tenant's user": lambda scene: scene.own.blocked["removed"].id_token,
    "key of the previous tenant with this id": lambda scene: scene.target.previous_owner.api_key,
    "token of a user of the previous tenant with this id": lambda scene: scene.target.previous_owner.id_token,
    "revoked key": lambda scene: scene.target.inactive_keys["revoked"],
    "expired key": lambda scene: scene.target.inactive_keys["expired"],
    "access token of the target's user": lambda scene: scene.target.owner.access_token,
}
VALID_CREDENTIALS: Final[dict[str, Forge]] = {
    "key": lambda scene: scene.own.owner.api_key,
    "token": lambda scene: scene.own.owner.id_token,
}

# ── composed keys ───────────────────────────────────────────────────────────────────────────────────────────────────


def compose_key(tenant_id: str, key_id_from: str, secret_from: str) -> str:
    return f"onggi_{tenant_id}_{secret_of(key_id_from)[:12]}{secret_of(secret_from)[12:]}"


COMPOSED_KEYS: Final[dict[str, Forge]] = {
    "secret of its own revoked key": lambda scene: compose_key(
        scene.target.tenant_id, scene.target.owner.api_key, scene.target.inactive_keys["revoked"]
    ),
    "id of a revoked key and a valid secret": lambda scene: compose_key(
        scene.target.tenant_id, scene.target.inactive_keys["revoked"], scene.target.owner.api_key
    ),
    "secret of a suspended tenant": lambda scene: compose_key(
        scene.target.tenant_id, *[scene.own.blocked["suspended"].api_key] * 2
    ),
    "secret of the previous tenant with this id": lambda scene: compose_key(
        scene.target.tenant_id, scene.target.owner.api_key, scene.target.previous_owner.api_key
    ),
    "key of a removed tenant under its own id": lambda scene: compose_key(
        scene.own.tenant_id, *[scene.own.blocked["removed"].api_key] * 2
    ),
}

# ── forged tokens ───────────────────────────────────────────────────────────────────────────────────────────────────


def claims_of(scene: Scene, **changed: Any) -> Json:
    """Returns the claims of the attacker's own token with the target as the tenant, and with changes."""
    own: Json = jwt.decode(scene.own.owner.id_token, options={"verify_signature": False})
    return own | {"custom:tenant_id": scene.target.tenant_id} | changed


def header_of(scene: Scene) -> Json:
    return jwt.get_unverified_header(scene.own.owner.id_token)


def pool_key(scene: Scene) -> Any:
    """Returns the private signing key of the user pool, which the emulator stores."""
    product = scene.own.product
    file = product.cloud.state / "data" / "cognito-pool-keys" / f"{product['UserPoolId']}-id.pem"
    return serialization.load_pem_private_key(file.read_bytes(), password=None)


def signed_by_pool(**changed: Any) -> Forge:
    """Returns a token with a valid signature of the pool, so that only its claims can cause a rejection."""

    def forge(scene: Scene) -> str:
        filled = {
            name: value.format(own=scene.own.tenant_id, target=scene.target.tenant_id)
            if isinstance(value, str)
            else value
            for name, value in changed.items()
        }
        return jwt.encode(claims_of(scene, **filled), pool_key(scene), "RS256", {"kid": header_of(scene)["kid"]})

    return forge


def list_as_claim(scene: Scene) -> str:
    return signed_by_pool(**{"custom:tenant_id": [scene.target.tenant_id]})(scene)


def signed_by_public_key(scene: Scene) -> str:
    """Returns a token signed with the public key as an HMAC secret, which deceives verifiers that trust the header."""
    public = pool_key(scene).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded(header_of(scene) | {'alg': 'HS256'})}.{encoded(claims_of(scene))}"
    return f"{signed}.{encoded(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def with_own_signature(payload: Callable[[Scene], Any], **header: str) -> Forge:
    """Returns the attacker's own token with another payload."""

    def forge(scene: Scene) -> str:
        head, _, signature = scene.own.owner.id_token.split(".")
        if header:
            head = encoded(header_of(scene) | header)
        return f"{head}.{encoded(payload(scene))}.{signature}"

    return forge


def with_two_tenant_claims(first: str, second: str) -> Callable[[Scene], bytes]:
    """Returns the attacker's claims with two tenant claims; parsers differ in which one they use."""

    def payload(scene: Scene) -> bytes:
        names = [each.format(own=scene.own.tenant_id, target=scene.target.tenant_id) for each in (first, second)]
        claims = claims_of(scene)
        claims.pop("custom:tenant_id")
        twice = "".join(f',"custom:tenant_id":"{name}"' for name in names)
        return (json.dumps(claims)[:-1] + twice + "}").encode()

    return payload


FORGED_TOKENS: Final[dict[str, Forge]] = {
    "signed by another key": lambda scene: jwt.encode(claims_of(scene), UNKNOWN_KEY, "RS256", {"kid": "theirs"}),
    "signed by another key under the pool's id": lambda scene: jwt.encode(
        claims_of(scene), UNKNOWN_KEY, "RS256", {"kid": header_of(scene)["kid"]}
    ),
    "signed by an embedded key": lambda scene: jwt.encode(
        claims_of(scene),
        UNKNOWN_KEY,
        "RS256",
        {"jwk": jwt.algorithms.RSAAlgorithm.to_jwk(UNKNOWN_KEY.public_key(), as_dict=True)},
    ),
    "signed by the public key": signed_by_public_key,
    "unsigned": lambda scene: f"{encoded(header_of(scene) | {'alg': 'none'})}.{encoded(claims_of(scene))}.",
    "with alg none and a signature": with_own_signature(claims_of, alg="none"),
    "its own with another tenant": with_own_signature(claims_of),
    "its own with two tenants, its own first": with_own_signature(with_two_tenant_claims("{own}", "{target}")),
    "its own with two tenants, the target first": with_own_signature(with_two_tenant_claims("{target}", "{own}")),
}
POOL_SIGNED_TOKENS: Final[dict[str, Forge]] = {
    "expired": signed_by_pool(exp=int(time.time()) - HOUR, iat=int(time.time()) - 2 * HOUR),
    "not valid yet": signed_by_pool(nbf=int(time.time()) + HOUR),
    "of another issuer": signed_by_pool(iss="https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_theirs"),
    "of another client": signed_by_pool(aud="theirs"),
    "for several clients": lambda scene: signed_by_pool(aud=["theirs", scene.own.product["UserPoolClientId"]])(scene),
    "with the use access": signed_by_pool(token_use="access"),
    "with the use refresh": signed_by_pool(token_use="refresh"),
    "with a list of tenants": list_as_claim,
    "with two tenants in one claim": signed_by_pool(**{"custom:tenant_id": "{own} {target}"}),
    "with a path in the claim": signed_by_pool(**{"custom:tenant_id": "{own}/../{target}"}),
    "with the tenant in other claims": signed_by_pool(
        **{"custom:tenant_id": "{own}", "tenant_id": "{target}", "custom:tenant": "{target}", "email": "{target}"}
    ),
    "with the tenant as a group": signed_by_pool(
        **{"custom:tenant_id": "{own}", "cognito:groups": ["owner", "admin"], "cognito:username": "{target}"}
    ),
}


def targets_token(scene: Scene) -> str:
    return scene.target.owner.id_token


# ── valid users ─────────────────────────────────────────────────────────────────────────────────────────────────────


def change_tenant_attribute(scene: Scene) -> Any:
    """Sets another tenant as a user's attribute, and calls the API with a token that was issued afterwards."""
    users = users_of(scene.own.product)
    tokens = users.sign_up(scene.own.tenant_id, "owner")
    attributes = [{"Name": "custom:tenant_id", "Value": scene.target.tenant_id}]
    cognito = scene.own.product.root("cognito-idp")
    with suppress(cognito.exceptions.NotAuthorizedException, cognito.exceptions.InvalidParameterException):
        cognito.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=attributes)
    again = users.sign_in(tokens["Username"])["IdToken"]
    return send(scene, "GET", "/v1/documents", bearer(again))


def sign_up_for_target(scene: Scene) -> Any:
    """Signs up through the public client as a user of the target, and calls the API as that user."""
    product, users = scene.own.product, users_of(scene.own.product)
    cognito, attributes = product.root("cognito-idp"), [{"Name": "custom:tenant_id", "Value": scene.target.tenant_id}]
    stranger = {"Username": "stranger", "Password": PASSWORD}
    try:
        cognito.sign_up(ClientId=users.client_id, UserAttributes=attributes, **stranger)
    except cognito.exceptions.NotAuthorizedException as error:
        return Reply(error.response["ResponseMetadata"]["HTTPStatusCode"], {}, "")
    cognito.admin_confirm_sign_up(UserPoolId=users.pool_id, Username="stranger")
    return send(scene, "GET", "/v1/documents", bearer(users.sign_in("stranger")["IdToken"]))


def sign_in_as_previous_user(scene: Scene) -> Any:
    """Signs in as a user of the previous tenant with the target's id, if that user still exists."""
    users, refused = users_of(scene.own.product), scene.own.product.root("cognito-idp").exceptions
    name = jwt.decode(scene.target.previous_owner.id_token, options={"verify_signature": False})["cognito:username"]
    try:
        tokens = users.sign_in(name)
    except (refused.UserNotFoundException, refused.NotAuthorizedException) as error:
        return Reply(error.response["ResponseMetadata"]["HTTPStatusCode"], {}, "")
    return send(scene, "GET", "/v1/documents", bearer(tokens["IdToken"]))


def by_a_user(attack: Attack) -> Attack:
    """Returns the same attack with a user's token; the key covers the action on the tenant's own data."""

    def act(scene: Scene) -> Any:
        return attack.act(replace(scene, own=scene.own.as_user))

    return replace(attack, group="credentials", name=f"token: {attack.name}", act=act, own=None)


def _attack(name: str, act: Act, own: Act, *, strict: bool = False) -> Attack:
    return Attack("credentials", name, act, API_LAYERS, strict=strict, own=own, reads=not strict)


CREDENTIAL_ATTACKS: Final = [
    *(
        _attack(f"{name}, on every route", on_every_route(forge), on_every_route(VALID_CREDENTIALS[kind]), strict=True)
        for name, forge in INVALID_CREDENTIALS.items()
        for kind in [next(each for each in VALID_CREDENTIALS if each in name)]
    ),
    *(
        _attack(f"key: {name}", with_key(forge), with_key(VALID_CREDENTIALS["key"]))
        for name, forge in COMPOSED_KEYS.items()
    ),
    *(_attack(f"token {name}", with_key(forge), with_key(targets_token)) for name, forge in FORGED_TOKENS.items()),
    *(
        _attack(f"token {name}", with_key(forge), with_key(signed_by_pool()))
        for name, forge in POOL_SIGNED_TOKENS.items()
    ),
    _attack("user changes the tenant attribute", change_tenant_attribute, change_tenant_attribute),
    _attack("user signs up for the target", sign_up_for_target, with_key(targets_token)),
    _attack(
        "user of the previous tenant with this id signs in again", sign_in_as_previous_user, with_key(targets_token)
    ),
    *(by_a_user(attack) for attack in BY_A_TENANT),
]
