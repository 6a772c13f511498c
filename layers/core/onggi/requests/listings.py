"""Parameters of listings."""

from typing import Final

from onggi.domain.document import STATUSES, DocumentStatus
from onggi.requests.fields import Fields

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 25


def listing(query: dict[str, str], *, with_status: bool) -> tuple[DocumentStatus | None, int, str | None]:
    """The parameters of a listing: status, page size and cursor.

    Raises:
        InvalidRequest: when they break the contract.
    """
    limit = query.get("limit", str(DEFAULT_PAGE))
    fields = Fields(query | {"limit": int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 6 else limit})  # noqa: PLR2004 - longer than any page
    size = fields.integer("limit", 1, MAX_PAGE)
    cursor = fields.text("cursor", 1024, "") or None
    wanted = fields.text("status", 20, "") if with_status else ""
    status = next((known for known in STATUSES if known == wanted), None)
    if wanted and status is None:
        fields.fault("status", "must be one of " + ", ".join(STATUSES))
    fields.finish()
    return status, size, cursor
