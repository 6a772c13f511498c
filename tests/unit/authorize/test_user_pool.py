"""Tokens of the user pool and everything that only looks like one; keys are made here."""

import base64
import hashlib
import hmac
import io
import json
import time
import urllib.request
from contextlib import nullcontext
from datetime import UTC, datetime, tzinfo
from typing import Any, Self

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from onggi.domain.access import PoolUser
from onggi.domain.errors import TransientError, Unauthorized
from tests.unit.core.fakes import FixedClock
from user_pool import KeySet, UserPool, read_keys

ISSUER = "https://cognito-idp.ap-northeast-2.amazonaws.com/ap-northeast-2_Example00"
CLIENT = "4example0client0id00000000"
OURS, THEIRS = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def claims_of(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "sub": "7d1f4b0e-0000-4000-8000-000000000000",
        "iss": ISSUER,
        "aud": CLIENT,
        "token_use": "id",
        "iat": now,
        "exp": now + 3600,
        "custom:tenant_id": "acme",
        "cognito:groups": ["writer"],
    } | changes
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: dict[str, Any], key: Any = OURS, algorithm: str = "RS256", **headers: Any) -> str:
    return jwt.encode(claims, key, algorithm, {"kid": "ours"} | headers)


def pool() -> UserPool:
    return UserPool(ISSUER, CLIENT, KeySet(lambda: {"ours": OURS.public_key()}, FixedClock()))


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public_pem() -> bytes:
    return OURS.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_an_id_token_has_tenant_user_and_role() -> None:
    claims = claims_of()
    issued_at = datetime.fromtimestamp(claims["iat"], UTC)
    user = PoolUser("acme", "7d1f4b0e-0000-4000-8000-000000000000", "writer", issued_at)
    assert pool().verify(signed(claims)) == user


def test_an_access_token_is_accepted_with_a_tenant_claim() -> None:
    access = claims_of(token_use="access", aud=None, client_id=CLIENT, **{"cognito:groups": ["owner", "reader"]})
    assert pool().verify(signed(access)).role == "owner"
    del access["custom:tenant_id"]
    with pytest.raises(Unauthorized):
        pool().verify(signed(access))


@pytest.mark.parametrize("groups", [None, [], ["staff"], "owner", [["owner"], 7]])
def test_a_user_without_a_known_group_is_a_reader(groups: Any) -> None:
    assert pool().verify(signed(claims_of(**{"cognito:groups": groups}))).role == "reader"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": ISSUER + "1"},
        {"iss": ISSUER[:-1]},
        {"iss": ISSUER.replace("Example00", "Another00")},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": [CLIENT]},
        {"aud": None},
        {"aud": None, "client_id": CLIENT},
        {"token_use": "access"},
        {"token_use": "access", "aud": None, "client_id": "another-client"},
        {"token_use": "refresh"},
        {"token_use": None},
        pytest.param({"exp": int(time.time()) - 60}, id="expired"),
        {"exp": None},
        pytest.param({"iat": int(time.time()) + 600}, id="issued later"),
        {"iat": None},
        pytest.param({"nbf": int(time.time()) + 600}, id="valid later"),
        {"sub": None},
        {"custom:tenant_id": None},
        {"custom:tenant_id": ""},
        {"custom:tenant_id": "../acme"},
        {"custom:tenant_id": ["acme"]},
    ],
    ids=str,
)
def test_a_token_for_another_purpose_or_time_is_refused(changes: dict[str, Any]) -> None:
    pool().verify(signed(claims_of()))
    with pytest.raises(Unauthorized):
        pool().verify(signed(claims_of(**changes)))


def forgeries() -> dict[str, str]:
    claims = claims_of()
    header = {"alg": "HS256", "typ": "JWT", "kid": "ours"}
    body = f"{encoded(header)}.{encoded(claims)}"
    by_public_key = hmac.new(public_pem(), body.encode(), hashlib.sha256).digest()
    honest = signed(claims)
    head, payload, signature = honest.split(".")
    richer = encoded(claims | {"custom:tenant_id": "other"})
    return {
        "not signed": signed(claims, None, "none"),
        "not signed, said otherwise": f"{encoded(header | {'alg': 'None'})}.{payload}.",
        "HS256 with the public key": f"{body}.{encoded(by_public_key)}",
        "another key under our id": signed(claims, THEIRS),
        "another key under its own id": signed(claims, THEIRS, kid="theirs"),
        "a key of its own in the header": signed(
            claims, THEIRS, jwk=json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(THEIRS.public_key()))
        ),
        "another algorithm of the same key": signed(claims, OURS, "RS512"),
        "no key id": jwt.encode(claims, OURS, "RS256"),
        "changed claims": f"{head}.{richer}.{signature}",
        "no signature": f"{head}.{payload}.",
        "half a signature": honest[:-20],
        "an extension nobody knows": signed(claims, crit=["b64"], b64=False),
        "no JSON": f"{encoded(b'{')}.{payload}.{signature}",
        "a list": f"{encoded([])}.{payload}.{signature}",
    }


