"""Part of RecordFailure: an execution that an upgrade has overtaken begins again under the new definition."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from onggi.domain.document import document_id_of
from onggi.domain.errors import BadDocument, GrantExpired, TransientError
from onggi.domain.tenant import TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.ports.bundles import TenantPorts
from onggi.ports.tenants import TenantDirectory
from onggi.ports.workflows import Workflow
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.register_document import tenant_of

EVENT_FIELDS: Final = frozenset(
    {"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"}
)
"""What an event of EventBridge has (EventBridge user guide, "Event structure"); states of the workflow add to it."""


def began_before_an_upgrade(error: Mapping[str, Any]) -> bool:
    """Whether an execution was stopped because its definition is older than a function that it has called.

    A definition that knows grants never hands this error to RecordFailure: it gets a new grant.
    """
    return error.get("Error") == GrantExpired.__name__


def restart_ingestion(
    state: Mapping[str, Any],
    execution: str,
    directory: TenantDirectory,
    ports_of: Callable[[TenantContext], TenantPorts],
    ingestion: Workflow,
) -> bool:
    """Starts the ingestion again with the event that has started an execution, once there is a newer definition.

    The execution gives its claim up first, so that the new one can have it. After a crash in between the same is
    started again, which its name does not let happen twice.

    Args:
        state: of the execution: the event and what its states have added.
        execution: its name.
        directory: returns tenants.
        ports_of: returns the ports of a tenant.
        ingestion: the workflow.

    Returns:
        Whether it was started; False where the execution has no claim on its document any more.

    Raises:
        TransientError: when a dependency is not available, or the definition has not been replaced yet.
    """
    raw = {name: value for name, value in state.items() if name in EVENT_FIELDS}
    try:
        event = ObjectEvent.from_eventbridge(raw)
        tenant, event = tenant_of(event, owner_of(event, directory))
    except BadDocument:
        return False
    ledger = ports_of(tenant).ledger
    row = ledger.get(document_id_of(tenant, event.key))
    claims = {execution, ""}  # nobody's, where a try before this one has released it
    if row is None or row.status != "processing" or row.sequencer != event.sequencer or row.execution not in claims:
        return False
    if not ingestion.is_outdated(execution):
        raise TransientError("The workflow is being upgraded; try again.")
    ledger.release(row.document_id, event.sequencer, execution)
    ingestion.start("restarted-" + hashlib.sha256(execution.encode()).hexdigest()[:48], raw)
    return True
