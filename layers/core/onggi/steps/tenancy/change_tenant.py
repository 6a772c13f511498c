"""Operators change tenants: their names, their settings, their limits, and whether they may work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from onggi.domain.audit import AuditedAction
from onggi.domain.errors import Conflict
from onggi.domain.tenant import CHOSEN_STATUSES, ChosenLimits, ChosenSettings, TenantRecord, TenantStatus, Tier
from onggi.ports.bundles import ControlPorts
from onggi.steps.tenancy.move_tenant import GracePeriods, check_move, move_tenant
from onggi.steps.tenancy.tenants import Places, new_run, started

STATUS_ACTIONS: Final[Mapping[TenantStatus, AuditedAction]] = {
    "suspended": "tenant.suspended",
    "active": "tenant.resumed",
}
"""What the audit trail calls a change of a tenant's status."""


@dataclass(frozen=True, slots=True)
class TenantChange:
    """What is to be changed; None where it stays."""

    name: str | None
    settings: ChosenSettings | None
    status: Literal["active", "suspended"] | None
    tier: Tier | None
    limits: ChosenLimits | None


def apply_change(
    known: TenantRecord,
    wanted: TenantChange,
    places: Places,
    grace_periods: GracePeriods,
    control: ControlPorts,
    note: Callable[[AuditedAction, TenantRecord], None],
) -> TenantRecord:
    """Changes a tenant, and moves it where another tier is wanted.

    Args:
        known: the tenant.
        wanted: what is to be changed.
        places: where tenants are placed.
        grace_periods: how long a move waits for others.
        control: the records of tenants and the workflows on them.
        note: stores what was changed in the audit trail; called also where the move could not be started.

    Raises:
        Conflict: when the tenant cannot be changed or moved now, or was changed in the meantime.
        TransientError: when the control table or a workflow is not available; the same change again completes it.
    """
    if wanted.tier is not None:
        check_move(replace(known, status=wanted.status or known.status), wanted.tier)
    changed = change_tenant(known, wanted, places, control)
    try:
        if wanted.tier is not None:
            place = places.place(known.context.tenant_id, wanted.tier)
            changed = move_tenant(changed, wanted.tier, place, grace_periods, control)
    finally:
        action = STATUS_ACTIONS.get(changed.status) if changed.status != known.status else None
        note(action or "tenant.changed", changed)
    return changed


def change_tenant(
    known: TenantRecord,
    change: TenantChange,
    places: Places,
    control: ControlPorts,
) -> TenantRecord:
    """Changes a tenant; the deferred events of one that is to be active are processed, however often that is asked for.

    A placement of an earlier version without an embedding model gets the one recorded that it uses.

    Raises:
        Conflict: when the tenant is coming in or going, or was changed in the meantime.
        TransientError: when the control table or the workflow is not available; the same change again completes it.
    """
    if known.status not in CHOSEN_STATUSES:
        raise Conflict(f"The tenant is {known.status}; only one that is active or suspended can be changed.")
    context = replace(
        known.context,
        name=change.name or known.context.name,
        placement=places.recorded(known.context.placement),
        chosen_settings=change.settings or known.context.chosen_settings,
        chosen_limits=change.limits or known.context.chosen_limits,
    )
    changed = replace(known, context=context, status=change.status or known.status)
    if change.status != "active":
        return control.lifecycle.change(known, changed)
    record = control.lifecycle.change(known, replace(changed, run=new_run(control.clock), reason=None))
    started(record, control.resumption)
    return record
