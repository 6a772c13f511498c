"""Attacks by credentials: of tenants that are shut out, that have ended, that are forged, and a user's real ones."""

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

from tests.integration.product import Json, Reply
from tests.integration.test_credentials import ROUTES
from tests.integration.users import PASSWORD, encoded, users_of
from tests.isolation.attacks import BROKEN, Attack, Scene
from tests.isolation.http_attacks import BY_A_TENANT, WALLS, Act, bearer, secret_of, sent, with_key

type Forge = Callable[[Scene], str]

SHUT_OUT: Final = frozenset({401, 403})
"""What who is not let in is answered, whatever the route and whatever there is."""
ISSUED_KEY: Final = re.compile(r"onggi_[a-z0-9-]+_[A-Za-z0-9_-]{55}")
HOUR: Final = 3600
THEIRS: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""A key that no pool has published."""


# ── tenants that are shut out, credentials that have ended ──────────────────────────────────────────────────────────


def on_every_route(credential: Forge) -> Act:
    """Calls every route of tenants; the answer is the last refusal, or that of the first route that lets in."""

    def act(scene: Scene) -> Any:
        own = bearer(credential(scene))
        for method, route, body, _, _ in ROUTES:
            path = "/v1" + route.replace("/documents/0", f"/documents/{scene.target.document['document_id']}")
            reply = sent(scene, method, path, own, body)
            scene.own.product.confidential |= set(ISSUED_KEY.findall(reply.body))
            if reply.status not in SHUT_OUT:
                return reply if reply.status >= BROKEN else ("let in", method, path, reply)
        return reply

    return act


ENDED: Final[dict[str, Forge]] = {
    "key of a suspended tenant": lambda scene: scene.own.shut_out["suspended"].api_key,
    "token of a suspended tenant's user": lambda scene: scene.own.shut_out["suspended"].id_token,
    "key of a removed tenant": lambda scene: scene.own.shut_out["removed"].api_key,
    "token of a removed tenant's user": lambda scene: scene.own.shut_out["removed"].id_token,
    "key of who had the id before": lambda scene: scene.target.predecessor.api_key,
    "token of a user of who had the id before": lambda scene: scene.target.predecessor.id_token,
    "revoked key": lambda scene: scene.target.ended["revoked"],
    "expired key": lambda scene: scene.target.ended["expired"],
    "access token of the target's user": lambda scene: scene.target.owner.access_token,
}
GOOD: Final[dict[str, Forge]] = {
    "key": lambda scene: scene.own.owner.api_key,
    "token": lambda scene: scene.own.owner.id_token,
}

# ── keys that are put together ──────────────────────────────────────────────────────────────────────────────────────


def put_together(tenant_id: str, key_id_from: str, secret_from: str) -> str:
    return f"onggi_{tenant_id}_{secret_of(key_id_from)[:12]}{secret_of(secret_from)[12:]}"


MIXED: Final[dict[str, Forge]] = {
    "secret of its own revoked key": lambda scene: put_together(
        scene.target.tenant_id, scene.target.owner.api_key, scene.target.ended["revoked"]
    ),
    "id of a revoked key and a good secret": lambda scene: put_together(
        scene.target.tenant_id, scene.target.ended["revoked"], scene.target.owner.api_key
    ),
    "secret of a suspended tenant": lambda scene: put_together(
        scene.target.tenant_id, *[scene.own.shut_out["suspended"].api_key] * 2
    ),
    "secret of who had the id before": lambda scene: put_together(
        scene.target.tenant_id, scene.target.owner.api_key, scene.target.predecessor.api_key
    ),
    "key of a removed tenant under the own id": lambda scene: put_together(
        scene.own.tenant_id, *[scene.own.shut_out["removed"].api_key] * 2
    ),
}

# ── tokens that are forged ──────────────────────────────────────────────────────────────────────────────────────────


def claims_of(scene: Scene, **changed: Any) -> Json:
    """What the attacker's own token says, but for the tenant and for what else is changed."""
    own: Json = jwt.decode(scene.own.owner.id_token, options={"verify_signature": False})
    return own | {"custom:tenant_id": scene.target.tenant_id} | changed


