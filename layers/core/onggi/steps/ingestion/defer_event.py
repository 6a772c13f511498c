"""Whether an event is worked on now: uploads of a tenant that is not active wait, and none is lost."""

from typing import Any, Literal

from onggi.domain.tenant import TenantRecord, tenant_id_of_key
from onggi.domain.upload import ObjectEvent
from onggi.ports.tenants import DeferredEvent, DeferredEvents, TenantDirectory

Deferral = Literal["admitted", "waiting", "ignored"]


def defer_event(
    event: ObjectEvent, raw: dict[str, Any], execution: str, directory: TenantDirectory, waiting: DeferredEvents
) -> Deferral:
    """Lets an event in, keeps it until its tenant is active, or drops it with a tenant that is going or gone.

    Args:
        event: what S3 tells.
        raw: the same as it has started the workflow, and will start it again.
        execution: the name of this execution of the workflow.
        directory: knows the tenants.
        waiting: keeps events.

    Raises:
        TransientError: when the control table is not available.
    """
    tenant_id = tenant_id_of_key(event.key)
    record = directory.find(tenant_id) if tenant_id else None
    if tenant_id is None or record is None:
        return "admitted" if event.kind == "created" else "ignored"  # an upload of nobody's is told, a deletion is not
    if record.move is not None and record.move.other.documents_bucket == event.bucket:
        return "ignored"  # before the switch, our own copy; after it, what is carried over from there
    if record.context.placement.documents_bucket != event.bucket:
        return "admitted" if event.kind == "created" else "ignored"  # as above; such as the removal of what was left
    if not record.pauses_uploads:
        return _without_deferral(record)
    noted = DeferredEvent(event.key, event.at(record.context.placement).sequencer, execution, raw)
    waiting.note(tenant_id, noted)
    now = directory.find(tenant_id)
    if now is not None and now.pauses_uploads:
        return "waiting"
    # The tenant became active, or moved or left, while the event was being noted: nobody may come for the note now.
    waiting.forget(tenant_id, noted)
    return _without_deferral(now)


def _without_deferral(record: TenantRecord | None) -> Deferral:
    return "admitted" if record is not None and record.status != "removing" else "ignored"
