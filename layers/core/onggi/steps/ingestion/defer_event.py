"""Decides whether an event is processed now: uploads of a tenant that is not active are deferred, and none is lost."""

from dataclasses import dataclass
from typing import Any, Literal

from onggi.domain.tenant import TenantRecord, tenant_id_of_key
from onggi.domain.upload import ObjectEvent
from onggi.ports.tenants import DeferredEvent, DeferredEvents, TenantDirectory


@dataclass(frozen=True, slots=True)
class Deferral:
    """What becomes of an event.

    Attributes:
        outcome: `admitted` to be processed now, `deferred` until the tenant is active, or `ignored`.
        record: of the tenant whose prefix the key is under, as it was read last; None where there is no such tenant.
    """

    outcome: Literal["admitted", "deferred", "ignored"]
    record: TenantRecord | None


def owner_of(event: ObjectEvent, directory: TenantDirectory) -> TenantRecord | None:
    """Returns the record of the tenant under whose prefix an object is; None where there is no such tenant.

    Raises:
        TransientError: when the control table is not available.
    """
    tenant_id = tenant_id_of_key(event.key)
    return directory.find(tenant_id) if tenant_id else None


def defer_event(
    event: ObjectEvent, raw: dict[str, Any], execution: str, directory: TenantDirectory, deferred: DeferredEvents
) -> Deferral:
    """Admits an event, defers it until its tenant is active, or ignores it if its tenant is being removed.

    Args:
        event: the event of S3.
        raw: the same as it has started the workflow, and will start it again.
        execution: the name of this execution of the workflow.
        directory: returns tenants.
        deferred: stores events.

    Raises:
        TransientError: when the control table is not available.
    """
    record = owner_of(event, directory)
    if record is None:
        return _unless_removal(event, record)  # an upload of nobody is recorded as rejected
    if record.move is not None and record.move.other.documents_bucket == event.bucket:
        return Deferral("ignored", record)  # before the switch, our own copy; after it, reconciled from there
    placement = record.context.placement
    if placement.documents_bucket != event.bucket:
        return _unless_removal(event, record)  # such as the removal of a vacated placement
    if not record.pauses_uploads:
        return _unless_removed(record)
    waiting = DeferredEvent(event.key, event.at(placement).sequencer, execution, raw)
    deferred.note(record.context.tenant_id, waiting)
    now = directory.find(record.context.tenant_id)
    if now is not None and now.pauses_uploads:
        return Deferral("deferred", now)
    # The tenant became active, or moved or left, while the event was being stored: nobody may process it later.
    deferred.forget(record.context.tenant_id, waiting)
    return _unless_removed(now)


def _unless_removal(event: ObjectEvent, record: TenantRecord | None) -> Deferral:
    return Deferral("admitted" if event.kind == "created" else "ignored", record)


def _unless_removed(record: TenantRecord | None) -> Deferral:
    return Deferral("admitted" if record is not None and record.status != "removing" else "ignored", record)
