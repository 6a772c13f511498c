"""Onboarding: a tenant is validated, placed, provisioned, verified and only then active.

Each step can run twice. Each first checks that its run of the workflow still owns the tenant.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from onggi.domain.chunk import Passage, Scores
from onggi.domain.errors import Conflict, ModelRefused, TenantMismatch
from onggi.domain.tenant import Placement, TenantContext, TenantRecord
from onggi.ports.bundles import TenantPorts
from onggi.ports.tenants import IsolationProbe, TenantLifecycle, TenantStacks
from onggi.steps.ingestion.embed_chunks import EmbeddingModel

SENTENCE: Final = "옹기는 숨을 쉬는 그릇이다. Onggi are jars that breathe."
"""Searched by the analysers of both languages."""
POOL_CAPACITY: Final = 9900
"""A vector bucket holds 10,000 indexes (S3 Vectors quotas); some stay free for what was made outside of this count."""


def validate_tenant(tenant: TenantContext, ports: TenantPorts) -> None:
    """Makes sure that a new tenant inherits nothing; a place of its own is made for it and holds nothing.

    Raises:
        Conflict: when something is left of an earlier tenant of the same id.
    """
    rows, more = ports.ledger.page(None, 1, None)
    if rows or more or (not tenant.placement.stack and ports.artifacts.names("")):
        raise Conflict("Something is left of an earlier tenant of this id; remove this one and choose another id.")


def place_tenant(
    record: TenantRecord, vector_buckets: Sequence[str], lifecycle: TenantLifecycle, capacity: int = POOL_CAPACITY
) -> TenantRecord:
    """Finds the first vector bucket that has room for the tenant's index, where it has none of its own.

    Raises:
        Conflict: when all are full, or the tenant was changed in the meantime.
    """
    if record.at_other_placement.placement.vector_bucket:
        return record
    for vector_bucket in vector_buckets:
        placed = lifecycle.place(record, vector_bucket, capacity)
        if placed is not None:
            return placed
    raise Conflict("Every vector bucket is full; add one to FurtherVectorBuckets and create the tenant again.")


def provision_tenant(record: TenantRecord, stacks: TenantStacks, create_index: Callable[[Placement], None]) -> bool:
    """Makes what a tenant has for itself, its index last, where it is not there yet; False while that goes on.

    Raises:
        Conflict: when the tenant's stack could not be made.
    """
    tenant = record.at_other_placement
    if tenant.placement.stack and not stacks.provide(tenant, record.move.run if record.move else record.run):
        return False
    create_index(tenant.placement)
    return True


def verify_tenant(probe: IsolationProbe) -> None:
    """Tests the tenant's session on its own stores and on a neighbour's, before anything of the tenant is there.

    Raises:
        Forbidden: when the session is denied what is its own.
        TenantMismatch: when the session reaches what is another tenant's.
    """
    probe.use_own()
    reached = probe.breaches()
    if reached:
        raise TenantMismatch(
            f"The tenant's session can {', '.join(reached)} of other tenants; fix the data role, then try again."
        )


def verify_models(ports: TenantPorts, embedding: EmbeddingModel, generation_model: str) -> None:
    """Embeds a sentence, searches the index by it, and asks the answering model for one token, as questions do.

    So a stack whose models may not be used, are gone or do not fit takes no tenant in. What this costs is not metered:
    it is no use of the tenant's.

    Raises:
        ModelRefused: when a model cannot be used as the stack is configured.
        TransientError: when a model or the index is not available at the moment.
    """
    vector = ports.embedder.embed(SENTENCE).vector
    if len(vector) != embedding.dimensions:
        raise ModelRefused(
            f"The model {embedding.model_id} makes vectors of {len(vector)} numbers instead of {embedding.dimensions}; "
            "choose EmbeddingDimensions that it knows, remove this tenant and create it again."
        )
    ports.index.search(vector, SENTENCE, 1, None)
    passage = Passage("probe", "1", "probe.txt", 1, 0, len(SENTENCE), SENTENCE, Scores())
    ports.generator.answer(SENTENCE, [passage], generation_model, max_tokens=1)


def activate_tenant(record: TenantRecord, lifecycle: TenantLifecycle) -> None:
    """Opens the API to the tenant, where that was not done yet."""
    if record.status != "active":
        lifecycle.change(record, replace(record, status="active", reason=None))
