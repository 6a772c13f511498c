"""Whatever order events arrive in and however executions interleave, the ledger, the index and the artifacts agree.

Uploads, deletions and removals of single versions change one key of a versioned bucket and that of its sidecar. Their
events arrive in any order, more than once. Each starts an execution that goes step by step, repeats steps as Step
Functions does, and may break down or be stopped anywhere; the steps of all executions interleave, and inside of a
description its single writes.
"""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from onggi.domain.chunk import IndexedChunk
from onggi.domain.document import Document, DocumentVersion, Metadata, document_id_of
from onggi.domain.errors import Conflict, NotFound, OnggiError
from onggi.domain.metadata import SIDECAR_SUFFIX
from onggi.domain.money import ModelPrice
from onggi.domain.tenant import TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts, Stored
from onggi.steps.documents.deletion import delete_document
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.embed_chunks import EmbeddingModel, embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import Publication, publish_document
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.record_interruption import ExecutionStatus, record_interruption
from onggi.steps.ingestion.register_document import register_document
from onggi.steps.ingestion.remove_document import remove_document
from onggi.steps.ingestion.update_metadata import update_metadata
from onggi.steps.questions.retrieve import RetrievalRequest, retrieve
from tests.unit.core.fakes import (
    DIMENSIONS,
    OCR_MODEL,
    FakeIndex,
    FakeLedger,
    FakeTenant,
    LineSplitter,
    PlainReader,
    try_of,
)

MODEL = EmbeddingModel("titan", DIMENSIONS, ModelPrice(1, 1))  # type: ignore[arg-type]  # whole dollars will do
MAX_BYTES = 1000


class BreakdownError(Exception):
    """What no step expects."""


class Stepwise:
    """A call in a thread of its own, which goes on from one write to the next only when it is told to."""

    _here = threading.local()

    def __init__(self, call: Callable[[], object]) -> None:
        self.ended = False
        self._call = call
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        self._error: Exception | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def advance(self) -> None:
        """Goes on to the next write, or to the end."""
        if not self.ended:
            self._go.release()
            assert self._paused.acquire(timeout=10)
        if self._error:
            raise self._error

    def _run(self) -> None:
        Stepwise._here.call = self
        self._go.acquire()
        try:
            self._call()
        except (OnggiError, AssertionError) as error:
            self._error = error
        self.ended = True
        self._paused.release()

    @classmethod
    def pause(cls) -> None:
        """GracePeriods until the call that this thread is doing may go on; does nothing outside of such a call."""
        call = getattr(cls._here, "call", None)
        if call is not None:
            call._paused.release()
            call._go.acquire()


class PausingIndex(FakeIndex):
    """Pauses before each write."""

    def put(self, chunks: Sequence[IndexedChunk]) -> None:
        Stepwise.pause()
        super().put(chunks)


class PausingLedger(FakeLedger):
    """Pauses before a description is noted."""

    def describe(self, known: Document, metadata: Metadata, fault: str | None) -> bool:
        Stepwise.pause()
        return super().describe(known, metadata, fault)


