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
"""The only algorithm that Cognito uses; never taken from a token, which could name one that needs no secret."""
CLOCK_SKEW: Final = timedelta(seconds=5)
MIN_REFRESH_INTERVAL: Final = timedelta(minutes=1)
"""Minimum time between two reads of the pool's keys, even if tokens name unknown keys."""
MAX_KEY_AGE: Final = timedelta(hours=1)
"""Maximum time for which a key is accepted after the pool has withdrawn it."""
READ_SECONDS: Final = 3
AUDIENCE_CLAIMS: Final[Mapping[str, str]] = {"id": "aud", "access": "client_id"}
"""The claim with the client for which a token was issued, by `token_use`."""

PublicKey = Any  # of the cryptography package; only PyJWT uses its methods


def read_keys(url: str) -> dict[str, PublicKey]:
    """Returns the RSA keys that a pool publishes as a JSON Web Key Set (RFC 7517), by key id.

    Raises:
        TransientError: they cannot be read.
    """
    try:
        with urllib.request.urlopen(url, timeout=READ_SECONDS) as response:  # noqa: S310 - the stack's own URL
            published: list[dict[str, Any]] = json.load(response)["keys"]
        return {each["kid"]: jwt.PyJWK(each, ALGORITHM).key for each in published if each.get("alg") == ALGORITHM}
    except (OSError, ValueError, KeyError, TypeError, jwt.PyJWTError) as error:
        raise TransientError("The user pool's keys cannot be read at the moment; try again.") from error


class KeySet:
    """Keys of a pool, read again each hour and when a token names an unknown key, but at most once a minute."""

    def __init__(self, read: Callable[[], dict[str, PublicKey]], clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._keys: dict[str, PublicKey] = {}
        self._read_at: datetime | None = None
        self._tried_at: datetime | None = None

    def find(self, key_id: str) -> PublicKey | None:
        """Returns the key of an id, None if the pool has none; known keys stay valid while they cannot be read again.

        Raises:
            TransientError: the key is unknown and the pool's keys cannot be read.
        """
        now = self._clock()
        if (key_id not in self._keys or self._is_old(now)) and self._may_refresh(now):
            self._tried_at = now
            best_effort("the user pool's keys were not read", lambda: self._refresh(now))
        if key_id not in self._keys and self._tried_at != self._read_at:
            raise TransientError("The user pool's keys cannot be read at the moment; try again.")
        return self._keys.get(key_id)

    def _refresh(self, now: datetime) -> None:
        self._keys = self._read()
        self._read_at = now

    def _is_old(self, now: datetime) -> bool:
        return self._read_at is None or now - self._read_at >= MAX_KEY_AGE

    def _may_refresh(self, now: datetime) -> bool:
        return self._tried_at is None or now - self._tried_at >= MIN_REFRESH_INTERVAL


class UserPool:
    """Verifies id tokens of one pool and client, and access tokens to which a trigger adds the tenant."""

    def __init__(self, issuer: str, client_id: str, keys: KeySet) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._keys = keys

    def verify(self, token: str) -> PoolUser:
        """Returns the user of a token.

        Raises:
            Unauthorized: the token is expired or not valid yet, or the pool has not issued it for this API.
            TransientError: the pool's keys cannot be read.
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
        # In an id token `aud` is the client; an access token has `client_id` instead.
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
