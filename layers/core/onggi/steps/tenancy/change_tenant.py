"""Operators change tenants: their names, their settings, their limits, and whether they may work."""

from dataclasses import dataclass, replace
from typing import Literal

from onggi.domain.errors import Conflict
from onggi.domain.tenant import CHOSEN_STATUSES, ChosenLimits, ChosenSettings, TenantRecord, Tier
from onggi.ports.clock import Clock
from onggi.ports.tenants import TenantLifecycle
from onggi.ports.workflows import Workflow
from onggi.steps.tenancy.tenants import Places, new_run, started


@dataclass(frozen=True, slots=True)
class TenantChange:
    """What is to be changed; None where it stays."""

    name: str | None
    settings: ChosenSettings | None
    status: Literal["active", "suspended"] | None
    tier: Tier | None
    limits: ChosenLimits | None


def change_tenant(
    known: TenantRecord,
    change: TenantChange,
    places: Places,
    lifecycle: TenantLifecycle,
    resumption: Workflow,
    clock: Clock,
) -> TenantRecord:
    """Changes a tenant; one that is to be active gets its waiting uploads processed, however often that is asked for.

    A place of a version that recorded no embedding model gets the one that it uses recorded.

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
        return lifecycle.change(known, changed)
    record = lifecycle.change(known, replace(changed, run=new_run(clock), reason=None))
    started(record, resumption)
    return record