class Execution:
    """One run of the workflow, as the state machine's definition has it."""

    def __init__(self, acme: FakeTenant, event: dict[str, Any], name: str) -> None:
        self.name = name
        self.ended = False
        self.broken = False
        self.broken_removal = False
        self.broken_description = False
        self._acme = acme
        self._event = ObjectEvent.from_eventbridge(event)
        self._is_of_sidecar = self._event.key.endswith(SIDECAR_SUFFIX)
        self._description: Stepwise | None = None
        self._registration: dict[str, Any] | None = None
        self._error: Exception | None = None
        self._steps = self._run()
        self._next = next(self._steps)

    def advance(self, *, repeat: bool = False, breaks: bool = False) -> None:
        """Does the next step, twice where the first answer got lost; or breaks down before or after having done it."""
        try:
            self._next()
            if repeat and not breaks:
                self._next()
            if breaks:
                self._note_break()
                raise BreakdownError
            self._next = next(self._steps)
        except StopIteration:
            self.ended = True
            if self._error is not None:
                self._record_recorded_failure()
        except (OnggiError, BreakdownError) as error:
            if self._next == self._fail:
                return  # Step Functions tries this state again
            self._error = error
            self._steps = iter(())
            self._next = self._fail

    def _note_break(self) -> None:
        self.broken = True
        self.broken_removal = self._event.kind != "created" and not self._is_of_sidecar
        self.broken_description = self._is_of_sidecar

    def stop(self, *, outlived: bool) -> None:
        """Ends it as StopExecution does; its function at work goes on, and the end is recorded before or after that.

        EventBridge tells of the end twice.
        """
        self._note_break()
        if not outlived:
            self._end_work()
        self._record_end("ABORTED")
        if outlived:
            self._end_work()
        self._record_end("ABORTED")
        self.ended = True

    def _end_work(self) -> None:
        try:
            self._next()
            while self._next == self._describe and self._description is not None and not self._description.ended:
                self._describe()
        except OnggiError:
            return

    def _record_end(self, status: ExecutionStatus) -> None:
        acme = self._acme
        record_interruption(self._event, self.name, status, acme.directory, acme.ports_of)

    def _record_recorded_failure(self) -> None:
        failed = self._acme.meter.total("DocumentsFailed")
        self._record_end("FAILED")
        assert self._acme.meter.total("DocumentsFailed") == failed

    def start_again(self) -> None:
        """Gives up a description in the middle and begins it again, as after a transient fault."""
        if self._description is not None:
            self._description = self._new_description()

    def finish(self) -> None:
        for _ in range(100):
            if not self.ended:
                self.advance()
        assert self.ended

    def _run(self) -> Iterator[Any]:
        ports = self._acme.ports
        yield self._register
        assert self._registration is not None
        tenant = TenantContext.for_document(self._registration["tenant"], self._registration["document"]["key"])
        document = DocumentVersion.from_dict(tenant, self._registration["document"])
        if self._registration["outcome"] == "remove":
            yield lambda: remove_document(tenant, document, self._registration["versions"], ports)
        if self._registration["outcome"] == "process":
            publications: list[Publication] = []
            yield from self._process(tenant, document, publications)
            if not publications[-1].describe:
                return
        elif self._registration["outcome"] != "describe":
            return
        self._description = self._new_description()
        while not self._description.ended:
            yield self._describe

    def _describe(self) -> None:
        assert self._description is not None
        self._description.advance()

    def _new_description(self) -> Stepwise:
        assert self._registration is not None
        document_id = self._registration["document"]["document_id"]
        return Stepwise(lambda: update_metadata(document_id, self._acme.ports))

    def _process(
        self, tenant: TenantContext, document: DocumentVersion, publications: list[Publication]
    ) -> Iterator[Any]:
        ports = self._acme.ports
        yield lambda: extract_text(tenant, document, ports, PlainReader(), OCR_MODEL)
        chunkings = []
        yield lambda: chunkings.append(chunk_text(document, ports, LineSplitter(), "artifacts"))
        for batch in range(chunkings[-1].batches):
            yield lambda batch=batch: embed_chunks(tenant, document, try_of(batch), ports, MODEL)
            yield lambda batch=batch: index_chunks(document, batch, ports)
        facts = PublishedFacts(1, chunkings[-1].chunks, 1, "en")
        yield lambda: publications.append(publish_document(tenant, document, facts, ports))

    def _register(self) -> None:
        acme = self._acme
        registration = register_document(
            self._event, self.name, owner_of(self._event, acme.directory), acme.ports_of, MAX_BYTES
        )
        self._registration = json.loads(json.dumps(registration.to_dict()))

    def _fail(self) -> None:
        error = self._error
        cause = json.dumps({"errorMessage": str(error), "errorType": type(error).__name__})
        failure = Failure.from_catch({"Error": type(error).__name__, "Cause": cause})
        acme = self._acme
        registration = self._registration or {}
        claimed = registration["document"]["version"] if registration.get("outcome") == "process" else None
        record_failure(StoppedExecution(self._event, self.name, failure, claimed), acme.directory, acme.ports_of)


