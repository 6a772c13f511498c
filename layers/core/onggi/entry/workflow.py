"""Makes handlers of the steps of workflows."""

import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from onggi.bootstrap import application
from onggi.domain.document import DocumentVersion
from onggi.domain.errors import GrantExpired
from onggi.domain.runs import tenant_owned_by_run
from onggi.domain.tenant import MoveStage, TenantContext, TenantRecord, TenantStatus
from onggi.entry.deadlines import seconds_left_of
from onggi.entry.events import Event, Handler
from onggi.entry.logging import logged
from onggi.ports.bundles import TenantPorts


@dataclass(frozen=True, slots=True)
class DocumentTask:
    """What a state of the ingestion workflow works on, its tenant verified.

    Attributes:
        seconds_left: returns the seconds until Lambda ends the function.
    """

    tenant: TenantContext
    document: DocumentVersion
    state: Event
    ports: TenantPorts
    seconds_left: Callable[[], float]


DocumentStep = Callable[[DocumentTask], dict[str, Any]]
PortsOf = Callable[[TenantContext, DocumentVersion, Event, float], TenantPorts]
"""Makes ports for a tenant, a document and a state, for work of so many seconds."""


def document_step(step: DocumentStep) -> Handler:
    """Makes a handler of a step on a registered document, under its tenant's session.

    The handler checks the state's tenant against the document's key and id. It raises errors unchanged, because the
    state machine matches their names.
    """
    return _document_step(step, lambda tenant, *_: application.tenant_ports(tenant))


def granted_document_step(step: DocumentStep) -> Handler:
    """Makes a handler of a step that reads a registered document under a grant, with the same checks.

    The handler raises GrantExpired if the state has no grant, or one that ends before the function may.
    """
    return _document_step(step, _granted_ports)


def _granted_ports(tenant: TenantContext, document: DocumentVersion, state: Event, seconds: float) -> TenantPorts:
    if "grant" not in state:
        raise GrantExpired("The execution began under a definition without grants; it has to begin again.")
    return application.granted_ports(tenant, document, state["grant"]["parts"], seconds)


def _document_step(step: DocumentStep, ports_of: PortsOf) -> Handler:
    @functools.wraps(step)
    def handle(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
        tenant = TenantContext.for_document(state["tenant"], state["document"]["key"])
        document = DocumentVersion.from_dict(tenant, state["document"])
        about = {"tenant_id": tenant.tenant_id, "document_id": document.document_id, "version": document.version}

        def work() -> dict[str, Any]:
            seconds_left = seconds_left_of(context)
            ports = ports_of(tenant, document, state, seconds_left())
            return step(DocumentTask(tenant, document, state, ports, seconds_left))

        return logged(context, about, work)

    return handle


@dataclass(frozen=True, slots=True)
class TenantTask:
    """What a state of a workflow on tenants works on; its run owns the tenant.

    Attributes:
        seconds_left: returns the seconds until Lambda ends the function.
    """

    record: TenantRecord
    state: Event
    seconds_left: Callable[[], float]


TenantStep = Callable[[TenantTask], dict[str, Any]]


def tenant_step(*statuses: TenantStatus, stages: Collection[MoveStage] = ()) -> Callable[[TenantStep], Handler]:
    """Makes a handler of a step on a tenant, which works while the state's run owns the tenant.

    Args:
        statuses: the statuses in which a run of onboarding, resumption or offboarding owns the tenant.
        stages: the stages of a move in which a run of relocation does.

    The handler raises NotFound or Conflict if the run does not own the tenant any more.
    """

    def decorate(step: TenantStep) -> Handler:
        @functools.wraps(step)
        def handle(state: Event, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's context has no public type
            def work() -> dict[str, Any]:
                found = application.directory.find(state["tenant_id"])
                record = tenant_owned_by_run(found, state["run"], *statuses, stages=stages)
                return step(TenantTask(record, state, seconds_left_of(context)))

            return logged(context, {"tenant_id": state["tenant_id"]}, work)

        return handle

    return decorate
