"""Who may do what: roles, the API keys that carry them, and the users of the user pool."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from onggi.domain.timestamps import timestamp

Role = Literal["reader", "writer", "owner"]
ROLES: Final[tuple[Role, ...]] = ("reader", "writer", "owner")
"""Each role may do all that those before it may: readers ask, writers also upload and delete, owners also manage."""
DEFAULT_KEY_ROLE: Final[Role] = "writer"
"""What a key may do if nothing is said; keys issued before there were roles could do exactly this."""


def has_rights_of(role: Role, needed: Role) -> bool:
    """Whether a role may do what needs another one."""
    return ROLES.index(role) >= ROLES.index(needed)


def strongest_role(groups: Iterable[str]) -> Role:
    """The strongest role that a user's groups name; a user in none of them is a reader."""
    named = set(groups)
    return next((role for role in reversed(ROLES) if role in named), "reader")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as stored: the secret itself is known to its owner only.

    Attributes:
        key_id: the public part, by which the key is found and revoked.
        salt: random, hexadecimal.
        secret_hash: SHA-256 over salt and secret, hexadecimal.
        role: what its holder may do.
        name: what people call it.
        expires_at: when it ends by itself; None where it does not.
        last_used_at: when it was last seen, to the hour.
        revoked_at: when it was ended.
    """

    key_id: str
    salt: str
    secret_hash: str
    created_at: str
    role: Role = DEFAULT_KEY_ROLE
    name: str | None = None
    expires_at: str | None = None
    last_used_at: str | None = None
    revoked_at: str | None = None

    def is_valid_at(self, moment: datetime) -> bool:
        """Whether the key opens anything at a moment: it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or timestamp(moment) < self.expires_at)


TENANT_ATTRIBUTE: Final = "custom:tenant_id"
"""The attribute of the pool's users, and the claim of their tokens, that names the tenant."""


@dataclass(frozen=True, slots=True)
class PoolUser:
    """A user of the user pool, as a verified token tells.

    Attributes:
        tenant_id: the tenant that the user belongs to, of the form of a tenant id.
        subject: the pool's id of the user, which says nothing about the person.
        role: what the user may do.
        signed_in_at: when the token was issued, in UTC, to the second.
    """

    tenant_id: str
    subject: str
    role: Role
    signed_in_at: datetime
