"""Ports that belong together."""

from dataclasses import dataclass

from onggi.ports.access import AuditTrail, KeyRing
from onggi.ports.clock import Clock
from onggi.ports.documents import ArtifactStore, DocumentStore
from onggi.ports.ledger import DocumentLedger, ProgressStore
from onggi.ports.metering import Meter
from onggi.ports.models import Embedder, Generator, PageRecogniser
from onggi.ports.retrieval import VectorIndex
from onggi.ports.tenants import TenantDirectory, TenantLifecycle
from onggi.ports.workflows import Workflow


@dataclass(frozen=True, slots=True)
class TenantPorts:
    """Everything outside that work for one tenant may touch, bound to that tenant."""

    documents: DocumentStore
    artifacts: ArtifactStore
    ledger: DocumentLedger
    progress: ProgressStore
    index: VectorIndex
    embedder: Embedder
    generator: Generator
    recogniser: PageRecogniser
    meter: Meter
    clock: Clock


@dataclass(frozen=True, slots=True)
class AccessPorts:
    """What managing the keys of one tenant touches, bound to that tenant."""

    keys: KeyRing
    trail: AuditTrail
    clock: Clock


@dataclass(frozen=True, slots=True)
class ControlPorts:
    """What operators' requests about tenants touch: their records and the workflows on them."""

    directory: TenantDirectory
    lifecycle: TenantLifecycle
    onboarding: Workflow
    resumption: Workflow
    relocation: Workflow
    offboarding: Workflow
    clock: Clock
