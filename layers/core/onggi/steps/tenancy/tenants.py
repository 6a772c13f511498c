"""Operators take tenants in and look at them."""

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from onggi.domain.errors import Conflict, NotFound
from onggi.domain.tenant import (
    ChosenLimits,
    ChosenSettings,
    Placement,
    Receipt,
    TenantContext,
    TenantRecord,
    Tier,
    is_tenant_id,
)
from onggi.domain.timestamps import timestamp
from onggi.ports.bundles import ControlPorts
from onggi.ports.clock import Clock
from onggi.ports.tenants import TenantDirectory
from onggi.ports.workflows import Workflow

NO_TENANT: Final = "There is no tenant of this id."


@dataclass(frozen=True, slots=True)
class Pool:
    """The shared buckets in which basic tenants are placed."""

    documents_bucket: str
    artifacts_bucket: str

    def place(self, tenant_id: str) -> Placement:
        """A tenant's own prefixes in this pool and the name of its index; onboarding finds the vector bucket."""
        return Placement(self.documents_bucket, self.artifacts_bucket, vector_bucket="", index=tenant_id)


@dataclass(frozen=True, slots=True)
class Silo:
    """Stacks of premium tenants, with buckets of their own.

    Attributes:
        prefix: what the names of stacks and buckets begin with; IAM knows them by it.
    """

    prefix: str

    def place(self, tenant_id: str) -> Placement:
        """A new place for a tenant alone; names of buckets are the world's, so that one is never given twice."""
        stack = self.prefix + secrets.token_hex(6)
        return Placement(f"{stack}-documents", f"{stack}-artifacts", f"{stack}-vectors", tenant_id, stack)


@dataclass(frozen=True, slots=True)
class Places:
    """Where tenants of each tier are placed, and which embedding model the indexes of new ones are made for."""

    basic: Pool
    premium: Silo
    embedding_model: str
    embedding_dimensions: int

    def place(self, tenant_id: str, tier: Tier) -> Placement:
        """A place for a tenant of a tier."""
        return self.recorded(self.premium.place(tenant_id) if tier == "premium" else self.basic.place(tenant_id))

    def recorded(self, placement: Placement) -> Placement:
        """The place with the embedding model, where none is recorded yet."""
        return placement.recorded(self.embedding_model, self.embedding_dimensions)


def new_run(clock: Clock) -> str:
    """The name of a new run of a workflow on a tenant: the milliseconds since 1970 as hexadecimal, in order of time.

    An execution's name has 80 characters at most (StartExecution, Step Functions API reference). With a tenant's id of
    61 before it, and the number of an execution that took over behind it, there is room for a million of those.
    """
    return f"{round(clock().timestamp() * 1000):011x}"


def execution_name(record: TenantRecord) -> str:
    """What the execution of the tenant's present run is called: the same request starts it once."""
    return f"{record.context.tenant_id}-{record.run}"


@dataclass(frozen=True, slots=True)
class TenantRequest:
    """A tenant that is to be taken in."""

    tenant_id: str
    name: str
    tier: Tier
    settings: ChosenSettings
    limits: ChosenLimits


def create_tenant(wanted: TenantRequest, places: Places, control: ControlPorts) -> TenantRecord:
    """Creates a tenant by the onboarding workflow; returns the record as it was accepted.

    The same request again resumes an onboarding that has failed, and has no effect on one that runs.

    Raises:
        Conflict: when another tenant has the id.
        TransientError: when the directory or the workflow is not available.
    """
    tenant_id = wanted.tenant_id
    place = places.place(tenant_id, wanted.tier)
    context = TenantContext(tenant_id, wanted.name, wanted.tier, place, wanted.settings, wanted.limits)
    record = TenantRecord(context, "provisioning", timestamp(control.clock()), run=new_run(control.clock))
    try:
        control.directory.create(record)
    except Conflict:
        known = control.directory.find(tenant_id)
        if known is None or known.status not in {"provisioning", "failed"} or not _same_request(known, record):
            raise
        record = _resumed(known, control) if known.status == "failed" else known
    if not started(record, control.onboarding):
        known = control.directory.find(tenant_id)
        if known == record:  # the execution has ended without a word, as one does that is aborted
            started(_resumed(known, control), control.onboarding)
    return record


def _same_request(known: TenantRecord, record: TenantRecord) -> bool:
    return replace(known.context, placement=record.context.placement) == record.context


def _resumed(known: TenantRecord, control: ControlPorts) -> TenantRecord:
    resumed = replace(known, status="provisioning", reason=None, run=new_run(control.clock))
    return control.lifecycle.change(known, resumed)


def started(record: TenantRecord, workflow: Workflow, **more: object) -> bool:
    """Starts the tenant's present run, with more in its state; False where that has come to its end already."""
    state = {"tenant_id": record.context.tenant_id, "run": record.run, **more}
    return workflow.start(execution_name(record), state)


def existing_tenant(tenant_id: str, directory: TenantDirectory) -> TenantRecord:
    """A tenant's record.

    Raises:
        NotFound: when there is no such tenant.
    """
    record = directory.find(checked_tenant_id(tenant_id))
    if record is None:
        raise NotFound(NO_TENANT)
    return record


def staying_tenant(tenant_id: str, directory: TenantDirectory) -> TenantRecord:
    """A tenant's record, to give it something that its removal might not see.

    Raises:
        NotFound: when there is no such tenant.
        Conflict: when it is being removed.
    """
    record = existing_tenant(tenant_id, directory)
    if record.status == "removing":
        raise Conflict("The tenant is being removed; no key is issued any more.")
    return record


def checked_tenant_id(tenant_id: str) -> str:
    """A tenant id that a path has named.

    Raises:
        NotFound: when it does not have the form of one, so that there can be no such tenant.
    """
    if not is_tenant_id(tenant_id):
        raise NotFound(NO_TENANT)
    return tenant_id


def shown_receipt(receipt: Receipt) -> dict[str, Any]:
    """A tenant that was removed, as operators see it."""
    return {"tenant_id": receipt.tenant_id, "status": "removed", "receipt": asdict(receipt)}


def shown(record: TenantRecord, largest_document: int) -> dict[str, Any]:
    """A tenant as operators see it: with the limits that hold, and which of them were chosen for it.

    Args:
        record: the tenant.
        largest_document: bytes that this installation processes at most.
    """
    context = record.context
    placement = context.placement
    details: dict[str, Any] = {
        "tenant_id": context.tenant_id,
        "name": context.name,
        "tier": context.tier,
        "status": record.status,
        "created_at": record.created_at,
        "settings": asdict(context.settings),
        "chosen_settings": context.chosen_settings.to_dict(),
        "limits": asdict(context.limits(largest_document)),
        "chosen_limits": context.chosen_limits.to_dict(),
        "placement": {
            "documents_bucket": placement.documents_bucket,
            "artifacts_bucket": placement.artifacts_bucket,
            "vector_bucket": placement.vector_bucket or None,
            "index": placement.index,
            "prefix": context.prefix,
            "embedding_model": placement.embedding_model or None,
            "embedding_dimensions": placement.embedding_dimensions or None,
        },
    }
    if record.move:
        move = {"tier": record.move.tier, "stage": record.move.stage}
        details["move"] = move | ({"reason": record.move.reason} if record.move.reason else {})
    why = {"reason": record.reason, "reason_code": record.reason_code} if record.reason else {}
    return details | {name: value for name, value in why.items() if value}
