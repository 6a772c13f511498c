"""Issues, lists and revokes the API keys of one tenant."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from onggi.domain.access import ApiKey, Role
from onggi.domain.audit import Author
from onggi.domain.errors import NotFound
from onggi.domain.timestamps import timestamp
from onggi.ports.bundles import AccessPorts
from onggi.steps.access.audit import note_change
from onggi.steps.access.authorize import KEY_ID, new_api_key


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A key that is asked for; without `expires_at` it is valid until it is revoked."""

    role: Role
    name: str | None
    expires_at: datetime | None


def issue_key(tenant_id: str, wanted: KeyRequest, author: Author, ports: AccessPorts) -> dict[str, Any]:
    """Issues a key of an existing tenant; the answer is the only place where it ever stands.

    Raises:
        TransientError: when the key or its note cannot be kept; nobody knows its secret then.
    """
    credential, key = new_api_key(tenant_id, ports.clock())
    expires_at = timestamp(wanted.expires_at) if wanted.expires_at else None
    key = replace(key, role=wanted.role, name=wanted.name, expires_at=expires_at)
    ports.keys.add(key)
    note_change("key.issued", author, None, shown(key), ports.trail, ports.clock)
    return {"tenant_id": tenant_id, "api_key": credential} | shown(key)


def revoke_key(key_id: str, author: Author, ports: AccessPorts) -> dict[str, Any]:
    """Ends a key, and shows it; revoking it again changes nothing but is noted as well.

    Raises:
        NotFound: when the tenant has no such key.
    """
    known = ports.keys.find(key_id) if KEY_ID.fullmatch(key_id) else None
    if known is None:
        raise NotFound("There is no such key.")
    revoked = ports.keys.revoke(key_id, ports.clock())
    note_change("key.revoked", author, shown(known), shown(revoked), ports.trail, ports.clock)
    return shown(revoked)


def list_keys(limit: int, cursor: str | None, ports: AccessPorts) -> dict[str, Any]:
    """A page of keys as people see them.

    Raises:
        InvalidRequest: when the cursor is not one that this listing has given.
    """
    keys, next_cursor = ports.keys.page(limit, cursor)
    return {"keys": [shown(key) for key in keys]} | ({"next_cursor": next_cursor} if next_cursor else {})


def shown(key: ApiKey) -> dict[str, Any]:
    """A key as people see it: without salt and hash."""
    facts = {
        "key_id": key.key_id,
        "role": key.role,
        "name": key.name,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }
    return {name: value for name, value in facts.items() if value is not None}