def header_of(scene: Scene) -> Json:
    return jwt.get_unverified_header(scene.own.owner.id_token)


def pool_key(scene: Scene) -> Any:
    """The private key by which the pool signs; nobody but the emulator's owner has it."""
    product = scene.own.product
    file = product.cloud.state / "data" / "cognito-pool-keys" / f"{product['UserPoolId']}-id.pem"
    return serialization.load_pem_private_key(file.read_bytes(), password=None)


def by_the_pool(**changed: Any) -> Forge:
    """A token as if the pool had issued it: no signature but what it says is what refuses it."""

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
    return by_the_pool(**{"custom:tenant_id": [scene.target.tenant_id]})(scene)


def by_the_public_key(scene: Scene) -> str:
    """The public key taken for a secret, which a verifier falls for that asks the token how it is signed."""
    public = pool_key(scene).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded(header_of(scene) | {'alg': 'HS256'})}.{encoded(claims_of(scene))}"
    return f"{signed}.{encoded(hmac.new(pem, signed.encode(), hashlib.sha256).digest())}"


def with_own_signature(payload: Callable[[Scene], Any], **header: str) -> Forge:
    """The attacker's own token with other content."""

    def forge(scene: Scene) -> str:
        head, _, signature = scene.own.owner.id_token.split(".")
        if header:
            head = encoded(header_of(scene) | header)
        return f"{head}.{encoded(payload(scene))}.{signature}"

    return forge


def named_twice(first: str, second: str) -> Callable[[Scene], bytes]:
    """The own claims with two of the tenant; which of them holds is up to who reads them."""

    def payload(scene: Scene) -> bytes:
        names = [each.format(own=scene.own.tenant_id, target=scene.target.tenant_id) for each in (first, second)]
        claims = claims_of(scene)
        claims.pop("custom:tenant_id")
        twice = "".join(f',"custom:tenant_id":"{name}"' for name in names)
        return (json.dumps(claims)[:-1] + twice + "}").encode()

    return payload


FORGED: Final[dict[str, Forge]] = {
    "signed by another key": lambda scene: jwt.encode(claims_of(scene), THEIRS, "RS256", {"kid": "theirs"}),
    "signed by another key under the pool's id": lambda scene: jwt.encode(
        claims_of(scene), THEIRS, "RS256", {"kid": header_of(scene)["kid"]}
    ),
    "signed by a key that it brings along": lambda scene: jwt.encode(
        claims_of(scene),
        THEIRS,
        "RS256",
        {"jwk": jwt.algorithms.RSAAlgorithm.to_jwk(THEIRS.public_key(), as_dict=True)},
    ),
    "signed by the public key": by_the_public_key,
    "not signed": lambda scene: f"{encoded(header_of(scene) | {'alg': 'none'})}.{encoded(claims_of(scene))}.",
    "said not to be signed": with_own_signature(claims_of, alg="none"),
    "the own with another tenant": with_own_signature(claims_of),
    "the own with two tenants, the own first": with_own_signature(named_twice("{own}", "{target}")),
    "the own with two tenants, the target first": with_own_signature(named_twice("{target}", "{own}")),
}
FORGED_BY_THE_POOL: Final[dict[str, Forge]] = {
    "expired": by_the_pool(exp=int(time.time()) - HOUR, iat=int(time.time()) - 2 * HOUR),
    "not valid yet": by_the_pool(nbf=int(time.time()) + HOUR),
    "of another issuer": by_the_pool(iss="https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_theirs"),
    "of another client": by_the_pool(aud="theirs"),
    "for several clients": lambda scene: by_the_pool(aud=["theirs", scene.own.product["UserPoolClientId"]])(scene),
    "of another use": by_the_pool(token_use="access"),
    "of no use": by_the_pool(token_use="refresh"),
    "with a list of tenants": list_as_claim,
    "with two tenants in one claim": by_the_pool(**{"custom:tenant_id": "{own} {target}"}),
    "with a path in the claim": by_the_pool(**{"custom:tenant_id": "{own}/../{target}"}),
    "with the tenant in other claims": by_the_pool(
        **{"custom:tenant_id": "{own}", "tenant_id": "{target}", "custom:tenant": "{target}", "email": "{target}"}
    ),
    "with the tenant as a group": by_the_pool(
        **{"custom:tenant_id": "{own}", "cognito:groups": ["owner", "admin"], "cognito:username": "{target}"}
    ),
}


