"""Operators take tenants in, look at them and issue their keys."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from onggi.domain.errors import Conflict, NotFound
from onggi.domain.tenant import Placement, Receipt, TenantContext, TenantRecord, TenantSettings, is_tenant_id
from onggi.domain.timestamps import timestamp
from onggi.ports import Clock, TenantDirectory, TenantLifecycle, Workflow
from onggi.steps.authorize import new_api_key


@dataclass(frozen=True, slots=True)
class Pool:
    """The shared buckets in which basic tenants are placed."""

    documents_bucket: str
    artifacts_bucket: str

    def place(self, tenant_id: str) -> Placement:
        """A tenant's own prefixes in this pool and the name of its index; onboarding finds the vector bucket."""
        return Placement(self.documents_bucket, self.artifacts_bucket, vector_bucket="", index=tenant_id)


def new_run(clock: Clock) -> str:
    """The name of a new run of a workflow on a tenant; with the tenant's id before it, an execution's name has room."""
    return timestamp(clock()).translate(str.maketrans("", "", "-:.Z"))


def execution_name(record: TenantRecord) -> str:
    """What the execution of the tenant's present run is called: the same request starts it once."""
    return f"{record.context.tenant_id}-{record.run}"


def create_tenant(
    tenant_id: str,
    name: str,
    settings: TenantSettings,
    pool: Pool,
    directory: TenantDirectory,
    lifecycle: TenantLifecycle,
    onboarding: Workflow,
    clock: Clock,
) -> TenantRecord:
    """Takes a tenant in by the onboarding workflow; answers the record as it was accepted.

    The same request again takes up an onboarding that has failed, and leaves one alone that runs.

    Raises:
        Conflict: when another tenant has the id.
        TransientError: when the directory or the workflow is not available.
    """
    context = TenantContext(tenant_id, name, "basic", pool.place(tenant_id), settings)
    record = TenantRecord(context, "provisioning", timestamp(clock()), run=new_run(clock))
    try:
        directory.create(record)
    except Conflict:
        known = directory.find(tenant_id)
        if known is None or known.status not in {"provisioning", "failed"} or not _same_request(known, record):
            raise
        record = _taken_up(known, lifecycle, clock) if known.status == "failed" else known
    if not started(record, onboarding):
        known = directory.find(tenant_id)
        if known == record:  # the execution has ended without a word, as one does that is aborted
            started(_taken_up(known, lifecycle, clock), onboarding)
    return record


def _same_request(known: TenantRecord, record: TenantRecord) -> bool:
    return replace(known.context, placement=record.context.placement) == record.context


def _taken_up(known: TenantRecord, lifecycle: TenantLifecycle, clock: Clock) -> TenantRecord:
    return lifecycle.change(known, replace(known, status="provisioning", reason=None, run=new_run(clock)))


def started(record: TenantRecord, workflow: Workflow, **more: object) -> bool:
    """Starts the tenant's present run, with more in its state; False where that has come to its end already."""
    state = {"tenant_id": record.context.tenant_id, "run": record.run, **more}
    return workflow.start(execution_name(record), state)


def issue_key(tenant_id: str, directory: TenantDirectory, clock: Clock) -> dict[str, Any]:
    """Issues a key; the answer is the only place where it ever stands.

    Raises:
        NotFound: when there is no such tenant.
        Conflict: when the tenant is being removed, which a new key might survive.
    """
    if existing_tenant(tenant_id, directory).status == "removing":
        raise Conflict("The tenant is being removed; no key is issued any more.")
    credential, key = new_api_key(tenant_id, clock())
    directory.add_key(tenant_id, key)
    return {"tenant_id": tenant_id, "key_id": key.key_id, "api_key": credential, "created_at": key.created_at}


def existing_tenant(tenant_id: str, directory: TenantDirectory) -> TenantRecord:
    """A tenant's record.

    Raises:
        NotFound: when there is no such tenant.
    """
    record = directory.find(tenant_id) if is_tenant_id(tenant_id) else None
    if record is None:
        raise NotFound("There is no tenant of this id.")
    return record


def shown_receipt(receipt: Receipt) -> dict[str, Any]:
    """A tenant that was removed, as operators see it."""
    return {"tenant_id": receipt.tenant_id, "status": "removed", "receipt": asdict(receipt)}


def shown(record: TenantRecord) -> dict[str, Any]:
    """A tenant as operators see it."""
    context = record.context
    placement = context.placement
    details: dict[str, Any] = {
        "tenant_id": context.tenant_id,
        "name": context.name,
        "tier": context.tier,
        "status": record.status,
        "created_at": record.created_at,
        "settings": asdict(context.settings),
        "placement": {
            "documents_bucket": placement.documents_bucket,
            "artifacts_bucket": placement.artifacts_bucket,
            "vector_bucket": placement.vector_bucket or None,
            "index": placement.index,
            "prefix": context.prefix,
        },
    }
    return details | ({"reason": record.reason} if record.reason else {})
