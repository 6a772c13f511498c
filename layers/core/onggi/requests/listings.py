"""Parameters of listings."""

from dataclasses import dataclass
from typing import Final

from onggi.domain.document import STATUSES, DocumentStatus
from onggi.requests.fields import Fields

MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 25


@dataclass(frozen=True, slots=True)
class Listing:
    """The parameters of a listing.

    Attributes:
        status: which documents are listed; None for all but deleted ones.
        limit: the most entries of a page.
        cursor: where the page begins; None for the first.
    """

    status: DocumentStatus | None
    limit: int
    cursor: str | None


def listing(query: dict[str, str], *, with_status: bool) -> Listing:
    """Returns the parameters of a listing.

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
    return Listing(status, size, cursor)