def targets_token(scene: Scene) -> str:
    return scene.target.owner.id_token


# ── users that are real ─────────────────────────────────────────────────────────────────────────────────────────────


def moved(scene: Scene) -> Any:
    """A user names another tenant as the own, and asks with a token that was issued afterwards."""
    users = users_of(scene.own.product)
    tokens = users.sign_up(scene.own.tenant_id, "owner")
    attributes = [{"Name": "custom:tenant_id", "Value": scene.target.tenant_id}]
    cognito = scene.own.product.root("cognito-idp")
    with suppress(cognito.exceptions.NotAuthorizedException, cognito.exceptions.InvalidParameterException):
        cognito.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=attributes)
    again = users.sign_in(tokens["Username"])["IdToken"]
    return sent(scene, "GET", "/v1/documents", bearer(again))


def signed_up(scene: Scene) -> Any:
    """Somebody signs up by the public client as a user of the target, and asks as that user."""
    product, users = scene.own.product, users_of(scene.own.product)
    cognito, attributes = product.root("cognito-idp"), [{"Name": "custom:tenant_id", "Value": scene.target.tenant_id}]
    stranger = {"Username": "stranger", "Password": PASSWORD}
    try:
        cognito.sign_up(ClientId=users.client_id, UserAttributes=attributes, **stranger)
    except cognito.exceptions.NotAuthorizedException as error:
        return Reply(error.response["ResponseMetadata"]["HTTPStatusCode"], {}, "")
    cognito.admin_confirm_sign_up(UserPoolId=users.pool_id, Username="stranger")
    return sent(scene, "GET", "/v1/documents", bearer(users.sign_in("stranger")["IdToken"]))


def signed_in_again(scene: Scene) -> Any:
    """A user of who had the target's id before signs in anew, if there still is such a user."""
    users, refused = users_of(scene.own.product), scene.own.product.root("cognito-idp").exceptions
    name = jwt.decode(scene.target.predecessor.id_token, options={"verify_signature": False})["cognito:username"]
    try:
        tokens = users.sign_in(name)
    except (refused.UserNotFoundException, refused.NotAuthorizedException) as error:
        return Reply(error.response["ResponseMetadata"]["HTTPStatusCode"], {}, "")
    return sent(scene, "GET", "/v1/documents", bearer(tokens["IdToken"]))


def by_a_user(attack: Attack) -> Attack:
    """The same by a user's token in place of a key; what a tenant may do at home is shown by the key."""

    def act(scene: Scene) -> Any:
        return attack.act(replace(scene, own=scene.own.as_user))

    return replace(attack, group="credentials", name=f"token: {attack.name}", act=act, own=None)


def _attack(name: str, act: Act, own: Act, *, strict: bool = False) -> Attack:
    return Attack("credentials", name, act, WALLS, strict=strict, own=own, reads=not strict)


CREDENTIAL_ATTACKS: Final = [
    *(
        _attack(f"{name}, on every route", on_every_route(forge), on_every_route(GOOD[kind]), strict=True)
        for name, forge in ENDED.items()
        for kind in [next(each for each in GOOD if each in name)]
    ),
    *(_attack(f"key: {name}", with_key(forge), with_key(GOOD["key"])) for name, forge in MIXED.items()),
    *(_attack(f"token {name}", with_key(forge), with_key(targets_token)) for name, forge in FORGED.items()),
    *(_attack(f"token {name}", with_key(forge), with_key(by_the_pool())) for name, forge in FORGED_BY_THE_POOL.items()),
    _attack("user who names another tenant", moved, moved),
    _attack("user who signs up", signed_up, with_key(targets_token)),
    _attack("user of who had the id before, signed in again", signed_in_again, with_key(targets_token)),
    *(by_a_user(attack) for attack in BY_A_TENANT),
]
