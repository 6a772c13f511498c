"""Who is calling: from a credential to a verified tenant and role."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from onggi.domain.access import ApiKey, Role
from onggi.domain.errors import Unauthorized
from onggi.domain.tenant import TenantRecord, is_tenant_id
from onggi.domain.timestamps import timestamp
from onggi.ports.access import KeyRing, TokenVerifier
from onggi.ports.clock import Clock
from onggi.ports.tenants import TenantDirectory

API_KEY: Final = re.compile(r"onggi_([a-z0-9-]{3,61})_([A-Za-z0-9]{12})([A-Za-z0-9_-]{43})")
"""`onggi_<tenant>_<secret>`; the secret begins with the key's id, by which its hash is found."""
KEY_ID: Final = re.compile(r"[A-Za-z0-9]{12}")
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""A signed JWT in its compact form (RFC 7515)."""
KEY_ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
SALT_BYTES: Final = 16
USE_IS_NOTED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller.

    Attributes:
        record: the tenant as the control table knows it.
        name: what logs and the audit trail call the caller: `<tenant>/<key id>` or `<tenant>/user/<subject>`.
        role: what the caller may do.
        key: the API key that was used; None where it was a user's token.
    """

    record: TenantRecord
    name: str
    role: Role
    key: ApiKey | None = None


def authorize(
    authorization: str,
    directory: TenantDirectory,
    key_ring: Callable[[str], KeyRing],
    users: TokenVerifier,
    clock: Clock,
) -> Caller:
    """The caller behind an `Authorization` header.

    Args:
        authorization: the header.
        directory: who the tenants are.
        key_ring: the keys of the tenant of an id.
        users: verifies tokens of the user pool.
        clock: returns the time.

    Raises:
        Unauthorized: when the credential is malformed, unknown, ended, or of a tenant that is not there.
        TransientError: when the directory or the user pool is not available.
    """
    scheme, _, credential = authorization.partition(" ")
    credential = credential.strip() if scheme.lower() == "bearer" else ""
    parts = API_KEY.fullmatch(credential)
    if parts is not None and is_tenant_id(parts[1]):
        tenant_id, key_id, secret = parts.groups()
        key = _valid_key(key_ring(tenant_id), key_id, secret, clock())
        return Caller(_known_tenant(tenant_id, directory), f"{tenant_id}/{key_id}", key.role, key)
    if TOKEN.fullmatch(credential):
        user = users.verify(credential)
        record = _known_tenant(user.tenant_id, directory)
        if user.signed_in_at < datetime.fromisoformat(record.created_at).replace(microsecond=0):
            # An id may be given again: who belonged to the tenant that had it before does not belong to this one.
            raise Unauthorized("The token is older than its tenant.")
        return Caller(record, f"{user.tenant_id}/user/{user.subject}", user.role)
    raise Unauthorized("The credential is missing or malformed.")


def _valid_key(keys: KeyRing, key_id: str, secret: str, now: datetime) -> ApiKey:
    key = keys.find(key_id)
    if key is None or not hmac.compare_digest(key.secret_hash, _hash(key.salt, secret)):
        raise Unauthorized("The credential is not known.")
    if not key.is_valid_at(now):
        raise Unauthorized("The key has expired or was revoked.")
    return key


def _known_tenant(tenant_id: str, directory: TenantDirectory) -> TenantRecord:
    record = directory.find(tenant_id)
    if record is None:
        raise Unauthorized("The credential is not known.")
    return record


def note_use(caller: Caller, key_ring: Callable[[str], KeyRing], clock: Clock) -> None:
    """Notes when the caller's key was last used, to the hour: at most one write an hour and key.

    Raises:
        TransientError: when the key ring is not available.
    """
    if caller.key is None:
        return
    now = clock()
    since = now - USE_IS_NOTED_EVERY
    if caller.key.last_used_at is None or caller.key.last_used_at <= timestamp(since):
        key_ring(caller.record.context.tenant_id).note_use(caller.key.key_id, now, since)


def new_api_key(tenant_id: str, now: datetime) -> tuple[str, ApiKey]:
    """A new key: the credential, which only its owner keeps, and what is stored of it."""
    key_id = secrets.token_hex(KEY_ID_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    salt = secrets.token_hex(SALT_BYTES)
    return f"onggi_{tenant_id}_{key_id}{secret}", ApiKey(key_id, salt, _hash(salt, secret), timestamp(now))


def _hash(salt: str, secret: str) -> str:
    """SHA-256 is enough where the secret has 256 random bits: there is nothing to guess that a slow hash would slow."""
    return hashlib.sha256(bytes.fromhex(salt) + secret.encode()).hexdigest()
