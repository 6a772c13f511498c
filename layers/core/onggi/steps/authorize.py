"""Who is calling: from a credential to a verified tenant."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from onggi.domain.errors import Unauthorized
from onggi.domain.tenant import ApiKey, TenantRecord, is_tenant_id
from onggi.domain.timestamps import timestamp
from onggi.ports import TenantDirectory

API_KEY: Final = re.compile(r"onggi_([a-z0-9-]{3,61})_([A-Za-z0-9]{12})([A-Za-z0-9_-]{43})")
"""`onggi_<tenant>_<secret>`; the secret begins with the key's id, by which its hash is found."""
KEY_ID_BYTES: Final = 6
SECRET_BYTES: Final = 32
SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller: the tenant's record and the id of the key that was used."""

    record: TenantRecord
    key_id: str


def authorize(authorization: str, directory: TenantDirectory) -> Caller:
    """The caller behind an `Authorization` header.

    Raises:
        Unauthorized: when the credential is malformed, unknown, or of a tenant that is not there.
        TransientError: when the directory is not available.
    """
    scheme, _, credential = authorization.partition(" ")
    parts = API_KEY.fullmatch(credential.strip()) if scheme.lower() == "bearer" else None
    if parts is None or not is_tenant_id(parts[1]):
        raise Unauthorized("The credential is missing or malformed.")
    tenant_id, key_id, secret = parts.groups()
    key = directory.find_key(tenant_id, key_id)
    if key is None or not hmac.compare_digest(key.secret_hash, _hash(key.salt, secret)):
        raise Unauthorized("The credential is not known.")
    record = directory.find(tenant_id)
    if record is None:
        raise Unauthorized("The credential is not known.")
    return Caller(record, key_id)


def new_api_key(tenant_id: str, now: datetime) -> tuple[str, ApiKey]:
    """A new key: the credential, which only its owner keeps, and what is stored of it."""
    key_id = secrets.token_hex(KEY_ID_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    salt = secrets.token_hex(SALT_BYTES)
    return f"onggi_{tenant_id}_{key_id}{secret}", ApiKey(key_id, salt, _hash(salt, secret), timestamp(now))


def _hash(salt: str, secret: str) -> str:
    """SHA-256 is enough where the secret has 256 random bits: there is nothing to guess that a slow hash would slow."""
    return hashlib.sha256(bytes.fromhex(salt) + secret.encode()).hexdigest()
