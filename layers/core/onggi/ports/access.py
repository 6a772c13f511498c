"""Ports for keys, users' tokens and the audit trail."""

from datetime import datetime
from typing import Protocol

from onggi.domain.access import ApiKey, PoolUser
from onggi.domain.audit import AuditEntry


class KeyRing(Protocol):
    """The API keys of one tenant, without their secrets."""

    def add(self, key: ApiKey) -> None:
        """Stores a new key."""
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """A key as stored, read consistently."""
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
        """Keys by id, revoked ones too, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this key ring.
        """
        ...

    def revoke(self, key_id: str, now: datetime) -> ApiKey:
        """Revokes a key and returns it; a key that was revoked before keeps that time.

        Raises:
            NotFound: when there is no such key.
        """
        ...

    def note_use(self, key_id: str, now: datetime, unless_since: datetime) -> None:
        """Notes that a key was used now, unless a use since some time is noted already."""
        ...


class AuditTrail(Protocol):
    """What has been changed about one tenant, and by whom; entries are added and never altered."""

    def record(self, entry: AuditEntry) -> None:
        """Keeps an entry, and logs it."""
        ...

    def page(self, limit: int, cursor: str | None) -> tuple[list[AuditEntry], str | None]:
        """The newest entries first, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this trail.
        """
        ...


class TokenVerifier(Protocol):
    """Verifies tokens of the user pool."""

    def verify(self, token: str) -> PoolUser:
        """The user behind a token.

        Raises:
            Unauthorized: when the token is not one that the pool issued for this API and that is valid now.
            TransientError: when the pool's keys cannot be read.
        """
        ...
