"""However a move interleaves with uploads, deletions and their events, the live version is the same as without it.

Clients change two documents and a sidecar: where the tenant is, and for some time after the switch where it was. Events
come late, twice and in any order; executions go step by step. The steps of the move are repeated, crash before and
after they have worked, fail and are resumed from the beginning of their stage, and a move is given up. Two things take
their time as the workflow grants it: registrations and descriptions that were let in end before anything is copied, and
whoever works at the old place ends before that is removed.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import Any, Literal
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import strategies as st

from onggi.domain.document import DocumentVersion, document_id_of
from onggi.domain.errors import Conflict, NotFound, OnggiError
from onggi.domain.metadata import SIDECAR_SUFFIX
from onggi.domain.tenant import MoveStage, TenantContext
from onggi.domain.tenant_data import CopyProgress
from onggi.domain.upload import ObjectEvent
from onggi.ports.ledger import PublishedFacts, Stored
from onggi.ports.tenant_data import StoredObject
from onggi.steps.documents.deletion import delete_document
from onggi.steps.ingestion.chunk_text import chunk_text
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.embed_chunks import embed_chunks
from onggi.steps.ingestion.extract_text import extract_text
from onggi.steps.ingestion.index_chunks import index_chunks
from onggi.steps.ingestion.publish_document import publish_document
from onggi.steps.ingestion.record_failure import Failure, StoppedExecution, record_failure
from onggi.steps.ingestion.register_document import Registration, register_document
from onggi.steps.ingestion.remove_document import remove_document
from onggi.steps.ingestion.update_metadata import update_metadata
from onggi.steps.tenancy.copy_tenant_data import copy_tenant_data
from onggi.steps.tenancy.move_tenant import resume_uploads
from onggi.steps.tenancy.process_deferred_events import process_deferred_events
from onggi.steps.tenancy.reconcile_uploads import reconcile_uploads
from tests.unit.core.fakes import OCR_MODEL, FakeMovingObjects, FakeTenant, LineSplitter, PlainReader, one_step, try_of
from tests.unit.core.moves import MAX_BYTES, MODEL, TwoPlaces

NAMES = ("a.txt", "b.txt")
CORRUPT = "corrupt"
CONTENTS = ("kimchi\nsalt\nred pepper", "kimchi\nsoy sauce\nsalt\nwater", "kimchi", CORRUPT)
SIDECARS = ("cellar", "yard")
Step = Callable[[], object]


class Execution:
    """One run of the ingestion workflow at the place where its event was registered."""

    def __init__(self, world: "World", raw: dict[str, Any], name: str) -> None:
        self.name, self.ended, self.at = name, False, ""
        self.is_quick = True
        self._world, self._raw, self._event = world, raw, ObjectEvent.from_eventbridge(raw)
        self._registration: Registration | None = None
        self._deferral = ""
        self._steps = self._run()
        self._next: Step = next(self._steps)

    def advance(self, *, repeat: bool = False) -> None:
        try:
            for _ in range(1 + repeat):
                self._next()
            self._next = next(self._steps)
        except StopIteration:
            self.ended = True
        except OnggiError as error:
            self._fail(error)
            self.ended = True

    def finish(self) -> None:
        while not self.ended:
            self.advance()

    def _run(self) -> Iterator[Step]:
        yield self._admit
        if self._deferral != "admitted":
            return
        yield self._register
        registration = self._registration
        assert registration is not None
        tenant, document = registration.tenant, registration.document
        self.at = tenant.placement.documents_bucket
        ports = self._world.places.ports_of(tenant)
        self.is_quick = registration.outcome == "describe"
        if registration.outcome == "remove":
            yield lambda: remove_document(tenant, document, registration.versions, ports)
        elif registration.outcome == "process":
            publications: list[bool] = []
            yield from self._process(tenant, document, publications)
            self.is_quick = True
            if publications[-1]:
                yield lambda: update_metadata(document.document_id, ports)
        elif registration.outcome == "describe":
            yield lambda: update_metadata(document.document_id, ports)

    def _process(self, tenant: TenantContext, document: DocumentVersion, publications: list[bool]) -> Iterator[Step]:
        ports = self._world.places.ports_of(tenant)
        yield lambda: extract_text(tenant, document, ports, PlainReader(), OCR_MODEL)
        known: list[tuple[int, int, str | None]] = []

        def chunk() -> None:
            chunking = chunk_text(document, ports, LineSplitter(), "manifests")
            known.append((chunking.chunks, chunking.batches, self._world.answering(document.document_id)))

        yield chunk
        chunks, batches, answering = known[-1]
        for batch in range(batches):
            yield partial(self._embed, tenant, document, batch, answering)
            yield partial(index_chunks, document, batch, ports)
        facts = PublishedFacts(1, chunks, 1, "en")
        yield lambda: publications.append(publish_document(tenant, document, facts, ports).describe)

    def _embed(self, tenant: TenantContext, document: DocumentVersion, batch: int, answering: str | None) -> None:
        """Nothing is embedded that the version which answered when the text was cut has embedded already."""
        world, ports = self._world, self._world.places.ports_of(tenant)
        texts = world.texts.get(answering or "", ())
        before = len(world.places.embedder.embedded)
        embed_chunks(tenant, document, try_of(batch), ports, MODEL)
        if answering is not None and world.answering(document.document_id) == answering:
            assert not set(world.places.embedder.embedded[before:]) & set(texts), "embedded before"

    def _admit(self) -> None:
        self._deferral = self._world.places.admit(self._raw, self.name)

    def _register(self) -> None:
        places = self._world.places
        self._registration = register_document(
            self._event, self.name, owner_of(self._event, places.directory), places.ports_of, MAX_BYTES
        )
        if self._registration.outcome == "process":
            self._world.note_text(self._registration)

    def _fail(self, error: OnggiError) -> None:
        failure = Failure.from_catch({"Error": type(error).__name__, "Cause": f'{{"errorMessage": "{error}"}}'})
        found = self._registration
        claimed = found.document.version if found is not None and found.outcome == "process" else None
        places = self._world.places
        record_failure(StoppedExecution(self._event, self.name, failure, claimed), places.directory, places.ports_of)


class World:
    """Clients, executions and a move."""

    def __init__(self) -> None:
        self.places = TwoPlaces()
        self.executions: list[Execution] = []
        self.delivered: list[dict[str, Any]] = []
        self.texts: dict[str, tuple[str, ...]] = {}
        self.wanted: dict[str, str | None] = {}
        self.newest: dict[str, str] = {}
        self.stable: dict[str, str] = {}
        self.middle: list[Step] = []
        self.sidecar: str | None = None
        self.moving: Iterator[Step] | None = None
        self.step: Step | None = None
        self.forms_are_valid = self.decisions_are_cached = self.has_moved = False

    # ── clients ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def change(self, name: str, text: str | None, *, late: bool) -> None:
        """Uploads a text, or deletes where there is none; late: by somebody who knows the old place still."""
        acme = self.places.at_other_placement if late and self.forms_are_valid else self.places.here
        if name == NAMES[0] + SIDECAR_SUFFIX:
            self.sidecar = text
        else:
            self.wanted[name] = text
            self.newest.pop(name, None)
            self.stable.pop(name, None)
        if text is None:
            self.places.delete(name, acme)
            return
        event = self.places.upload(name, text, acme, metadata={"name": name})
        if name in NAMES:
            self.newest[name] = event["detail"]["object"]["version-id"]

    def delete_by_api(self, name: str, *, late: bool) -> None:
        """Deletes what the ledger knows; what is deleted there already gets no further delete marker."""
        acme = self.places.at_other_placement if late and self.decisions_are_cached else self.places.here
        self.places.clock.advance(seconds=1)
        before = len(acme.documents.events)
        with suppress(Conflict, NotFound):  # a newer version was just registered and is hidden, or there is none
            delete_document(self.id_of(name), acme.ports)
        if len(acme.documents.events) > before:
            self.wanted[name] = None
            self.newest.pop(name, None)
            self.stable.pop(name, None)

    def id_of(self, name: str) -> str:
        return document_id_of(self.places.first.context, self.places.key(name))

    def answering(self, document_id: str) -> str | None:
        row = self.places.ledger.rows.get(document_id)
        return row.current_version if row else None

    def note_text(self, registration: Registration) -> None:
        document = registration.document
        row = self.places.ledger.rows[document.document_id]
        documents = self.places.tenant_at(registration.tenant.placement).documents
        found = [documents.find(document.key, each) for each in row.objects_of(document.version)]
        content = next((each.content for each in found if each and each.content is not None), b"")
        self.texts[document.version] = tuple(content.decode().splitlines())

    # ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def undelivered(self) -> list[dict[str, Any]]:
        ids = {id(raw) for raw in self.delivered}
        return [raw for acme in self.places.tenants for raw in acme.documents.events if id(raw) not in ids]

    def deliver(self, raw: dict[str, Any]) -> None:
        self.delivered.append(raw)
        self.begin(raw, f"e{len(self.executions)}")

    def begin(self, raw: dict[str, Any], name: str) -> None:
        self.executions.append(Execution(self, raw, name))

    def running(self) -> list[Execution]:
        return [each for each in self.executions if not each.ended]

    # ── the move ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def go_on(self, *, repeat: bool = False, crash: bool = False) -> None:
        """Starts a move or does its next step; a step that crashes has worked and does so again."""
        if self.moving is None:
            tier = self.places.record.context.tier
            self.places.start("basic" if tier == "premium" else "premium")
            self.resume()
            return
        assert self.step is not None
        self.step()
        if crash:
            return
        if repeat:
            self.step()
        self.step = next(self.moving, None)
        if self.step is None:
            self.moving = None

    def go_on_to(self, stage: MoveStage | None) -> None:
        """Goes on until the move has come to a stage, or is over."""
        for _ in range(50):
            move = self.places.record.move
            if stage == (move.stage if move else None) or (move is None and self.has_moved):
                return
            self.go_on()
            self.has_moved = True
            self.check_what_is_stable()

    def resume(self) -> None:
        """What a new run of the workflow does, from the stage on at which it finds the tenant."""
        self.moving = self._move()
        self.step = next(self.moving)

    def fail_and_resume(self) -> None:
        if self.places.record.move is not None:
            self.resume()

    def give_up(self) -> None:
        move = self.places.record.move
        if move is not None and move.stage in {"preparing", "copying"}:
            self.places.clock.advance(seconds=1)
            self.places.ask(self.places.record.context.tier)
            self.resume()

    def _move(self) -> Iterator[Step]:
        move = self.places.record.move
        assert move is not None
        if move.stage == "abandoned":
            yield from self._leave()
            return
        if move.stage in {"preparing", "copying"}:
            yield self.places.hold
            yield self._let_registrations_end
            while self._is_busy():
                yield self._let_documents_end
            self.progress = CopyProgress()
            while self.progress.more:
                yield self._copy
            yield self._switch
            move = self.places.record.move
            assert move is not None
        if move.stage == "switched":
            yield self._let_decisions_expire
        if move.stage in {"switched", "leaving"}:
            yield from self._reconcile()
            yield from self._release()
        yield self._let_forms_expire
        yield from self._reconcile()
        yield from self._leave()

    def _let_registrations_end(self) -> None:
        for each in self.running():
            while each.is_quick and not each.ended:
                each.advance()

    def _is_busy(self) -> bool:
        rows = self.places.ledger.rows.values()
        unfinished = {row.execution for row in rows if row.status in {"processing", "deleting"}}
        return any(each.name in unfinished for each in self.running())

    def _let_documents_end(self) -> None:
        for each in self.running():
            each.advance()
        self._let_registrations_end()

    def _copy(self) -> None:
        places = self.places
        embedded = len(places.embedder.embedded)
        ports = places.here.ports, places.at_other_placement.ports
        progress = CopyProgress(**asdict(self.progress))
        places.clock.advance(seconds=1)
        objects = self._disturbed(places.objects())
        copied = copy_tenant_data(places.record.context, progress, objects, *ports, one_step)
        assert len(places.embedder.embedded) == embedded
        self.progress = copied

    def _disturbed(self, objects: FakeMovingObjects) -> FakeMovingObjects:
        """Objects that clients change between the list and the copies of a page."""
        listed = objects.uploads

        def uploads(after: str | None) -> tuple[list[StoredObject], str | None]:
            page = listed(after)
            move = self.places.record.move
            is_last = move is not None and move.stage == "leaving" and not self.forms_are_valid
            while self.middle and not is_last:  # nobody knows the old place any more
                self.middle.pop()()
            self.places.clock.advance(seconds=1)
            return page

        objects.uploads = uploads  # type: ignore[method-assign]  # for this one
        return objects

    def _switch(self) -> None:
        self.places.switch()
        self.forms_are_valid = self.decisions_are_cached = True

    def _let_decisions_expire(self) -> None:
        self.decisions_are_cached = False

    def _let_forms_expire(self) -> None:
        self.forms_are_valid = self.decisions_are_cached = False
        old = self.places.at_other_placement.context.placement.documents_bucket
        for each in self.running():
            if each.at == old:
                each.finish()

    def _reconcile(self) -> Iterator[Step]:
        progress: list[str | None] = [None]
        ended: list[bool] = [False]

        def carry() -> None:
            places = self.places
            resume_uploads(places.record, places.lifecycle)
            places.clock.advance(seconds=1)
            objects = self._disturbed(places.objects_after_switch())
            carried = reconcile_uploads(places.record.context, progress[0], objects, places.ledger, one_step)
            progress[0] = carried.after
            ended[0] = not carried.more

        while not ended[0]:
            yield carry

    def _release(self) -> Iterator[Step]:
        def release() -> None:
            places = self.places
            process_deferred_events(places.record, places.waiting, places.ingestion, one_step)
            for name, event in places.ingestion.started.items():
                if name not in {each.name for each in self.executions}:
                    self.begin(dict(event), name)

        while self.places.waiting.noted:
            yield release

    def _leave(self) -> Iterator[Step]:
        move = self.places.record.move
        assert move is not None
        if move.stage == "abandoned":
            yield from self._release()
        yield self._remove
        yield self._close

    def _remove(self) -> None:
        if self.places.record.move is None:
            return
        acme = self.places.at_other_placement
        for key, versions in list(acme.documents.versions.items()):
            for each in list(versions):
                acme.documents.remove_version(key, each.version)
        acme.artifacts.content.clear()
        acme.index.vectors.clear()

    def _close(self) -> None:
        if self.places.record.move is not None:
            self.places.lifecycle.end_move(self.places.record)

    # ── what holds ────────────────────────────────────────────────────────────────────────────────────────────────────

    def note_what_is_stable(self) -> None:
        """The newest upload, once it is published, answers from then on until somebody changes it."""
        for name, version in self.newest.items():
            row = self.places.ledger.rows.get(self.id_of(name))
            if row is not None and (row.status, row.current_version) == ("ready", version):
                self.stable[name] = version

    def check_what_is_stable(self) -> None:
        tenants = [self.places.here, *([self.places.at_other_placement] if self.decisions_are_cached else [])]
        for acme in tenants:
            found = self.places.found("kimchi", at=acme)
            for name in self.stable:
                text = self.wanted[name] or ""
                assert found.get(name) == sorted(text.splitlines()), "a document that was left alone has to answer"

    def end(self) -> None:
        for _ in range(200):
            for raw in self.undelivered():
                self.deliver(raw)
            for each in self.running():
                each.finish()
            if self.moving is None:
                if not self.undelivered():
                    break
            else:
                self.go_on()
            self.check_what_is_stable()
        assert self.moving is None
        for raw in list(self.delivered):
            self.deliver(raw)
            self.executions[-1].finish()
        self.check_the_end()

    def check_the_end(self) -> None:
        places = self.places
        assert places.record.move is None
        assert places.waiting.noted == {}
        here = places.here
        found = places.found()
        rows = places.ledger.rows
        for name, text in self.wanted.items():
            row = rows.get(self.id_of(name))
            if text is None:
                assert name not in found
                assert row is None or row.status == "deleted"
            elif text == CORRUPT:
                assert row is not None
                assert row.status == "failed"
            else:
                assert row is not None
                assert (row.status, found.get(name)) == ("ready", sorted(text.splitlines()))
        for name, version in self.stable.items():
            assert rows[self.id_of(name)].current_version == version, "nothing is processed again for a move"
        self._check_remaining_counts(here)
        self._check_attributes(here)

    def _check_remaining_counts(self, here: FakeTenant) -> None:
        for acme in self.places.tenants:
            if acme is not here:
                assert not any(acme.documents.versions.values())
                assert (acme.artifacts.content, acme.index.vectors) == ({}, {})
        rows = self.places.ledger.rows.values()
        current = {row.current_version for row in rows} - {None}
        assert {each.version for each in here.index.vectors.values()} == current
        assert {name.split("/")[1] for name in here.artifacts.content} == current
        answering = [row for row in rows if row.current_version]
        expected = (sum(row.chunks for row in answering), sum(row.current_size for row in answering), len(answering))
        assert self.places.ledger.stored() == Stored(*expected)

    def _check_attributes(self, here: FakeTenant) -> None:
        """What is ready is found by the attributes of its newest upload and its newest sidecar."""
        for name in NAMES:
            row = self.places.ledger.rows.get(self.id_of(name))
            if row is None or row.status != "ready":
                continue
            team = {"team": self.sidecar[-10:].split('"')[1]} if self.sidecar and name == NAMES[0] else {}
            found = [each.metadata for each in here.index.vectors.values() if each.document_id == row.document_id]
            assert all(metadata == {"name": name} | team for metadata in found)
            assert row.current_metadata == {"name": name} | team


Act = Literal[
    "upload",
    "delete",
    "delete by API",
    "describe",
    "delete sidecar",
    "upload late",
    "delete late",
    "delete late by API",
    "describe late",
    "upload in the middle",
    "delete in the middle",
    "deliver",
    "deliver again",
    "deliver all",
    "step",
    "repeat a step",
    "run",
    "run all",
    "move",
    "repeat the move's step",
    "crash the move",
    "resume the move",
    "give the move up",
]
WEIGHTS: list[Any] = (
    ["upload", "upload", "upload", "delete", "delete by API", "describe", "describe", "delete sidecar"]
    + ["upload late", "upload late", "delete late", "delete late by API", "describe late"]
    + ["upload in the middle", "delete in the middle"]
    + ["deliver"] * 4
    + ["deliver again", "deliver all", "step", "step", "step", "repeat a step", "run", "run", "run all"]
    + ["move"] * 10
    + ["repeat the move's step", "crash the move", "resume the move", "give the move up"]
)


def play(world: World, parts: Sequence[list[tuple[Act, int]]]) -> None:
    """Plays what comes before a move, at each of its stages, and after it."""
    for number, acts in enumerate(parts):
        if number:
            world.go_on_to(STAGES[number - 1])
        for act, choice in acts:
            _play(world, act, choice)
            world.note_what_is_stable()
            world.check_what_is_stable()
    world.end()


def _play(world: World, act: Act, choice: int) -> None:
    name, late = NAMES[choice % 2], act.endswith(("late", "late by API"))
    if act.endswith("in the middle"):
        text = None if act.startswith("delete") else CONTENTS[choice // 2 % len(CONTENTS)]
        world.middle.append(lambda: world.change(name, text, late=True))
    elif act.startswith("upload"):
        world.change(name, CONTENTS[choice // 2 % len(CONTENTS)], late=late)
    elif act in {"delete by API", "delete late by API"}:
        world.delete_by_api(name, late=late)
    elif act in {"delete", "delete late"}:
        world.change(name, None, late=late)
    elif act in {"describe", "describe late", "delete sidecar"}:
        team = f'{{"metadataAttributes": {{"team": "{SIDECARS[choice % 2]}"}}}}'
        world.change(NAMES[0] + SIDECAR_SUFFIX, None if act == "delete sidecar" else team, late=late)
    elif "move" in act:
        _play_move(world, act)
    else:
        _play_events(world, act, choice)


def _play_move(world: World, act: Act) -> None:
    if act == "resume the move":
        world.fail_and_resume()
    elif act == "give the move up":
        world.give_up()
    else:
        world.go_on(repeat=act == "repeat the move's step", crash=act == "crash the move")


def _play_events(world: World, act: Act, choice: int) -> None:
    undelivered, running = world.undelivered(), world.running()
    if act == "deliver" and undelivered:
        world.deliver(undelivered[choice % len(undelivered)])
    elif act == "deliver all":
        for raw in undelivered:
            world.deliver(raw)
    elif act == "deliver again" and world.delivered:
        world.deliver(world.delivered[choice % len(world.delivered)])
    elif act == "run all":
        for each in running:
            each.finish()
    elif running and act in {"step", "repeat a step", "run"}:
        each = running[choice % len(running)]
        each.finish() if act == "run" else each.advance(repeat=act == "repeat a step")


Parts = tuple[list[tuple[Any, int]], ...]
STAGES: tuple[MoveStage | None, ...] = ("copying", "switched", "leaving", None)
BEGINNING: list[tuple[Act, int]] = [("upload", 0), ("upload", 3), ("deliver all", 0), ("run all", 0)]
acts = st.lists(st.tuples(st.sampled_from(WEIGHTS), st.integers(0, 7)), max_size=8)


IN_THE_MIDDLE: Parts = ([], [("upload in the middle", 2), ("move", 0), ("move", 0), ("move", 0)], [], [], [])
"""A document is replaced between the list and the copy of its page."""
OVERTAKEN_AND_STILL_AT_WORK: Parts = (
    [("upload", 0), ("deliver", 0), ("step", 0), ("step", 0), ("upload", 2), ("deliver", 0), ("run", 1), ("step", 0)],
    [("move", 0)] * 8,
    [],
    [],
    [],
)
"""An execution has written a text of a version that nobody wants any more; it is removed after it might be copied."""
FORGOTTEN_SIDECAR: Parts = (
    [("describe", 0), ("deliver all", 0), ("run all", 0), ("delete sidecar", 0)],
    [("deliver all", 0), ("run all", 0)],
    [],
    [],
    [],
)
"""The event of a sidecar that is gone waits, and is forgotten with its place."""
REPLACED_WHILE_IT_IS_COPIED: Parts = (
    [],
    [("move", 0)] * 12 + [("upload", 2), ("deliver all", 0), ("run all", 0)],
    [],
    [],
    [],
)
"""Somebody would process it at the old place, if it did not wait, and nothing would answer after the switch."""
RESUMED_WHILE_LEAVING: Parts = (
    [],
    [],
    [("upload", 2), ("deliver all", 0), ("run all", 0)],
    [("resume the move", 0)],
    [],
)
"""What waits still when a move stops is released when it is resumed."""


@patch("onggi.steps.ingestion.chunk_text.BATCH_SIZE", 2)
@patch("onggi.steps.tenancy.copy_tenant_data.DOCUMENTS_A_PAGE", 2)
@patch("onggi.steps.tenancy.copy_tenant_data.BATCHES_A_STEP", 1)
@given(st.booleans(), st.tuples(acts, acts, acts, acts, acts))
@example(begun=True, parts=IN_THE_MIDDLE)
@example(begun=False, parts=OVERTAKEN_AND_STILL_AT_WORK)
@example(begun=True, parts=FORGOTTEN_SIDECAR)
@example(begun=True, parts=REPLACED_WHILE_IT_IS_COPIED)
@example(begun=True, parts=RESUMED_WHILE_LEAVING)
def test_a_move_makes_no_difference(begun: bool, parts: Parts) -> None:
    before, *others = parts
    play(World(), [[*(BEGINNING if begun else []), *before], *others])
