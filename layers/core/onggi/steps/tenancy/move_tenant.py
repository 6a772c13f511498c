"""Moves a tenant from one placement to another while it is asked questions.

The new placement is prepared first. Then uploads are deferred, the live versions are copied, and one write switches to
the new placement. Nothing is embedded again and answers do not change. The old placement stays until nothing uses it;
late uploads to it are reconciled.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from onggi.domain.errors import Conflict, TransientError
from onggi.domain.runs import BEFORE_SWITCH
from onggi.domain.tenant import Move, MoveStage, Placement, TenantRecord, Tier
from onggi.ports.bundles import ControlPorts
from onggi.ports.tenant_data import TenantPurger
from onggi.ports.tenants import TenantLifecycle
from onggi.ports.workflows import Workflow
from onggi.steps.tenancy.offboarding import remaining_counts
from onggi.steps.tenancy.tenants import new_run

SETTLING_SECONDS: Final = 30
"""The longest that a function works on an event that was let in before uploads began to wait (29 s)."""
COPYING_SECONDS: Final = 300
"""The longest that a function copies for a run that has lost the tenant to another (290 s)."""


@dataclass(frozen=True, slots=True)
class GracePeriods:
    """What a move waits for, in seconds.

    Attributes:
        authorizer_cache: until decisions of the authoriser, and the old place with them, are no longer cached.
        upload_forms: until every form for uploads to the old place has expired.
    """

    authorizer_cache: int
    upload_forms: int


def check_move(known: TenantRecord, tier: Tier) -> None:
    """Makes sure that a tenant can be moved to a tier, before anything else about it is changed.

    Raises:
        Conflict: when it cannot be moved now.
    """
    if known.move is None:
        if tier != known.context.tier and known.status != "active":
            raise Conflict(f"The tenant is {known.status}; only one that is active can be moved to another tier.")
    elif tier != known.move.tier and known.move.stage not in BEFORE_SWITCH:
        raise Conflict("An earlier move has not come to its end yet; change the tier when it has.")


def move_tenant(
    known: TenantRecord,
    tier: Tier,
    new_place: Placement,
    grace_periods: GracePeriods,
    control: ControlPorts,
) -> TenantRecord:
    """Starts a tenant's move to another tier, resumes one that has stopped, or cancels one that has not switched yet.

    Args:
        known: the tenant.
        tier: the tier that it is to have.
        new_place: where it would go.
        grace_periods: how long its workflow waits for others.
        control: the records of tenants and the workflows on them.

    Raises:
        Conflict: when the tenant cannot be moved now, or was changed in the meantime.
        TransientError: when the control table or the workflow is not available; the same request again completes it.
    """
    check_move(known, tier)
    if known.move is None:
        if tier == known.context.tier:
            return known
        place = _with_vectors_of(known.context.placement, new_place)
        move = Move(tier, place, "preparing", new_run(control.clock))
    elif tier == known.move.tier:
        if known.move.reason is None and _start(known.context.tenant_id, known.move, grace_periods, control.relocation):
            return known
        move = replace(known.move, reason=None, run=new_run(control.clock))
    else:
        move = Move(tier, known.move.other, "abandoned", new_run(control.clock))
    record = control.lifecycle.change(known, replace(known, move=move))
    _start(known.context.tenant_id, move, grace_periods, control.relocation)
    return record


def _with_vectors_of(left: Placement, place: Placement) -> Placement:
    """A new place that follows another and gets its vectors, so that it keeps their embedding model."""
    own = replace(place, generation=left.generation + 1, embedding_model="")
    kept = own.recorded(left.embedding_model, left.embedding_dimensions)
    return kept.recorded(place.embedding_model, place.embedding_dimensions)


def _start(tenant_id: str, move: Move, grace_periods: GracePeriods, relocation: Workflow) -> bool:
    state = {
        "tenant_id": tenant_id,
        "run": move.run,
        "stage": move.stage,
        "settling": min(COPYING_SECONDS if move.stage == "abandoned" else SETTLING_SECONDS, grace_periods.upload_forms),
        "decisions": grace_periods.authorizer_cache,
        "grace": grace_periods.upload_forms,
        "copy": {"more": True},
    }
    return relocation.start(f"{tenant_id}-{move.run}", state)


def pause_uploads(record: TenantRecord, lifecycle: TenantLifecycle) -> None:
    """Lets uploads wait from now on, where they do not yet."""
    _at_stage(record, "copying", lifecycle)


def switch_placement(record: TenantRecord, lifecycle: TenantLifecycle) -> None:
    """Puts the new place into use by one write, where that was not done yet; the old one becomes the other."""
    move = record.move
    if move is None or move.stage == "switched":
        return
    context = replace(record.context, tier=move.tier, placement=move.other)
    left = replace(move, other=record.context.placement, stage="switched")
    with _tried_again():
        lifecycle.change(record, replace(record, context=context, move=left))


def resume_uploads(record: TenantRecord, lifecycle: TenantLifecycle) -> TenantRecord:
    """Lets uploads to the new place be processed from now on, where they are not yet."""
    return _at_stage(record, "leaving", lifecycle)


def close_move(record: TenantRecord, vacated_placement: TenantPurger, lifecycle: TenantLifecycle) -> bool:
    """Ends a move once nothing is left at the other place, which is read back; False where something is."""
    if any(remaining_counts(vacated_placement).values()):
        return False
    with _tried_again():
        lifecycle.end_move(record)
    return True


def _at_stage(record: TenantRecord, stage: MoveStage, lifecycle: TenantLifecycle) -> TenantRecord:
    if record.move is None or record.move.stage == stage:
        return record
    with _tried_again():
        return lifecycle.change(record, replace(record, move=replace(record.move, stage=stage)))


@contextmanager
def _tried_again() -> Iterator[None]:
    """Makes the workflow try again, and read the tenant again, where an operator has changed it at the same moment.

    Raises:
        TransientError: in the place of that Conflict.
    """
    try:
        yield
    except Conflict as conflict:
        raise TransientError("The tenant was changed in the same moment; try again.") from conflict
