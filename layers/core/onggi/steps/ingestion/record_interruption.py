"""RecordInterruption: an execution that was stopped or timed out leaves no document `processing`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from onggi.domain.document import Document, document_id_of
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument, InvalidRequest
from onggi.domain.tenant import TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.ports.bundles import TenantPorts
from onggi.ports.tenants import TenantDirectory
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import tenant_of
from onggi.steps.ingestion.retire import retire_version

ExecutionStatus = Literal["ABORTED", "TIMED_OUT", "FAILED"]
"""How an execution ends without success (Step Functions API reference, DescribeExecution)."""
STOPPED_MESSAGE: Final = "The processing of the file was stopped on our side; upload it again."


@dataclass(frozen=True, slots=True)
class RecordedInterruption:
    """How the end of an execution was recorded.

    Attributes:
        outcome: `recorded` where the document said so already, `ignored` where the execution was about none, else as in
            `RecordedFailure`.
        alarm: whether an operator should look; never for FAILED, for which the alarm on failed executions is raised.
    """

    outcome: Literal["recorded", "ignored", "failed", "rejected", "overtaken", "undescribed", "restarted"]
    alarm: bool


def event_of_input(text: str | None) -> ObjectEvent | None:
    """Reads the S3 event that an execution was started with; None where its input is no such event.

    Args:
        text: the input as JSON; None where EventBridge has left it out. It does so above 248 KiB (EventBridge events of
            Step Functions), and an S3 event has a few KiB.
    """
    try:
        return ObjectEvent.from_eventbridge(json.loads(text or "null"))
    except (ValueError, InvalidRequest):
        return None


def record_interruption(
    event: ObjectEvent | None,
    execution: str,
    status: ExecutionStatus,
    directory: TenantDirectory,
    ports_of: Callable[[TenantContext], TenantPorts],
) -> RecordedInterruption:
    """Marks the document of an execution as `failed`, unless that was done or something newer has happened to it.

    It works from the event and the ledger alone, since the state of the execution ended with it. It may run any number
    of times, also beside a function of the execution that still runs: whatever that writes afterwards, it removes
    itself.

    Args:
        event: the S3 event that had started the execution; None where it was started with something else.
        execution: its name.
        status: how it ended.
        directory: returns tenants.
        ports_of: returns the ports of a tenant.

    Raises:
        TransientError: when a dependency is not available.
    """
    if event is None:
        return RecordedInterruption("ignored", alarm=False)
    row, ports = _claimed_row(event, execution, directory, ports_of)
    if row is not None and ports is not None and row.status in {"failed", "deleted"}:
        for version in sorted(row.versions):
            retire_version(row.document_id, version, ports)
        return RecordedInterruption("recorded", status != "FAILED" and row.error_message == STOPPED_MESSAGE)
    message = BAD_DOCUMENT_MESSAGES["internal"] if status == "FAILED" else STOPPED_MESSAGE
    claimed = row.version if row is not None and row.status in {"processing", "ready"} else None
    failure = Failure("internal", message, ours=True)
    recorded = record_failure(StoppedExecution(event, execution, failure, claimed), directory, ports_of)
    return RecordedInterruption(recorded.outcome, recorded.alarm and status != "FAILED")


def _claimed_row(
    event: ObjectEvent,
    execution: str,
    directory: TenantDirectory,
    ports_of: Callable[[TenantContext], TenantPorts],
) -> tuple[Document | None, TenantPorts | None]:
    """The row that the execution claimed last, and the tenant's ports; None where another claimed it, or none."""
    try:
        tenant, event = tenant_of(event, owner_of(event, directory))
    except BadDocument:
        return None, None
    ports = ports_of(tenant)
    row = ports.ledger.get(document_id_of(tenant, event.key))
    if row is None or (row.sequencer, row.execution) != (event.sequencer, execution):
        return None, None
    return row, ports
