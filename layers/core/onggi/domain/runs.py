"""Which run of a workflow owns a tenant."""

from collections.abc import Collection
from typing import Final

from onggi.domain.errors import Conflict, NotFound
from onggi.domain.tenant import CHOSEN_STATUSES, MoveStage, TenantRecord, TenantStatus

BEFORE_SWITCH: Final[tuple[MoveStage, ...]] = ("preparing", "copying")
COPYING: Final[tuple[MoveStage, ...]] = ("copying",)
SWITCHING: Final[tuple[MoveStage, ...]] = ("copying", "switched")
AFTER_SWITCH: Final[tuple[MoveStage, ...]] = ("switched", "leaving")
REMOVING: Final[tuple[MoveStage, ...]] = ("leaving", "abandoned")


def tenant_owned_by_run(
    record: TenantRecord | None, run: str, *statuses: TenantStatus, stages: Collection[MoveStage] = ()
) -> TenantRecord:
    """Returns a tenant's record if a run of a workflow still owns the tenant.

    Args:
        record: the record as it is now; None where there is no such tenant.
        run: the run.
        statuses: the statuses in which a run of onboarding, resumption or offboarding works on the tenant.
        stages: the stages of a move in which a run of relocation does.

    Raises:
        NotFound: when there is no such tenant.
        Conflict: when another run has replaced this one, or this one has ended.
    """
    if record is None:
        raise NotFound("There is no tenant of this id.")
    is_in_move = record.move is not None and record.move.run == run and record.move.stage in stages
    if not (is_in_move and record.status in CHOSEN_STATUSES) and (record.run != run or record.status not in statuses):
        raise Conflict("The tenant has been changed in the meantime; this run of the workflow is no longer needed.")
    return record
