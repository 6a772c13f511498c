"""Points in time as text."""

from datetime import UTC, datetime


def timestamp(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with milliseconds, such as `2026-11-21T09:30:00.000Z`; sorts as text."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