Act = Literal[
    "upload",
    "delete",
    "remove",
    "delete by API",
    "describe",
    "delete sidecar",
    "remove from sidecar",
    "deliver",
    "deliver again",
    "step",
    "repeat a step",
    "start again",
    "run",
    "break down",
    "stop",
    "stop too late",
]
CONTENTS = (
    "kimchi\nsalt\nred pepper",
    "kimchi\nsoy sauce\nsalt\nkimchi\nwater",
    "soy sauce",
    "corrupt",
    "",
    "x" * 1001,
)
HEADERS: tuple[Metadata, ...] = ({"team": "cellar", "size": 1}, {"team": "kitchen"}, {})
SIDECARS: dict[bytes, Metadata | None] = {
    b'{"metadataAttributes": {"team": "yard"}}': {"team": "yard"},
    b'{"metadataAttributes": {"year": {"value": {"type": "NUMBER", "numberValue": 1}}}}': {"year": 1},
    b'{"metadataAttributes": {"year": true}}': {"year": True},
    b'{"metadataAttributes": {"acme": ["a", "b"]}}': {"acme": ["a", "b"]},
    b"{}": None,
    b'{"metadataAttributes": {"version": "9"}}': None,
}
"""What sidecars hold, and the attributes that they give; None where they cannot be used."""


class World:
    """One key of a bucket, and the executions that its events have started."""

    def __init__(self) -> None:
        self.acme = FakeTenant(index=PausingIndex(), ledger=PausingLedger())
        self.key = self.acme.context.prefix + "a.txt"
        self.sidecar = self.key + SIDECAR_SUFFIX
        self.bad_sidecars = False
        self.document_id = document_id_of(self.acme.context, self.key)
        self.executions: list[Execution] = []
        self.delivered: list[int] = []

    def play(self, acts: list[tuple[Act, int]]) -> None:
        for act, choice in acts:
            self._play(act, choice)
            self.check_live_version()
        undelivered = [number for number in range(len(self.acme.documents.events)) if number not in self.delivered]
        for number in undelivered:
            self._start(number)
        for execution in self.executions:
            execution.finish()
            self.check_live_version()
        self.check_the_end()

    def _play(self, act: Act, choice: int) -> None:
        documents = self.acme.documents
        versions = documents.versions.get(self.key, [])
        undelivered = [number for number in range(len(documents.events)) if number not in self.delivered]
        running = [execution for execution in self.executions if not execution.ended]
        if act == "upload":
            headers = HEADERS[len(versions) % len(HEADERS)]
            documents.upload(self.key, CONTENTS[choice % len(CONTENTS)].encode(), metadata=headers)
        elif act in {"describe", "delete sidecar", "remove from sidecar"}:
            self._change_sidecar(act, choice)
        elif act == "delete":
            documents.delete(self.key)
        elif act == "remove" and versions:
            documents.remove_version(self.key, versions[choice % len(versions)].version)
        elif act == "delete by API":
            self._delete_by_api()
        elif act == "deliver" and undelivered:
            self._start(undelivered[choice % len(undelivered)])
        elif act == "deliver again" and self.delivered:
            self._start(self.delivered[choice % len(self.delivered)])
        elif running:
            self._go_on(act, running[choice % len(running)])

    def _go_on(self, act: Act, execution: Execution) -> None:
        if act == "run":
            execution.finish()
        elif act == "start again":
            execution.start_again()
        elif act in {"step", "repeat a step", "break down"}:
            execution.advance(repeat=act == "repeat a step", breaks=act == "break down")
        elif act in {"stop", "stop too late"}:
            execution.stop(outlived=act == "stop too late")

    def _change_sidecar(self, act: Act, choice: int) -> None:
        documents = self.acme.documents
        versions = documents.versions.get(self.sidecar, [])
        if act == "describe":
            content = list(SIDECARS)[choice % len(SIDECARS)]
            self.bad_sidecars |= SIDECARS[content] is None
            documents.upload(self.sidecar, content)
        elif act == "delete sidecar":
            documents.delete(self.sidecar)
        elif versions:
            documents.remove_version(self.sidecar, versions[choice % len(versions)].version)

    def _delete_by_api(self) -> None:
        try:
            delete_document(self.document_id, self.acme.ports)
        except (Conflict, NotFound):
            return
        assert self.live_version() is None

    def _start(self, number: int) -> None:
        self.delivered.append(number)
        name = f"execution-{len(self.executions)}"
        self.executions.append(Execution(self.acme, self.acme.documents.events[number], name))

    def live_version(self) -> str | None:
        row = self.acme.ledger.rows.get(self.document_id)
        return row.current_version if row else None

    def check_live_version(self) -> None:
        """At any moment: the version that answers has all its chunks, and no other answers."""
        current = self.live_version()
        found = retrieve(RetrievalRequest("kimchi salt", 50, None), self.acme.ports)
        assert {passage.version for passage in found.passages} <= {current}
        if current is not None:
            assert len(found.passages) == self.acme.ledger.rows[self.document_id].chunks

    def check_the_end(self) -> None:
        """After all: the newest version answers, unless it failed; nothing is left of any other."""
        acme, current = self.acme, self.live_version()
        newest, row = acme.documents.newest(self.key), acme.ledger.rows.get(self.document_id)
        if newest is None:
            assert current is None
        else:
            assert row is not None
            failed = newest.content in BAD or any(execution.broken for execution in self.executions)
            failed |= self.bad_sidecars
            assert (row.status, current) == ("ready", newest.version) or (failed and row.status == "failed")
        if not any(execution.broken_description for execution in self.executions):
            self.check_attributes()
        if any(execution.broken_removal for execution in self.executions):
            return  # an operator has to start it again; nothing answers until then
        kept = {current} - {None}
        assert {indexed.version for indexed in acme.index.vectors.values()} == kept
        assert {name.split("/")[1] for name in acme.artifacts.content} == kept
        assert {version for _, version in acme.artifacts.manifests} == kept
        assert row is None or row.versions == kept
        assert acme.ledger.stored() == (Stored(row.chunks, row.current_size, 1) if row and current else Stored(0, 0, 0))
        assert acme.ledger.stored().vectors == len(acme.index.vectors)

    def check_attributes(self) -> None:
        """The live version is found by its headers and its newest sidecar, and by nothing else; so says its row."""
        row, current = self.acme.ledger.rows.get(self.document_id), self.live_version()
        uploaded = self.acme.documents.facts(self.key, current) if current else None
        if row is None or uploaded is None:
            return  # the live version although it was removed for good keeps its attributes
        vectors = [each for each in self.acme.index.vectors.values() if each.version == current]
        found = {json.dumps(each.metadata, sort_keys=True) for each in vectors}
        assert found == {json.dumps(row.current_metadata, sort_keys=True)}
        sidecar = self.acme.documents.newest(self.sidecar)
        attributes = SIDECARS[sidecar.content] if sidecar and sidecar.content else {}
        if row.status == "ready":
            assert row.error_code == ("invalid_metadata" if attributes is None else None)
            assert row.metadata == row.current_metadata
        if attributes is not None:
            assert found == {json.dumps(uploaded.metadata | attributes, sort_keys=True)}


