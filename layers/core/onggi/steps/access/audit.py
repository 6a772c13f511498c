"""Notes administrative changes, and shows what was noted."""

from typing import Any

from onggi.domain.audit import AuditedAction, AuditEntry, Author
from onggi.domain.timestamps import timestamp
from onggi.ports.access import AuditTrail
from onggi.ports.clock import Clock


def note_change(
    action: AuditedAction,
    author: Author,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    trail: AuditTrail,
    clock: Clock,
) -> None:
    """Notes that something about the trail's tenant was changed.

    Args:
        action: what was done.
        author: by whom.
        before: as people were shown it before, which never holds a credential; None where nothing was there.
        after: as people are shown it now; None where nothing is left.
        trail: the tenant's audit trail.
        clock: returns the time.

    Raises:
        TransientError: when the trail is not available.
    """
    trail.record(AuditEntry(timestamp(clock()), author, action, before, after))


def shown(entry: AuditEntry) -> dict[str, Any]:
    """An entry as operators see it."""
    return {
        "at": entry.at,
        "author": entry.author.name,
        "request_id": entry.author.request_id,
        "action": entry.action,
        "before": entry.before,
        "after": entry.after,
    }
