"""ProcessDeferredEvents: starts the ingestion workflow for events that have waited until their tenant was active."""

import hashlib
from typing import Final

from onggi.domain.tenant import TenantRecord
from onggi.domain.upload import ObjectEvent
from onggi.ports.tenants import DeferredEvent, DeferredEvents
from onggi.ports.workflows import Workflow
from onggi.steps.tenancy.slices import SecondsLeft, work_slice

BATCH: Final = 50
"""Started at a time."""
RESERVE_SECONDS: Final = 10.0
"""A batch takes about two seconds, two calls of an API for each event."""


def process_deferred_events(
    record: TenantRecord, waiting: DeferredEvents, ingestion: Workflow, seconds_left: SecondsLeft
) -> bool:
    """Starts an execution for each of the events, while there is time, and forgets an event only after that.

    After a crash in between the same execution is started again, which its name does not let happen twice. Events of a
    place that the tenant has left are forgotten only: what they announce was reconciled.

    Returns:
        Whether more may wait.

    Raises:
        TransientError: when the control table or the workflow is not available.
    """
    return work_slice(
        begun=True,
        step=lambda _more: _process_batch(record, waiting, ingestion),
        seconds_left=seconds_left,
        is_over=lambda more: not more,
        reserve=RESERVE_SECONDS,
    )


def _process_batch(record: TenantRecord, waiting: DeferredEvents, ingestion: Workflow) -> bool:
    tenant_id = record.context.tenant_id
    batch = waiting.some(tenant_id, BATCH)
    for each in batch:
        if ObjectEvent.from_eventbridge({**each.event}).bucket == record.context.placement.documents_bucket:
            ingestion.start(_execution_name(each), each.event)
        waiting.forget(tenant_id, each)
    return bool(batch)


def _execution_name(waiting: DeferredEvent) -> str:
    """Names an event as it was noted once: noted again, by the execution started here, it needs another."""
    told = "\0".join((waiting.key, waiting.sequencer, waiting.noted_by))
    return "released-" + hashlib.sha256(told.encode()).hexdigest()[:48]