BAD = (b"corrupt", b"", b"x" * 1001)
acts = st.tuples(
    st.sampled_from(
        ["upload", "upload", "delete", "remove", "delete by API", "deliver", "deliver", "deliver", "deliver again"]
        + ["describe", "describe", "delete sidecar", "remove from sidecar"]
        + ["step"] * 6
        + ["repeat a step", "start again", "run", "run", "break down", "stop", "stop too late"]
    ),
    st.integers(0, 5),
)


WANTED_AGAIN: list[tuple[Act, int]] = [
    ("upload", 0),
    ("deliver", 0),
    ("step", 0),
    ("step", 0),
    ("step", 0),
    ("step", 0),
    ("upload", 1),
    ("deliver", 0),
    ("step", 1),
    ("remove", 1),
    ("deliver", 0),
    ("run", 2),
    ("run", 0),
]
"""The version above is removed for good, so that a second execution resumes the one that a first is still at."""
FAILED_AFTER_A_DELETION: list[tuple[Act, int]] = [
    ("upload", 0),
    ("deliver", 0),
    ("run", 0),
    ("delete by API", 0),
    ("upload", 3),
    ("deliver", 1),
    ("run", 0),
]
"""A new version fails before the deletion of the old one is heard of; nobody else removes the old one then."""
DESCRIBED_BY_TWO: list[tuple[Act, int]] = [
    ("upload", 1),
    ("deliver", 0),
    ("run", 0),
    ("describe", 0),
    ("deliver", 0),
    ("step", 0),
    ("step", 0),
    ("describe", 1),
    ("deliver", 0),
    ("step", 1),
    ("step", 1),
    ("step", 0),
    ("step", 1),
    ("step", 1),
    ("run", 0),
    ("run", 0),
]
"""Two descriptions write in turns; the one that began first ends last."""
DESCRIBED_WHILE_PROCESSED: list[tuple[Act, int]] = [
    ("describe", 1),
    ("deliver", 0),
    ("run", 0),
    ("upload", 2),
    ("deliver", 0),
    ("step", 0),
    ("step", 0),
    ("describe", 2),
    ("deliver", 0),
    ("run", 1),
    ("run", 0),
]
"""The sidecar changes after the document has read it, and its event comes before the document answers."""
DESCRIBED_WHILE_REMOVED: list[tuple[Act, int]] = [
    ("upload", 0),
    ("deliver", 0),
    ("run", 0),
    ("describe", 0),
    ("deliver", 0),
    ("step", 0),
    ("step", 0),
    ("delete", 0),
    ("deliver", 0),
    ("run", 1),
    ("run", 0),
]
"""The removal ends before a description writes."""
RESUMED_AGAIN_AND_DESCRIBED: list[tuple[Act, int]] = [
    ("upload", 0),
    ("deliver", 0),
    ("run", 0),
    ("upload", 1),
    ("deliver", 0),
    ("step", 0),
    ("remove", 1),
    ("deliver", 0),
    ("step", 1),
    ("step", 1),
    ("step", 1),
    ("describe", 0),
    ("deliver", 0),
    ("run", 2),
]
"""The version above is removed for good while the one below still answers: that one is indexed again, and described."""
DESCRIBED_WHILE_INDEXED_AGAIN: list[tuple[Act, int]] = [
    *RESUMED_AGAIN_AND_DESCRIBED,
    ("step", 1),
    ("step", 1),
    ("upload", 3),
    ("deliver", 0),
    ("run", 2),
    ("run", 1),
]
"""It is overtaken by a version that fails, so that it answers with what was indexed last."""
DESCRIBED_WHILE_INDEXED_IN_VAIN: list[tuple[Act, int]] = [
    *RESUMED_AGAIN_AND_DESCRIBED,
    ("step", 1),
    ("break down", 1),
]
"""It breaks down when it has indexed what was true before."""