@pytest.mark.parametrize("forgery", forgeries())
def test_a_forged_token_is_refused(forgery: str) -> None:
    with pytest.raises(Unauthorized):
        pool().verify(forgeries()[forgery])


class Published:
    """What a pool publishes, and how often it was asked."""

    def __init__(self, **keys: str) -> None:
        self.keys = keys
        self.asked = 0
        self.down = False

    def read(self) -> dict[str, str]:
        self.asked += 1
        if self.down:
            raise TransientError("no")
        return dict(self.keys)


def test_keys_are_read_once_and_rotated_ones_picked_up() -> None:
    published, clock = Published(old="1"), FixedClock()
    keys = KeySet(published.read, clock)
    assert [keys.find("old"), keys.find("old"), published.asked] == ["1", "1", 1]
    published.keys["new"] = "2"
    assert [keys.find("new"), published.asked] == [None, 1], "asked a moment ago"
    clock.advance(minutes=1)
    assert [keys.find("new"), keys.find("old"), published.asked] == ["2", "1", 2]


def test_unknown_key_ids_ask_at_most_once_a_minute() -> None:
    published, clock = Published(old="1"), FixedClock()
    keys = KeySet(published.read, clock)
    for second in range(180):
        assert keys.find(f"guess-{second}") is None
        clock.advance(seconds=1)
    assert published.asked == 3


def test_a_withdrawn_key_is_accepted_for_at_most_an_hour() -> None:
    published, clock = Published(old="1"), FixedClock()
    keys = KeySet(published.read, clock)
    assert keys.find("old") == "1"
    published.keys.clear()
    clock.advance(minutes=59)
    assert keys.find("old") == "1"
    clock.advance(minutes=1)
    assert keys.find("old") is None


def test_while_the_pool_is_down_known_keys_work_and_unknown_ones_are_transient_errors() -> None:
    published, clock = Published(old="1"), FixedClock()
    keys = KeySet(published.read, clock)
    published.down = True
    for _ in range(2):
        with pytest.raises(TransientError):
            keys.find("old")
    assert published.asked == 1
    published.down = False
    clock.advance(minutes=1)
    assert keys.find("old") == "1"
    published.down = True
    clock.advance(hours=1)
    assert keys.find("old") == "1"
    with pytest.raises(TransientError):
        keys.find("new")


def published_as(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: io.BytesIO(content))


def test_keys_are_read_as_the_pool_publishes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    key = jwt.algorithms.RSAAlgorithm.to_jwk(OURS.public_key(), as_dict=True)
    others = [
        {**key, "kid": "encrypting", "alg": "RSA-OAEP"},
        {"kid": "shared", "kty": "oct", "k": "AA", "alg": "HS256"},
    ]
    published = {"keys": [{**key, "kid": "ours", "alg": "RS256", "use": "sig"}, *others]}
    published_as(monkeypatch, json.dumps(published).encode())
    read = read_keys("https://pool.example/keys")
    assert {kid: found.public_numbers() for kid, found in read.items()} == {"ours": OURS.public_key().public_numbers()}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": [{"alg": "RS256"}]}',
        b'{"keys": [{"alg": "RS256", "kid": "x", "kty": "RSA"}]}',
    ],
)
def test_keys_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    published_as(monkeypatch, content)
    with pytest.raises(TransientError):
        read_keys("https://pool.example/keys")


def test_an_unreachable_pool_is_a_transient_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(TransientError):
        read_keys("https://pool.example/keys")


def test_a_token_whose_key_cannot_be_read_is_a_transient_error() -> None:
    def down() -> dict[str, Any]:
        raise TransientError("no")

    unreachable = UserPool(ISSUER, CLIENT, KeySet(down, FixedClock()))
    with pytest.raises(TransientError):
        unreachable.verify(signed(claims_of()))


@pytest.mark.parametrize(
    ("times", "forgiven"),
    [({"iat": 5}, True), ({"iat": 6}, False), ({"exp": -4}, True), ({"exp": -5}, False)],
)
def test_five_seconds_of_skew_between_clocks_are_forgiven(
    monkeypatch: pytest.MonkeyPatch, times: dict[str, int], *, forgiven: bool
) -> None:
    """Machines that keep time by NTP differ by less than a second; a token must not outlive its end by much."""
    now = int(time.time())

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(now, tz)

    monkeypatch.setattr("jwt.api_jwt.datetime", Clock)
    token = signed(claims_of(**{name: now + seconds for name, seconds in times.items()}))
    with nullcontext() if forgiven else pytest.raises(Unauthorized):
        pool().verify(token)
