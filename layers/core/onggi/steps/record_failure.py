"""RecordFailure: whatever stopped the workflow, the document says so, and nothing half-visible stays."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from onggi.domain.document import Document, DocumentVersion
from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument, BadDocumentCode
from onggi.domain.tenant import TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.ports import TenantDirectory, TenantPorts
from onggi.steps.register_document import tenant_of, unseen_version
from onggi.steps.retire import retire_version

TIMEOUTS: Final = frozenset({"States.Timeout", "Sandbox.Timedout"})
"""What Step Functions and Lambda call a step that took too long."""
OUR_FAULTS: Final[frozenset[BadDocumentCode]] = frozenset({"internal", "timeout"})


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped a workflow, as its Catch hands it over."""

    code: BadDocumentCode
    message: str

    @classmethod
    def from_catch(cls, error: dict[str, Any]) -> "Failure":
        """Reads `{"Error", "Cause"}`; the cause of a function's error is JSON with its `errorMessage`."""
        name = error.get("Error", "")
        if name in TIMEOUTS:
            return cls("timeout", BAD_DOCUMENT_MESSAGES["timeout"])
        if name == BadDocument.__name__:
            code, _, message = _message(error.get("Cause", "")).partition(": ")
            if code in BAD_DOCUMENT_MESSAGES:
                return cls(code, message)
        return cls("internal", BAD_DOCUMENT_MESSAGES["internal"])


def _message(cause: str) -> str:
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return ""


@dataclass(frozen=True, slots=True)
class RecordedFailure:
    """How a failure was recorded.

    Attributes:
        outcome: `failed` in the ledger, `rejected` where no tenant owns the upload, `overtaken` by a newer event.
        alarm: whether an operator should look: not for bad documents, nor for work that a newer event made needless.
    """

    outcome: Literal["failed", "rejected", "overtaken"]
    code: BadDocumentCode
    alarm: bool


def record_failure(
    event: ObjectEvent,
    execution: str,
    failure: Failure,
    directory: TenantDirectory,
    ports_of: Callable[[TenantContext], TenantPorts],
) -> RecordedFailure:
    """Records a failure and removes what the failed version has left.

    It starts from the event alone, so that it works wherever the workflow has stopped. A deletion that failed keeps its
    status, since nothing of the document answers any more: an operator redrives the execution.

    Raises:
        TransientError: when a dependency is not available.
    """
    try:
        tenant = tenant_of(event, directory)
    except BadDocument as bad:
        directory.record_rejection(event.bucket, event.key, event.version or "", bad.code, bad.message)
        return RecordedFailure("rejected", bad.code, alarm=False)
    ports = ports_of(tenant)
    version = unseen_version(event, tenant)
    row = ports.ledger.get(version.document_id)
    if row is not None and row.sequencer == event.sequencer and row.execution == execution:
        version = replace(version, version=row.version, size=row.size, content_type=row.content_type)
    elif row is not None and row.sequencer >= event.sequencer:
        if version.version and not _is_wanted(version, row):
            retire_version(version.document_id, version.version, ports)
        return RecordedFailure("overtaken", failure.code, alarm=False)
    if event.kind == "deleted" or (row is not None and row.status == "deleting"):
        return RecordedFailure("failed", failure.code, alarm=True)
    if not ports.ledger.fail(version, execution, failure.code, failure.message):
        return RecordedFailure("overtaken", failure.code, alarm=False)
    if row is None or row.current_version != version.version:
        retire_version(version.document_id, version.version, ports)
    ports.meter.record(tenant, DocumentsFailed=1)
    return RecordedFailure("failed", failure.code, alarm=failure.code in OUR_FAULTS)


def _is_wanted(version: DocumentVersion, row: Document) -> bool:
    """Whether a newer event still needs a version; else what this execution wrote last, after the cleaning, stays."""
    return row.status not in {"deleting", "deleted"} and version.version in {row.version, row.current_version}