STOPPED_WHILE_READ: list[tuple[Act, int]] = [
    ("upload", 0),
    ("deliver", 0),
    ("step", 0),
    ("stop too late", 0),
]
"""The text is written after the end of its execution was recorded."""
STOPPED_WHILE_INDEXED: list[tuple[Act, int]] = [
    ("upload", 0),
    ("deliver", 0),
    ("step", 0),
    ("step", 0),
    ("step", 0),
    ("step", 0),
    ("stop too late", 0),
]
"""So are vectors."""
STOPPED_BEFORE_IT_IS_REGISTERED: list[tuple[Act, int]] = [
    ("upload", 0),
    ("deliver", 0),
    ("stop too late", 0),
]
"""A claim comes after the end of its execution was recorded."""


@patch("onggi.steps.ingestion.chunk_text.BATCH_SIZE", 2)
@given(st.lists(acts, min_size=3, max_size=30))
@example(WANTED_AGAIN)
@example(FAILED_AFTER_A_DELETION)
@example(DESCRIBED_BY_TWO)
@example(DESCRIBED_WHILE_PROCESSED)
@example(DESCRIBED_WHILE_REMOVED)
@example(DESCRIBED_WHILE_INDEXED_AGAIN)
@example(DESCRIBED_WHILE_INDEXED_IN_VAIN)
@example(STOPPED_WHILE_READ)
@example(STOPPED_WHILE_INDEXED)
@example(STOPPED_BEFORE_IT_IS_REGISTERED)
def test_any_interleaving_ends_in_one_truth(played: list[tuple[Act, int]]) -> None:
    World().play(played)
