"""Verifies the tokens of the stack's Cognito user pool (developer guide, "Verifying JSON web tokens")."""

import json
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from onggi.domain.access import TENANT_ATTRIBUTE, PoolUser, strongest_role
from onggi.domain.errors import TransientError, Unauthorized
from onggi.domain.tenant import is_tenant_id
from onggi.entry.logging import best_effort
from onggi.ports.clock import Clock

ALGORITHM: Final = "RS256"
"""The only one that Cognito signs with; never taken from a token, which could name one that needs no secret."""
CLOCK_SKEW: Final = timedelta(seconds=5)
KEYS_ARE_ASKED_FOR_EVERY: Final = timedelta(minutes=1)
"""The least time between two readings of the pool's keys, whatever keys tokens name."""
KEYS_ARE_RENEWED_AFTER: Final = timedelta(hours=1)
"""So that a key which the pool has withdrawn opens nothing for longer."""
READ_SECONDS: Final = 3
AUDIENCE_CLAIMS: Final[Mapping[str, str]] = {"id": "aud", "access": "client_id"}
"""Which claim tells the client that a token was issued for, by `token_use`."""

PublicKey = Any  # of the cryptography package, which only PyJWT looks into


def read_keys(url: str) -> dict[str, PublicKey]:
    """The RSA keys that a pool publishes as a JSON Web Key Set (RFC 7517), by key id.

    Raises:
        TransientError: when they cannot be read.
    """
    try:
        with urllib.request.urlopen(url, timeout=READ_SECONDS) as response:  # noqa: S310 - the stack's own URL
            published: list[dict[str, Any]] = json.load(response)["keys"]
        return {each["kid"]: jwt.PyJWK(each, ALGORITHM).key for each in published if each.get("alg") == ALGORITHM}
    except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
        raise TransientError("The user pool's keys cannot be read at the moment; try again.") from error


class KeySet:
    """A pool's keys, read anew each hour, and when a token names another one, but at most once a minute."""

    def __init__(self, read: Callable[[], dict[str, PublicKey]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._keys: dict[str, PublicKey] = {}
        self._read_at: datetime | None = None
        self._asked_at: datetime | None = None

    def find(self, key_id: str) -> PublicKey | None:
        """The key of an id, None where the pool has none; known ones stay good while they cannot be read anew.

        Raises:
            TransientError: when the key is not known and the pool's keys cannot be read.
        """
        now = self._clock()
        if (key_id not in self._keys or self._is_old(now)) and self._may_ask(now):
            self._asked_at = now
            best_effort("the user pool's keys were not read", lambda: self._renew(now))
        if key_id not in self._keys and self._asked_at != self._read_at:
            raise TransientError("The user pool's keys cannot be read at the moment; try again.")
        return self._keys.get(key_id)

    def _renew(self, now: datetime) -> None:
        self._keys = self._read()
        self._read_at = now

    def _is_old(self, now: datetime) -> bool:
        return self._read_at is None or now - self._read_at >= KEYS_ARE_RENEWED_AFTER

    def _may_ask(self, now: datetime) -> bool:
        return self._asked_at is None or now - self._asked_at >= KEYS_ARE_ASKED_FOR_EVERY


class UserPool:
    """Verifies id tokens of one pool and client, and access tokens where a trigger adds the tenant to them."""

    def __init__(self, issuer: str, client_id: str, keys: KeySet) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._keys = keys

    def verify(self, token: str) -> PoolUser:
        """The user behind a token.

        Raises:
            Unauthorized: when the token is not one that the pool issued for this API and that is valid now.
            TransientError: when the pool's keys cannot be read.
        """
        try:
            key = self._keys.find(str(jwt.get_unverified_header(token).get("kid")))
            if key is None:
                raise Unauthorized("The token is not signed by the user pool.")
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                leeway=CLOCK_SKEW,
                options={"require": ["exp", "iat", "iss", "sub", "token_use"], "verify_aud": False},
            )
        except jwt.PyJWTError as error:
            raise Unauthorized("The token is not valid.") from error
        return self._user(claims)

    def _user(self, claims: Mapping[str, Any]) -> PoolUser:
        # Of an id token `aud` is the client; an access token has none and tells it as `client_id`.
        audience = AUDIENCE_CLAIMS.get(str(claims["token_use"]))
        if audience is None or claims.get(audience) != self._client_id:
            raise Unauthorized("The token was issued for something else.")
        tenant_id = claims.get(TENANT_ATTRIBUTE)
        if not isinstance(tenant_id, str) or not is_tenant_id(tenant_id):
            raise Unauthorized("The token does not name a tenant; send the id token.")
        groups = claims.get("cognito:groups")
        named: Iterable[Any] = groups if isinstance(groups, list) else []
        role = strongest_role(each for each in named if isinstance(each, str))
        return PoolUser(tenant_id, claims["sub"], role, datetime.fromtimestamp(int(claims["iat"]), UTC))
