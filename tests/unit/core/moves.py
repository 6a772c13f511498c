"""A tenant with two places, for tests of its way from one to the other."""

from dataclasses import replace
from typing import Any

from onggi.domain.document import Document, DocumentVersion, Metadata, document_id_of
from onggi.domain.money import ModelPrice
from onggi.domain.tenant import MoveStage, Placement, TenantContext, TenantRecord, Tier
from onggi.domain.tenant_data import CopyProgress
from onggi.domain.upload import ObjectEvent
from onggi.ports.bundles import TenantPorts
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import defer_event, owner_of
from onggi.steps.ingestion.embed_chunks import EmbeddingModel, embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import Registration, register_document
from onggi.steps.ingestion.remove_document import remove_document
from onggi.steps.ingestion.update_metadata import update_metadata
from onggi.steps.questions.retrieve import RetrievalRequest, retrieve
from onggi.steps.tenancy.copy_tenant_data import copy_tenant_data
from onggi.steps.tenancy.move_tenant import GracePeriods, move_tenant, pause_uploads, resume_uploads, switch_placement
from onggi.steps.tenancy.process_deferred_events import process_deferred_events
from onggi.steps.tenancy.reconcile_uploads import reconcile_uploads
from tests.unit.core.fakes import (
    DIMENSIONS,
    OCR_MODEL,
    FakeDeferredEvents,
    FakeDocumentStore,
    FakeLifecycle,
    FakeMovingObjects,
    FakeTenant,
    FakeWorkflow,
    LineSplitter,
    PlainReader,
    control_ports,
    one_step,
    try_of,
)

WAITS = GracePeriods(authorizer_cache=60, upload_forms=960)
MODEL = EmbeddingModel("titan", DIMENSIONS, ModelPrice(1, 1))  # type: ignore[arg-type]  # whole dollars will do
MAX_BYTES = 1000


