"""The request for a new key."""

from datetime import UTC, datetime
from typing import Any, Final

from onggi.domain.access import DEFAULT_KEY_ROLE, ROLES
from onggi.requests.fields import Fields
from onggi.steps.access.keys import KeyRequest

MAX_KEY_NAME: Final = 100


def key_request(body: dict[str, Any], now: datetime) -> KeyRequest:
    """The request of POST /keys: role, name and end of a new key.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    wanted = fields.text("role", 20, DEFAULT_KEY_ROLE)
    role = next((known for known in ROLES if known == wanted), None)
    if wanted and role is None:
        fields.fault("role", "must be one of " + ", ".join(ROLES))
    name = fields.text("name", MAX_KEY_NAME, "") or None
    expires_at = _moment(fields.text("expires_at", 40, ""), fields)
    if expires_at and expires_at <= now:
        fields.fault("expires_at", "must lie in the future")
    fields.finish()
    return KeyRequest(role or DEFAULT_KEY_ROLE, name, expires_at)


def _moment(text: str, fields: Fields) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        pass
    fields.fault("expires_at", "must be a time with its zone as ISO 8601 has it, such as 2027-01-31T00:00:00Z")
    return None
