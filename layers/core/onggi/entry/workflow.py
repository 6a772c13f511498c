"""Makes handlers of a workflow's steps."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onggi import bootstrap
from onggi.domain.document import DocumentVersion
from onggi.domain.errors import (
    GrantExpired,
)
from onggi.domain.tenant import TenantContext
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event, Handler
from onggi.entry.logging import logged
from onggi.ports.bundles import TenantPorts


@dataclass(frozen=True, slots=True)
class WorkflowTask:
    """What a state of the ingestion workflow works on, its tenant verified.

    Attributes:
        seconds_left: returns the seconds until Lambda ends the function.
    """

    tenant: TenantContext
    document: DocumentVersion
    state: Event
    ports: TenantPorts
    seconds_left: Callable[[], float]


Step = Callable[[WorkflowTask], dict[str, Any]]
PortsOf = Callable[[TenantContext, DocumentVersion, Event, float], TenantPorts]
"""Makes ports for a tenant, a document and a state, for work of so many seconds."""


def workflow_step(step: Step) -> Handler:
    """Makes a handler of a step on a registered document, under its tenant's session.

    The state's tenant is checked against the document's key and id. Errors leave as they are: the state machine
    matches their names.
    """
    return _workflow_step(step, lambda tenant, *_: bootstrap.tenant_ports(tenant))


def granted_step(step: Step) -> Handler:
    """Makes a handler of a step that reads a registered document under a grant, with the same checks.

    The handler raises GrantExpired where the state has no grant, or one that ends before the function may.
    """
    return _workflow_step(step, _granted_ports)


def _granted_ports(tenant: TenantContext, document: DocumentVersion, state: Event, seconds: float) -> TenantPorts:
    if "grant" not in state:
        raise GrantExpired("The execution began under a definition without grants; it has to begin again.")
    return bootstrap.granted_ports(tenant, document, state["grant"]["parts"], seconds)


def _workflow_step(step: Step, ports_of: PortsOf) -> Handler:
    @functools.wraps(step)
    def handle(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
        tenant = TenantContext.for_document(state["tenant"], state["document"]["key"])
        document = DocumentVersion.from_dict(tenant, state["document"])
        about = {"tenant_id": tenant.tenant_id, "document_id": document.document_id, "version": document.version}

        def work() -> dict[str, Any]:
            seconds_left = seconds_left_of(context)
            ports = ports_of(tenant, document, state, seconds_left())
            return step(WorkflowTask(tenant, document, state, ports, seconds_left))

        return logged(context, about, work)

    return handle