class TwoPlaces:
    """One tenant, its ledger, and a acme of stores at each place that it has had."""

    def __init__(self) -> None:
        self.tenants = [FakeTenant()]
        self.first = self.tenants[0]
        self.clock = self.first.clock
        self.ledger = self.first.ledger
        self.embedder = self.first.embedder
        self.directory = self.first.directory
        self.lifecycle = FakeLifecycle(self.directory)
        self.relocation, self.ingestion = FakeWorkflow(), FakeWorkflow()
        self.waiting = FakeDeferredEvents()
        self.executions = 0

    @property
    def record(self) -> TenantRecord:
        return self.directory.records["acme"]

    def key(self, name: str) -> str:
        return self.first.context.prefix + name

    def row(self, name: str) -> Document:
        return self.ledger.rows[document_id_of(self.first.context, self.key(name))]

    def tenant_at(self, placement: Placement) -> FakeTenant:
        return next(
            acme for acme in self.tenants if acme.context.placement.documents_bucket == placement.documents_bucket
        )

    @property
    def here(self) -> FakeTenant:
        """Where the tenant is."""
        return self.tenant_at(self.record.context.placement)

    @property
    def at_other_placement(self) -> FakeTenant:
        return self.tenant_at(self.record.at_other_placement.placement)

    def ports_of(self, tenant: TenantContext) -> TenantPorts:
        return self.tenant_at(tenant.placement).ports

    def start(self, tier: Tier = "premium") -> TenantRecord:
        """Asks for a move to a place that nobody was at before."""
        self.clock.advance(seconds=1)
        number = len(self.tenants)
        place = Placement(f"documents-{number}", f"artifacts-{number}", f"vectors-{number}", "acme", f"silo-{number}")
        acme = FakeTenant(
            replace(self.first.context, placement=place), self.clock, ledger=self.ledger, embedder=self.embedder
        )
        self.tenants.append(acme)
        return self.ask(tier, place)

    def ask(self, tier: Tier, place: Placement | None = None) -> TenantRecord:
        place = place or Placement("never", "used", "", "acme")
        return move_tenant(
            self.record, tier, place, WAITS, control_ports(self.directory, self.lifecycle, self.clock, self.relocation)
        )

    def at_stage(self, stage: MoveStage) -> None:
        assert self.record.move
        changed = replace(self.record, move=replace(self.record.move, stage=stage))
        self.lifecycle.change(self.record, changed)

    def objects(self) -> FakeMovingObjects:
        record = self.record
        assert record.move
        places = (self.here, self.at_other_placement)
        source, target = places if record.move.stage in {"preparing", "copying"} else reversed(places)
        return FakeMovingObjects(record.context, source, target)

    def objects_after_switch(self) -> FakeMovingObjects:
        return FakeMovingObjects(self.record.context, self.at_other_placement, self.here)

    def hold(self) -> None:
        pause_uploads(self.record, self.lifecycle)

    def copy(self, progress: CopyProgress | None = None) -> CopyProgress:
        """Copies everything, or a call's worth behind some progress."""
        once = progress is not None
        progress = progress or CopyProgress()
        while progress.more:
            self.clock.advance(seconds=1)
            ports = self.here.ports, self.at_other_placement.ports
            progress = copy_tenant_data(self.record.context, progress, self.objects(), *ports, one_step)
            if once:
                break
        return progress

    def switch(self) -> None:
        switch_placement(self.record, self.lifecycle)

    def reconcile(self) -> int:
        """Lets uploads in and carries everything over; answers how many objects that has made at the new place."""
        before = len(self.here.documents.events)
        resume_uploads(self.record, self.lifecycle)
        after: str | None = None
        while True:
            self.clock.advance(seconds=1)
            progress = reconcile_uploads(self.record.context, after, self.objects(), self.ledger, one_step)
            after = progress.after
            if not progress.more:
                return len(self.here.documents.events) - before

    def move(self) -> None:
        """A whole move, up to the moment at which the old place is not needed any more."""
        self.start()
        self.hold()
        self.copy()
        self.switch()
        self.reconcile()

    def close(self) -> None:
        self.lifecycle.end_move(self.record)

    def upload(
        self, name: str, text: str, at: FakeTenant | None = None, metadata: Metadata | None = None
    ) -> dict[str, Any]:
        self.clock.advance(seconds=1)
        return (at or self.here).documents.upload(self.key(name), text.encode(), metadata=metadata)

    def delete(self, name: str, at: FakeTenant | None = None) -> dict[str, Any]:
        self.clock.advance(seconds=1)
        documents: FakeDocumentStore = (at or self.here).documents
        documents.delete(self.key(name))
        return documents.events[-1]

    def admit(self, raw: dict[str, Any], execution: str = "e0") -> str:
        return defer_event(ObjectEvent.from_eventbridge(raw), raw, execution, self.directory, self.waiting).outcome

    def ingest(self, raw: dict[str, Any]) -> str:
        """Takes an event all the way; answers what became of it."""
        self.executions += 1
        execution = f"e{self.executions}"
        admission = self.admit(raw, execution)
        return admission if admission != "admitted" else self.process(raw, execution)

    def process(self, raw: dict[str, Any], execution: str) -> str:
        event = ObjectEvent.from_eventbridge(raw)
        registration: Registration | None = None
        try:
            registration = register_document(
                event, execution, owner_of(event, self.directory), self.ports_of, MAX_BYTES
            )
            self._work(registration)
        except Exception as error:
            cause = f'{{"errorMessage": "{error}"}}'
            failure = Failure.from_catch({"Error": type(error).__name__, "Cause": cause})
            claimed = registration.document.version if registration and registration.outcome == "process" else None
            return record_failure(
                StoppedExecution(event, execution, failure, claimed), self.directory, self.ports_of
            ).outcome
        return registration.outcome

    def _work(self, registration: Registration) -> None:
        tenant, document = registration.tenant, registration.document
        ports = self.ports_of(tenant)
        if registration.outcome == "remove":
            remove_document(tenant, document, registration.versions, ports)
        elif registration.outcome == "describe":
            update_metadata(document.document_id, ports)
        elif registration.outcome == "process":
            self._index(tenant, document, ports)

    def _index(self, tenant: TenantContext, document: DocumentVersion, ports: TenantPorts) -> None:
        extract_text(tenant, document, ports, PlainReader(), OCR_MODEL)
        chunking = chunk_text(document, ports, LineSplitter(), "manifests")
        for batch in range(chunking.batches):
            embed_chunks(tenant, document, try_of(batch), ports, MODEL)
            index_chunks(document, batch, ports)
        publish_document(tenant, document, PublishedFacts(1, chunking.chunks, 1, "en"), ports)

    def release(self) -> list[str]:
        """Takes all events that have waited all the way."""
        while process_deferred_events(self.record, self.waiting, self.ingestion, one_step):
            pass
        started = dict(self.ingestion.started)
        self.ingestion.ended |= set(started)
        self.ingestion.started.clear()
        return [self.ingest(dict(event)) for event in started.values()]

    def found(self, question: str = "kimchi", at: FakeTenant | None = None) -> dict[str, list[str]]:
        """The texts that a question finds, by the name of their document."""
        found: dict[str, list[str]] = {}
        for passage in retrieve(RetrievalRequest(question, 50, None), (at or self.here).ports).passages:
            found.setdefault(passage.document_name, []).append(passage.text)
        return {name: sorted(texts) for name, texts in found.items()}
