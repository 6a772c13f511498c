"""RecordFailure: whatever stopped the workflow, the document says so, and nothing half-visible stays."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from onggi.domain.document import Document, DocumentVersion
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument, BadDocumentCode, ReadingTimeout, TransientError
from onggi.domain.metadata import document_key_of_sidecar
from onggi.domain.tenant import TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.ports.bundles import TenantPorts
from onggi.ports.tenants import TenantDirectory
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.register_document import tenant_of, unseen_version
from onggi.steps.ingestion.retire import retire_version
from onggi.steps.ingestion.update_metadata import update_metadata

UNAVAILABLE: Final = frozenset(
    {
        TransientError.__name__,
        "States.Timeout",
        "Sandbox.Timedout",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.TooManyRequestsException",
    }
)
"""Errors that the workflow retries for hours before it gives up; none of them is the file's fault."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped a workflow, as its Catch hands it over.

    Attributes:
        ours: whether an operator should look: always, unless a reader has refused the file.
    """

    code: BadDocumentCode
    message: str
    ours: bool

    @classmethod
    def from_catch(cls, error: dict[str, Any]) -> "Failure":
        """Reads `{"Error", "Cause"}`; the cause of a function's error is JSON with its `errorMessage`."""
        name = error.get("Error", "")
        if name == ReadingTimeout.__name__:
            return cls("timeout", BAD_DOCUMENT_MESSAGES["timeout"], ours=True)
        if name in UNAVAILABLE:
            return cls("unavailable", BAD_DOCUMENT_MESSAGES["unavailable"], ours=True)
        if name == BadDocument.__name__:
            code, _, message = _message(error.get("Cause", "")).partition(": ")
            if code in BAD_DOCUMENT_MESSAGES:
                return cls(code, message, ours=False)
        return cls("internal", BAD_DOCUMENT_MESSAGES["internal"], ours=True)


def _message(cause: str) -> str:
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return ""


@dataclass(frozen=True, slots=True)
class StoppedExecution:
    """An execution of the ingestion workflow that a failure has stopped.

    Attributes:
        event: the S3 event that has started it.
        execution: its name.
        failure: what stopped it.
        claimed_version: the version that it was processing, where it came so far; after a version was removed for good,
            that is another than the event's.
    """

    event: ObjectEvent
    execution: str
    failure: Failure
    claimed_version: str | None = None

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "StoppedExecution":
        """Reads the state of RecordFailure.

        Version 0.1.0 sent its whole state as the event; its executions in flight have the registration there.
        """
        registration = state.get("registration") or state["event"].get("registration", {})
        is_processed = registration.get("outcome") == "process"
        return cls(
            event=ObjectEvent.from_eventbridge(state["event"]),
            execution=state["execution"],
            failure=Failure.from_catch(state["error"]),
            claimed_version=registration["document"]["version"] if is_processed else None,
        )


@dataclass(frozen=True, slots=True)
class RecordedFailure:
    """How a failure was recorded.

    Attributes:
        outcome: `failed` in the ledger, `rejected` where no tenant owns the upload, `overtaken` by a newer event,
            `undescribed` where a document keeps its attributes although its sidecar has others, `restarted` where the
            ingestion begins again and nothing has failed.
        alarm: whether an operator should look: not for bad documents, nor for work that a newer event made needless.
    """

    outcome: Literal["failed", "rejected", "overtaken", "undescribed", "restarted"]
    code: BadDocumentCode
    alarm: bool


def record_failure(
    stopped: StoppedExecution, directory: TenantDirectory, ports_of: Callable[[TenantContext], TenantPorts]
) -> RecordedFailure:
    """Records a failure and removes what the failed version has left.

    It starts from the event alone, so that it works wherever the workflow has stopped. A deletion that failed keeps its
    status, since the document has no live version any more: deleting it again starts a new removal.

    Args:
        stopped: the execution that has failed.
        directory: returns tenants.
        ports_of: returns the ports of a tenant.

    Raises:
        TransientError: when a dependency is not available.
    """
    event, failure = stopped.event, stopped.failure
    try:
        tenant, event = tenant_of(event, owner_of(event, directory))
    except BadDocument as bad:
        directory.record_rejection(event.bucket, event.key, event.version or "", bad.code, bad.message)
        return RecordedFailure("rejected", bad.code, alarm=False)
    if document_key_of_sidecar(event.key) is not None:
        return RecordedFailure("undescribed", failure.code, alarm=failure.ours)
    ports = ports_of(tenant)
    version = unseen_version(event, tenant)
    recorded = _record(replace(stopped, event=event), version, tenant, ports)
    row = ports.ledger.get(version.document_id)
    if stopped.claimed_version and row is not None and row.current_version == stopped.claimed_version:
        update_metadata(version.document_id, ports)  # this execution may have written some of its vectors
    return recorded


def _record(
    stopped: StoppedExecution, version: DocumentVersion, tenant: TenantContext, ports: TenantPorts
) -> RecordedFailure:
    event, execution, failure = stopped.event, stopped.execution, stopped.failure
    row = ports.ledger.get(version.document_id)
    if event.kind == "deleted" or _is_removal(stopped, row):
        overtaken = row is not None and row.sequencer > event.sequencer
        return RecordedFailure("overtaken" if overtaken else "failed", failure.code, alarm=not overtaken)
    if row is not None and row.sequencer == event.sequencer and row.execution == execution:
        version = replace(version, version=row.version)
    elif stopped.claimed_version:
        version = replace(version, version=stopped.claimed_version)
    if not ports.ledger.fail(version, execution, failure.code, failure.message):
        _retire(version.document_id, {version.version}, ports)
        return RecordedFailure("overtaken", failure.code, alarm=False)
    registered = row.versions if row is not None else frozenset()
    _retire(version.document_id, registered | {version.version}, ports)
    ports.meter.record(tenant, DocumentsFailed=1)
    return RecordedFailure("failed", failure.code, alarm=failure.ours)


def _is_removal(stopped: StoppedExecution, row: Document | None) -> bool:
    """Whether the execution was removing a document, after its last version was removed for good."""
    if row is None or stopped.claimed_version or stopped.event.kind != "version_removed":
        return False
    return row.status == "deleting" and (row.sequencer, row.execution) == (stopped.event.sequencer, stopped.execution)


def _retire(document_id: str, versions: Iterable[str], ports: TenantPorts) -> None:
    """Removes what is left of versions, those apart that the ledger needs: nobody else comes after a failure."""
    for version in sorted(versions):
        if version:  # an event of a bucket without versions names none
            retire_version(document_id, version, ports)
