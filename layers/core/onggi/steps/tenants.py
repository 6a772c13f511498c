"""Onboards tenants."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from onggi.domain.errors import Conflict, NotFound
from onggi.domain.tenant import Placement, TenantContext, TenantRecord, TenantSettings, is_tenant_id
from onggi.domain.timestamps import timestamp
from onggi.ports import Clock, IndexProvisioner, TenantDirectory

NO_TENANT: Final = "There is no tenant of this id."


@dataclass(frozen=True, slots=True)
class Pool:
    """The shared buckets in which basic tenants are placed."""

    documents_bucket: str
    artifacts_bucket: str
    vector_bucket: str

    def place(self, tenant_id: str) -> Placement:
        """A tenant's place in this pool: its own prefixes and its own index, named after it."""
        return Placement(self.documents_bucket, self.artifacts_bucket, self.vector_bucket, index=tenant_id)


def create_tenant(
    tenant_id: str,
    name: str,
    settings: TenantSettings,
    pool: Pool,
    directory: TenantDirectory,
    provisioner: IndexProvisioner,
    clock: Clock,
) -> TenantRecord:
    """Takes a tenant in and makes its index; answers the record as it was accepted.

    A tenant whose provisioning did not come to its end is provisioned again by the same request.

    Raises:
        Conflict: when another tenant has the id.
        TransientError: when the directory or the index is not available.
    """
    context = TenantContext(tenant_id, name, "basic", pool.place(tenant_id), settings)
    record = TenantRecord(context, "provisioning", timestamp(clock()))
    try:
        directory.create(record)
    except Conflict:
        known = directory.find(tenant_id)
        if known is None or known.status != "provisioning" or known.context != context:
            raise
        record = known
    provisioner.provision(context)
    directory.set_status(tenant_id, "active")
    return record


def existing_tenant(tenant_id: str, directory: TenantDirectory) -> TenantRecord:
    """A tenant's record.

    Raises:
        NotFound: when there is no such tenant.
    """
    record = directory.find(checked_tenant_id(tenant_id))
    if record is None:
        raise NotFound(NO_TENANT)
    return record


def checked_tenant_id(tenant_id: str) -> str:
    """A tenant id that a path has named.

    Raises:
        NotFound: when it does not have the form of one, so that there can be no such tenant.
    """
    if not is_tenant_id(tenant_id):
        raise NotFound(NO_TENANT)
    return tenant_id


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
            "vector_bucket": placement.vector_bucket,
            "index": placement.index,
            "prefix": context.prefix,
        },
    }
    return details | ({"reason": record.reason} if record.reason else {})
