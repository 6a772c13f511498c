"""The way of a tenant from place to place: started, resumed, given up; what is copied, reconciled, and left."""

from dataclasses import replace
from typing import Any

import pytest

from onggi.domain.errors import Conflict, TransientError
from onggi.domain.runs import AFTER_SWITCH, BEFORE_SWITCH, COPYING, REMOVING, tenant_owned_by_run
from onggi.domain.tenant import MoveStage, Placement, Tier
from onggi.domain.tenant_data import CopyProgress
from onggi.domain.upload import ObjectEvent
from onggi.steps.documents.deletion import delete_document
from onggi.steps.ingestion.defer_event import owner_of
from onggi.steps.ingestion.register_document import register_document
from onggi.steps.ingestion.update_metadata import update_metadata
from onggi.steps.tenancy.copy_tenant_data import VectorPlace
from onggi.steps.tenancy.move_tenant import close_move, pause_uploads, switch_placement
from onggi.steps.tenancy.offboarding import remove_tenant
from onggi.steps.tenancy.onboarding import place_tenant, provision_tenant
from onggi.steps.tenancy.record_tenant_failure import UNAVAILABLE, record_tenant_failure
from tests.unit.core.fakes import FakeIndexes, FakePurger, FakeStacks, FakeTenant, FakeWorkflow, control_ports, one_step
from tests.unit.core.moves import TwoPlaces

SIDECAR = '{"metadataAttributes": {"team": "%s"}}'
ERROR = {"Error": "TransientError", "Cause": "{}"}


@pytest.fixture
def places() -> TwoPlaces:
    return TwoPlaces()


def started(places: TwoPlaces) -> list[tuple[str, Any]]:
    return list(places.relocation.started.items())


def fail(places: TwoPlaces) -> None:
    assert places.record.move
    assert record_tenant_failure("acme", places.record.move.run, ERROR, places.directory, places.lifecycle)


# ── Starting, resuming, giving up ─────────────────────────────────────────────────────────────────────────────────────


def test_a_move_starts_once(places: TwoPlaces) -> None:
    before = places.record
    record = places.start()
    assert record == places.record
    assert record.move
    assert (record.move.tier, record.move.stage, record.move.reason) == ("premium", "preparing", None)
    assert record.move.other == replace(places.tenants[1].context.placement, generation=1)
    assert record.context == before.context, "nothing is different before the switch"
    ((name, state),) = started(places)
    assert name == f"acme-{record.move.run}"
    assert state == {
        "tenant_id": "acme",
        "run": record.move.run,
        "stage": "preparing",
        "settling": 30,
        "decisions": 60,
        "grace": 960,
        "copy": {"more": True},
    }
    assert CopyProgress(**state["copy"]) == CopyProgress()
    assert places.ask("premium") == record, "the same request again changes nothing"
    assert len(started(places)) == 1


def test_who_is_there_already_does_not_move(places: TwoPlaces) -> None:
    before = places.record
    assert places.ask("basic") == before
    assert (places.record, started(places)) == (before, [])


@pytest.mark.parametrize("status", ["suspended", "failed", "provisioning", "removing"])
def test_only_an_active_tenant_starts_to_move(places: TwoPlaces, status: Any) -> None:
    places.directory.set_status("acme", status)
    with pytest.raises(Conflict, match=f"The tenant is {status}"):
        places.ask("premium")
    assert places.record.move is None


@pytest.mark.parametrize("stage", ["preparing", "copying", "switched", "leaving", "abandoned"])
def test_a_move_that_has_stopped_goes_on_where_it_was(places: TwoPlaces, stage: MoveStage) -> None:
    places.start()
    places.at_stage(stage)
    if stage == "abandoned":
        move = places.record.move
        assert move
        places.lifecycle.change(places.record, replace(places.record, move=replace(move, tier="basic")))
    fail(places)
    known = places.record.move
    assert known
    assert known.reason == UNAVAILABLE
    places.clock.advance(seconds=1)
    resumed = places.ask(known.tier).move
    assert resumed
    assert resumed.run != known.run
    assert resumed == replace(known, reason=None, run=resumed.run)
    assert [state["stage"] for _, state in started(places)] == ["preparing", stage]
    with pytest.raises(Conflict):
        tenant_owned_by_run(places.directory.find("acme"), known.run, stages=(stage,))
    assert tenant_owned_by_run(places.directory.find("acme"), resumed.run, stages=(stage,)) == places.record


def test_a_move_whose_execution_was_aborted_goes_on(places: TwoPlaces) -> None:
    places.start()
    ((name, _),) = started(places)
    places.relocation.ended.add(name)
    places.clock.advance(seconds=1)
    places.ask("premium")
    assert len(started(places)) == 2


@pytest.mark.parametrize("recorded", [("titan", 256), ("", 0)])
def test_a_new_place_keeps_the_embedding_model_of_the_vectors_that_are_copied(
    places: TwoPlaces, recorded: tuple[str, int]
) -> None:
    """A place of a version that recorded none has the stack's, and says so from then on."""
    model, dimensions = recorded
    known = places.record
    here = replace(known.context.placement, embedding_model=model, embedding_dimensions=dimensions)
    places.directory.records["acme"] = replace(known, context=replace(known.context, placement=here))
    newer = Placement("d", "a", "v", "acme", "silo-x", embedding_model="newer", embedding_dimensions=1024)
    record = places.ask("premium", newer)
    assert record.move
    kept = (record.move.other.embedding_model, record.move.other.embedding_dimensions)
    assert kept == (recorded if model else ("newer", 1024))
    assert record.move.other.generation == 1


def test_a_move_that_could_not_start_is_started_by_the_same_request(places: TwoPlaces) -> None:
    places.relocation.fault = TransientError("down")
    with pytest.raises(TransientError):
        places.start()
    places.relocation.fault = None
    record = places.ask("premium")
    assert record.move
    assert [name for name, _ in started(places)] == [f"acme-{record.move.run}"]


@pytest.mark.parametrize("stage", BEFORE_SWITCH)
def test_a_move_that_has_not_switched_is_given_up(places: TwoPlaces, stage: MoveStage) -> None:
    other = places.start().at_other_placement.placement
    places.at_stage(stage)
    places.clock.advance(seconds=1)
    move = places.ask("basic").move
    assert move
    assert (move.stage, move.tier, move.other) == ("abandoned", "basic", other)
    _, state = started(places)[-1]
    assert (state["stage"], state["settling"]) == ("abandoned", 300), "a page may still be being processed"
    assert places.ask("basic").move == move
    raw = places.upload("a.txt", "kimchi")
    assert places.admit(raw) == "admitted", "nothing waits any more"


@pytest.mark.parametrize("stage", AFTER_SWITCH)
def test_a_move_that_has_switched_is_not_given_up(places: TwoPlaces, stage: MoveStage) -> None:
    places.start()
    places.at_stage("copying")
    places.switch()
    places.at_stage(stage)
    with pytest.raises(Conflict, match="earlier move"):
        places.ask("basic")


def test_what_was_given_up_stays_given_up_until_it_is_over(places: TwoPlaces) -> None:
    places.start()
    places.clock.advance(seconds=1)
    places.ask("basic")
    with pytest.raises(Conflict):
        places.ask("premium")
    places.close()
    places.start()
    assert places.record.move
    assert places.record.move.stage == "preparing"


def test_a_step_that_an_operator_has_overtaken_is_tried_again(places: TwoPlaces) -> None:
    before = places.start()
    places.lifecycle.change(before, replace(before, context=replace(before.context, name="Renamed")))
    with pytest.raises(TransientError):
        pause_uploads(before, places.lifecycle)
    pause_uploads(places.record, places.lifecycle)
    assert places.record.move
    assert (places.record.context.name, places.record.move.stage) == ("Renamed", "copying")


def test_steps_work_at_their_stage_only(places: TwoPlaces) -> None:
    run = places.start().move.run  # type: ignore[union-attr]  # it is being moved
    for stages in (COPYING, AFTER_SWITCH, REMOVING):
        with pytest.raises(Conflict):
            tenant_owned_by_run(places.directory.find("acme"), run, stages=stages)
    assert tenant_owned_by_run(places.directory.find("acme"), run, stages=BEFORE_SWITCH) == places.record
    with pytest.raises(Conflict):
        tenant_owned_by_run(places.directory.find("acme"), run, "active")
    places.directory.set_status("acme", "suspended")
    assert tenant_owned_by_run(places.directory.find("acme"), run, stages=BEFORE_SWITCH) == places.record, (
        "it goes on meanwhile"
    )
    places.directory.set_status("acme", "removing")
    with pytest.raises(Conflict):
        tenant_owned_by_run(places.directory.find("acme"), run, stages=BEFORE_SWITCH)


@pytest.mark.parametrize(
    ("stages", "working"),
    [
        (COPYING, {"copying"}),
        (BEFORE_SWITCH, {"preparing"}),
        (AFTER_SWITCH, {"switched", "leaving"}),
        (REMOVING, {"leaving", "abandoned"}),
    ],
)
def test_the_stages_at_which_steps_work(stages: Any, working: set[str]) -> None:
    """Uploads to the old place are reconciled until it goes; a place goes after a move and after one given up."""
    assert working <= set(stages) <= {"preparing", "copying", "switched", "leaving", "abandoned"}


# ── The new place ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stack_is_made_for_the_run_of_the_move(places: TwoPlaces) -> None:
    record = places.start()
    stacks, indexes = FakeStacks(), FakeIndexes()
    assert place_tenant(record, (), places.lifecycle) == record, "a silo has a vector bucket"
    assert [provision_tenant(record, stacks, indexes.create) for _ in range(2)] == [False, True]
    assert record.move
    assert stacks.asked == {"silo-1": [record.move.run] * 2}


def test_back_in_the_pool_the_new_place_gets_a_vector_bucket(places: TwoPlaces) -> None:
    places.lifecycle.indexes["vectors"] = 1
    places.move()
    places.close()
    here = places.record.context
    assert places.lifecycle.indexes["vectors"] == 0
    places.clock.advance(seconds=1)
    record = places.ask("basic", Placement("documents", "artifacts", "", "acme"))
    placed = place_tenant(record, ("vectors",), places.lifecycle)
    assert (placed.at_other_placement.placement.vector_bucket, placed.context) == ("vectors", here)
    assert places.lifecycle.indexes["vectors"] == 1
    assert place_tenant(places.record, ("vectors",), places.lifecycle) == placed
    assert placed.at_other_placement.placement.generation == 2


# ── What happens to events ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("stage", "of_here", "of_the_other"),
    [
        ("preparing", "admitted", "ignored"),
        ("copying", "deferred", "ignored"),
        ("switched", "deferred", "ignored"),
        ("leaving", "admitted", "ignored"),
        ("abandoned", "admitted", "ignored"),
    ],
)
def test_events_of_both_places(places: TwoPlaces, stage: MoveStage, of_here: str, of_the_other: str) -> None:
    places.start()
    if stage in AFTER_SWITCH:
        places.at_stage("copying")
        places.switch()
    places.at_stage(stage)
    for acme, expected in ((places.here, of_here), (places.at_other_placement, of_the_other)):
        assert places.admit(places.upload("a.txt", "kimchi", acme)) == expected
        assert places.admit(places.delete("a.txt", acme)) == expected
    assert len(places.waiting.noted) == (of_here == "deferred")


def test_an_event_that_waits_has_its_order_among_all_places(places: TwoPlaces) -> None:
    old = places.upload("a.txt", "kimchi")
    places.start()
    places.hold()
    assert places.admit(old) == "deferred"
    places.switch()
    new = places.upload("a.txt", "soy sauce")
    assert new["detail"]["object"]["sequencer"] <= old["detail"]["object"]["sequencer"], "of another bucket"
    assert places.admit(new, "e2") == "deferred"
    assert places.admit(old, "e3") == "ignored"
    (noted,) = places.waiting.noted.values()
    assert noted.event == new


def test_events_of_the_place_that_was_left_are_forgotten(places: TwoPlaces) -> None:
    places.start()
    places.hold()
    old = places.upload("a.txt", "kimchi")
    assert places.admit(old) == "deferred"
    places.switch()
    new = places.upload("b.txt", "kimchi")
    assert places.admit(new) == "deferred"
    places.reconcile()
    assert places.release() == ["process"]
    assert places.waiting.noted == {}
    assert set(places.found()) == {"b.txt"}


def test_a_late_event_of_a_place_that_was_left_is_rejected(places: TwoPlaces) -> None:
    raw = places.upload("a.txt", "kimchi")
    assert places.ingest(raw) == "process"
    places.move()
    places.close()
    late = places.upload("b.txt", "kimchi", places.first)
    assert [places.ingest(each) for each in (raw, late)] == ["rejected", "rejected"]
    assert {key for _, key, _ in places.directory.rejections} == {places.key("a.txt"), places.key("b.txt")}
    assert places.found() == {"a.txt": ["kimchi"]}
    removed = places.first.documents.remove_version(places.key("a.txt"), raw["detail"]["object"]["version-id"])
    assert places.ingest(removed) == "ignored", "the removal of what was left concerns nobody"
    assert len(places.directory.rejections) == 2


# ── What is copied ────────────────────────────────────────────────────────────────────────────────────────────────────


def texts_at(acme: FakeTenant) -> dict[str, list[str]]:
    prefix = acme.context.prefix
    return {
        key.removeprefix(prefix): [each.content.decode() for each in versions if each.content is not None]
        for key, versions in acme.documents.versions.items()
        if versions
    }


def prepared(places: TwoPlaces) -> TwoPlaces:
    places.start()
    places.hold()
    return places


def test_a_document_in_work_does_not_keep_those_after_it_from_being_copied(places: TwoPlaces) -> None:
    for name in ("a.txt", "b.txt"):
        places.ingest(places.upload(name, "kimchi"))
    again = ObjectEvent.from_eventbridge(places.upload("a.txt", "kimchi again"))
    register_document(again, "unfinished", owner_of(again, places.directory), places.ports_of, 1000)
    prepared(places).copy()
    assert len(places.row("b.txt").copies) == 1
    assert not places.row("a.txt").copies


def test_each_batch_is_copied_once(places: TwoPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onggi.steps.ingestion.chunk_text.BATCH_SIZE", 1)
    monkeypatch.setattr("onggi.steps.tenancy.copy_tenant_data.BATCHES_A_STEP", 2)
    places.ingest(places.upload("long.txt", "\n".join(f"kimchi {number}" for number in range(9))))
    prepared(places)
    put = places.at_other_placement.index.put
    written: list[int] = []

    def count(chunks: Any) -> None:
        written.extend(chunk.chunk.number for chunk in chunks)
        put(chunks)

    monkeypatch.setattr(places.at_other_placement.index, "put", count)
    places.copy()
    assert sorted(written) == list(range(9))


def test_a_place_among_vectors_may_have_slashes_in_its_page() -> None:
    place = VectorPlace("a/b/c", "0" * 32, 7)
    assert VectorPlace.from_text(place.to_text()) == place


def test_the_live_version_is_copied_without_an_embedding(places: TwoPlaces) -> None:
    for number in range(5):
        assert places.ingest(places.upload(f"{number}.txt", f"kimchi {number}", metadata={"year": number})) == "process"
    embedded, found, stored = list(places.embedder.embedded), places.found(), places.ledger.stored()
    prepared(places).copy()
    assert places.found() == found
    assert texts_at(places.at_other_placement) == texts_at(places.first)
    assert places.at_other_placement.artifacts.content == places.first.artifacts.content
    assert places.at_other_placement.index.vectors == places.first.index.vectors
    assert places.found(at=places.at_other_placement) == found
    assert places.ledger.stored() == stored
    queries = len(places.embedder.embedded) - len(embedded)
    assert places.embedder.embedded[len(embedded) :] == ["kimchi"] * queries


def test_a_document_of_many_batches_is_copied_batch_by_batch(
    places: TwoPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onggi.steps.ingestion.chunk_text.BATCH_SIZE", 1)
    monkeypatch.setattr("onggi.steps.tenancy.copy_tenant_data.BATCHES_A_STEP", 2)
    places.ingest(places.upload("long.txt", "\n".join(f"kimchi {number}" for number in range(9))))
    places.ingest(places.upload("short.txt", "salt"))
    prepared(places)
    progress, steps = CopyProgress(), 0
    while progress.more:
        again = places.copy(progress)
        progress = places.copy(progress)
        assert again == progress
        steps += progress.stage == "vectors"
    assert steps >= 5, "nine batches and one, two at a time"
    assert places.at_other_placement.index.vectors == places.first.index.vectors


def test_a_page_whose_document_is_gone_is_copied_from_its_beginning(
    places: TwoPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onggi.steps.tenancy.copy_tenant_data.BATCHES_A_STEP", 1)
    for number in range(3):
        places.ingest(places.upload(f"{number}.txt", f"kimchi {number}"))
    prepared(places)
    progress = CopyProgress()
    while progress.stage != "vectors" or progress.after is None:
        progress = places.copy(progress)
    place = VectorPlace.from_text(progress.after)
    assert place.document_id is not None
    delete_document(place.document_id, places.here.ports)
    while progress.more:
        progress = places.copy(progress)
    left = {each.document_id for each in places.first.index.vectors.values()} - {place.document_id}
    assert {each.document_id for each in places.at_other_placement.index.vectors.values()} >= left


@pytest.mark.parametrize(
    "place", [VectorPlace(), VectorPlace("WyJ4Il0="), VectorPlace("WyJ4Il0=", "d1", 7), VectorPlace(None, "d1", 0)]
)
def test_a_place_among_vectors_outlasts_the_state_of_a_workflow(place: VectorPlace) -> None:
    assert VectorPlace.from_text(place.to_text()) == place


def test_every_page_may_be_copied_twice(places: TwoPlaces) -> None:
    for number in range(12):
        places.ingest(places.upload(f"{number:02}.txt", f"kimchi {number}"))
    prepared(places)
    progress, calls = CopyProgress(), 0
    while progress.more:
        again = places.copy(progress)
        progress = places.copy(progress)
        assert again == progress
        calls += 1
    assert calls > 3
    places.switch()
    assert places.reconcile() == 0
    assert texts_at(places.here).keys() == texts_at(places.first).keys()
    assert places.here.index.vectors == places.first.index.vectors
    for raw in list(places.here.documents.events):
        assert places.ingest(raw) == "duplicate"


def test_a_failed_upload_is_copied_above_the_one_that_answers(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi", metadata={"year": 1}))
    assert places.ingest(places.upload("a.txt", "corrupt")) == "failed"
    prepared(places).copy()
    assert texts_at(places.at_other_placement) == {"a.txt": ["kimchi", "corrupt"]}
    row = places.row("a.txt")
    assert list(row.copies.values()) == [row.current_version, row.version]
    places.switch()
    assert places.reconcile() == 0
    assert places.found() == {"a.txt": ["kimchi"]}
    assert [places.ingest(raw) for raw in list(places.here.documents.events)] == ["duplicate", "duplicate"]
    assert places.ingest(places.upload("a.txt.metadata.json", SIDECAR % "cellar")) == "describe"
    assert places.row("a.txt").current_metadata == {"year": 1, "team": "cellar"}


def test_an_upload_that_nobody_knows_yet_is_left_out_and_reconciled(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    prepared(places)
    places.upload("a.txt", "kimchi and salt")
    places.upload("b.txt", "kimchi and soy sauce")
    places.copy()
    assert texts_at(places.at_other_placement) == {}
    assert places.found(at=places.at_other_placement) == {"a.txt": ["kimchi"]}, "the live version goes on answering"
    places.switch()
    assert places.reconcile() == 2
    for raw in places.here.documents.events:
        assert places.ingest(raw) == "process"
    assert places.found() == {"a.txt": ["kimchi and salt"], "b.txt": ["kimchi and soy sauce"]}


def test_what_was_being_processed_when_it_broke_down_is_reconciled(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    raw = places.upload("a.txt", "kimchi and salt")
    register_document(
        ObjectEvent.from_eventbridge(raw),
        "broken",
        owner_of(ObjectEvent.from_eventbridge(raw), places.directory),
        places.ports_of,
        1000,
    )
    prepared(places).copy()
    assert texts_at(places.at_other_placement) == {}
    places.switch()
    places.reconcile()
    (copy,) = places.here.documents.events
    assert places.ingest(copy) == "process"
    assert places.found() == {"a.txt": ["kimchi and salt"]}


def test_what_is_deleted_and_what_is_no_document_is_not_copied(places: TwoPlaces) -> None:
    places.ingest(places.upload("gone.txt", "kimchi"))
    places.ingest(places.delete("gone.txt"))
    places.ingest(places.upload("a.txt", "kimchi"))
    places.ingest(places.upload("a.txt.metadata.json", SIDECAR % "cellar"))
    places.ingest(places.upload("folder/", ""))
    prepared(places).copy()
    assert texts_at(places.at_other_placement) == {"a.txt": ["kimchi"]}
    assert places.at_other_placement.index.vectors == places.first.index.vectors
    places.switch()
    assert places.reconcile() == 2, "the sidecar, whose event counts from now on, and the folder"
    assert texts_at(places.here)["folder/"] == [""]
    assert texts_at(places.here)["a.txt.metadata.json"] == [SIDECAR % "cellar"]
    assert places.reconcile() == 0
    assert places.row("a.txt").current_metadata == {"team": "cellar"}


def test_only_artifacts_of_versions_that_answer_are_copied(places: TwoPlaces) -> None:
    """Others are being removed at the old place, which nobody would do again at the new one."""
    places.ingest(places.upload("a.txt", "kimchi"))
    document_id = places.row("a.txt").document_id
    places.first.artifacts.write(f"{document_id}/retired/text.txt", b"old")
    places.first.artifacts.write("probe", b"nobody's")
    prepared(places).copy()
    assert {name.split("/")[1] for name in places.at_other_placement.artifacts.content} == {places.row("a.txt").version}


def test_a_row_that_changes_while_it_is_copied_is_told(places: TwoPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    prepared(places)
    monkeypatch.setattr(places.ledger, "note_copies", lambda *_: False)
    with pytest.raises(TransientError):
        places.copy()


# ── The switch ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_write_puts_the_new_place_into_use(places: TwoPlaces) -> None:
    before = prepared(places).record
    places.switch()
    after = places.record
    assert before.move
    assert after.move
    assert after.context == replace(before.context, tier="premium", placement=before.move.other)
    assert after.move == replace(before.move, stage="switched", other=before.context.placement)
    assert after.revision == before.revision + 1
    places.switch()
    assert places.record == after
    with pytest.raises(TransientError):
        switch_placement(before, places.lifecycle)
    assert places.record == after
    places.close()
    switch_placement(places.record, places.lifecycle)
    assert places.record.move is None


def test_holding_twice_is_holding(places: TwoPlaces) -> None:
    record = prepared(places).record
    places.hold()
    assert places.record == record


# ── What is reconciled ──────────────────────────────────────────────────────────────────────────────────────────────


def test_what_came_to_the_old_place_is_reconciled_once(places: TwoPlaces) -> None:
    for name in ("kept.txt", "replaced.txt", "deleted.txt"):
        places.ingest(places.upload(name, f"kimchi {name}"))
    places.ingest(places.upload("long-gone.txt", "kimchi"))
    places.ingest(places.delete("long-gone.txt"))
    prepared(places).copy()
    places.upload("replaced.txt", "kimchi again")
    places.delete("deleted.txt")
    places.upload("new.txt", "kimchi new")
    places.delete("never-there.txt")
    places.switch()
    assert places.reconcile() == 3
    assert places.reconcile() == 0, "nothing is reconciled twice"
    for raw in list(places.here.documents.events):
        places.ingest(raw)
    expected = {"kept.txt": ["kimchi kept.txt"], "replaced.txt": ["kimchi again"], "new.txt": ["kimchi new"]}
    assert places.found() == expected
    assert places.row("deleted.txt").status == "deleted"
    places.upload("late.txt", "kimchi late", places.at_other_placement)
    assert places.reconcile() == 1
    assert places.ingest(places.here.documents.events[-1]) == "process"
    assert set(places.found()) == {*expected, "late.txt"}


@pytest.mark.parametrize("newer_at", ["old", "new"])
def test_of_uploads_of_one_key_to_both_places_the_newer_one_answers(places: TwoPlaces, newer_at: str) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    prepared(places).copy()
    places.switch()
    order = [places.here, places.at_other_placement] if newer_at == "old" else [places.at_other_placement, places.here]
    for number, acme in enumerate(order):
        places.upload("a.txt", f"kimchi {number}", acme)
    places.reconcile()
    places.reconcile()
    for raw in list(places.here.documents.events):
        places.ingest(raw)
    assert places.found() == {"a.txt": ["kimchi 1"]}


def test_a_deletion_at_the_old_place_removes_what_the_new_one_got_before(places: TwoPlaces) -> None:
    prepared(places).copy()
    places.switch()
    places.upload("a.txt", "kimchi", places.at_other_placement)
    places.upload("a.txt", "kimchi", places.here)
    places.delete("a.txt", places.at_other_placement)
    places.reconcile()
    assert places.here.documents.events[-1]["detail-type"] == "Object Deleted"
    for raw in list(places.here.documents.events):
        places.ingest(raw)
    assert places.found() == {}


def test_an_upload_in_the_middle_of_a_copy_is_not_lost(places: TwoPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time is before that of the copy of the version below it."""
    places.ingest(places.upload("a.txt", "kimchi"))
    places.ingest(places.upload("b.txt", "kimchi"))
    prepared(places)
    objects = places.objects()
    listed = objects.uploads

    def list_and_change(after: str | None) -> Any:
        page = listed(after)
        places.upload("a.txt", "kimchi and salt")
        places.delete("b.txt")
        places.clock.advance(seconds=1)
        return page

    monkeypatch.setattr(objects, "uploads", list_and_change)
    monkeypatch.setattr(places, "objects", lambda: objects)
    places.copy()
    monkeypatch.undo()
    places.switch()
    assert places.reconcile() == 2
    for raw in list(places.here.documents.events):
        places.ingest(raw)
    assert places.found() == {"a.txt": ["kimchi and salt"]}


def test_a_sidecar_that_goes_while_events_wait_is_heard_of_afterwards(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    places.ingest(places.upload("a.txt.metadata.json", SIDECAR % "cellar"))
    deleted = places.delete("a.txt.metadata.json")
    prepared(places)
    assert places.ingest(deleted) == "deferred"
    places.copy()
    places.switch()
    assert places.reconcile() == 2, "the sidecar as it was, and then its end, of which S3 would not tell else"
    assert places.reconcile() == 0
    assert places.ingest(places.here.documents.events[-1]) == "describe"
    assert places.row("a.txt").current_metadata == {}


def test_a_carried_upload_is_the_newest_there_is(places: TwoPlaces, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(places).copy()
    places.switch()
    places.upload("a.txt", "kimchi", places.at_other_placement)
    objects = places.objects_after_switch()
    listed = objects.uploads

    def list_and_replace(after: str | None) -> Any:
        page = listed(after)
        monkeypatch.setattr(objects, "uploads", listed)
        places.upload("a.txt", "kimchi and salt", places.at_other_placement)
        places.clock.advance(seconds=1)
        return page

    monkeypatch.setattr(objects, "uploads", list_and_replace)
    monkeypatch.setattr(places, "objects", lambda: objects)
    places.reconcile()
    monkeypatch.undo()
    assert places.reconcile() == 0
    for raw in list(places.here.documents.events):
        places.ingest(raw)
    assert places.found() == {"a.txt": ["kimchi and salt"]}


# ── After a move ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_late_event_of_a_copy_is_a_duplicate(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    places.ingest(places.upload("a.txt.metadata.json", SIDECAR % "cellar"))
    row = places.row("a.txt")
    places.move()
    copies = list(places.here.documents.events)
    assert [places.ingest(raw) for raw in copies] == ["duplicate", "describe"]
    assert replace(places.row("a.txt"), copies={}, descriptions=row.descriptions) == row
    places.close()
    assert places.ingest(copies[0]) == "duplicate"


def test_attributes_change_after_a_move(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi", metadata={"year": 1}))
    places.move()
    places.close()
    assert places.ingest(places.upload("a.txt.metadata.json", SIDECAR % "cellar")) == "describe"
    assert places.row("a.txt").current_metadata == {"year": 1, "team": "cellar"}
    (vector,) = places.here.index.vectors.values()
    assert vector.metadata == {"year": 1, "team": "cellar"}
    assert update_metadata(places.row("a.txt").document_id, places.here.ports).outcome == "described"


def test_a_version_is_removed_for_good_after_a_move(places: TwoPlaces) -> None:
    """The upload below it, which is a copy, is processed again from where it lies now."""
    places.ingest(places.upload("a.txt", "kimchi"))
    places.ingest(places.upload("a.txt", "corrupt"))
    places.move()
    places.close()
    failed, answering = places.row("a.txt").version, places.row("a.txt").current_version
    (copy,) = [copy for copy, version in places.row("a.txt").copies.items() if version == failed]
    assert places.ingest(places.here.documents.remove_version(places.key("a.txt"), copy)) == "process"
    row = places.row("a.txt")
    assert (row.status, row.version, row.current_version) == ("ready", answering, answering)
    assert places.found() == {"a.txt": ["kimchi"]}


def test_the_removal_of_an_older_version_changes_nothing_after_a_move(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    places.move()
    places.close()
    older = places.upload("a.txt", "kimchi and salt")
    assert places.ingest(older) == "process"
    (copy,) = places.row("a.txt").copies
    assert places.ingest(places.here.documents.remove_version(places.key("a.txt"), copy)) == "stale"
    assert places.found() == {"a.txt": ["kimchi and salt"]}


def test_a_replacement_after_a_move_embeds_what_is_new_only(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi\nsalt"))
    places.move()
    places.close()
    before = len(places.embedder.embedded)
    assert places.ingest(places.upload("a.txt", "kimchi\nsalt\nwater")) == "process"
    assert places.embedder.embedded[before:] == ["water"]
    assert places.row("a.txt").versions == {places.row("a.txt").version}


def test_a_deletion_after_a_move_leaves_nothing(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi"))
    places.move()
    places.close()
    assert places.ingest(places.delete("a.txt")) == "remove"
    here = places.here
    assert (here.index.vectors, here.artifacts.content, places.row("a.txt").versions) == ({}, {}, frozenset())
    assert places.ledger.stored().documents == 0


def test_copies_of_copies_are_what_they_are_copies_of(places: TwoPlaces) -> None:
    places.ingest(places.upload("a.txt", "kimchi", metadata={"year": 1}))
    places.ingest(places.upload("b.txt", "kimchi"))
    places.ingest(places.upload("b.txt", "corrupt"))
    before = {name: places.row(name) for name in ("a.txt", "b.txt")}
    found, embedded = places.found(), [text for text in places.embedder.embedded if text != "kimchi"]
    tiers: tuple[Tier, ...] = ("premium", "basic", "premium")
    for tier in tiers:
        places.start(tier)
        places.hold()
        places.copy()
        places.switch()
        assert places.reconcile() == 0
        assert [places.ingest(raw) for raw in list(places.here.documents.events)] == ["duplicate"] * 3
        places.close()
        assert places.found() == found
    assert {name: replace(places.row(name), copies={}) for name in before} == before
    assert len(texts_at(places.here)["b.txt"]) == 2
    assert places.record.context.placement.generation == 3
    assert places.ingest(places.upload("b.txt.metadata.json", SIDECAR % "yard")) == "describe"
    assert places.row("b.txt").current_metadata == {"team": "yard"}
    assert places.ingest(places.upload("a.txt", "kimchi and salt")) == "process"
    assert [text for text in places.embedder.embedded if text != "kimchi"] == [*embedded, "kimchi and salt"]


def test_a_move_after_one_that_was_given_up_copies_the_live_version(places: TwoPlaces) -> None:
    """The copies of the first attempt are noted, and are not there."""
    places.ingest(places.upload("a.txt", "kimchi", metadata={"year": 1}))
    places.ingest(places.upload("a.txt", "corrupt"))
    prepared(places).copy()
    places.clock.advance(seconds=1)
    places.ask("basic")
    places.close()
    places.move()
    assert texts_at(places.here) == {"a.txt": ["kimchi", "corrupt"]}
    assert places.ingest(places.upload("a.txt.metadata.json", SIDECAR % "yard")) == "describe"
    assert places.row("a.txt").current_metadata == {"year": 1, "team": "yard"}


# ── The end ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_move_ends_when_nothing_is_left(places: TwoPlaces) -> None:
    places.lifecycle.indexes["vectors"] = 1
    places.move()
    left = FakePurger(uploads=2, vectors=0, stacks=1)
    assert not close_move(places.record, left, places.lifecycle)
    assert places.record.move is not None
    while left.purge_batch(one_step):
        pass
    stale = replace(places.record, revision=0)
    with pytest.raises(TransientError):
        close_move(stale, left, places.lifecycle)
    assert close_move(places.record, left, places.lifecycle)
    ended = places.record
    assert (ended.move, ended.context.placement.stack) == (None, "silo-1")
    assert places.lifecycle.indexes == {"vectors": 0}


def test_a_failure_of_a_move_is_told_and_changes_nothing_else(places: TwoPlaces) -> None:
    before = places.start()
    error = {"Error": "Conflict", "Cause": '{"errorMessage": "The stack silo-1 ended as ROLLBACK_COMPLETE."}'}
    assert before.move
    assert record_tenant_failure("acme", before.move.run, error, places.directory, places.lifecycle)
    assert places.record.move
    assert places.record.move.reason == "The stack silo-1 ended as ROLLBACK_COMPLETE."
    assert (places.record.status, places.record.reason, places.record.context) == ("active", None, before.context)
    places.clock.advance(seconds=1)
    places.ask("premium")
    assert not record_tenant_failure("acme", before.move.run, error, places.directory, places.lifecycle)
    assert places.record.move.reason is None


def test_a_failure_of_a_move_concerns_nobody_once_the_tenant_goes(places: TwoPlaces) -> None:
    run = places.start().move.run  # type: ignore[union-attr]  # it is being moved
    places.clock.advance(seconds=1)
    removing = remove_tenant(
        places.record, 960, control_ports(places.directory, places.lifecycle, places.clock, FakeWorkflow())
    )
    assert removing.move == places.record.move, "both places are known to the removal"
    assert not record_tenant_failure("acme", run, ERROR, places.directory, places.lifecycle)
    assert places.record == removing
    with pytest.raises(Conflict):
        tenant_owned_by_run(places.directory.find("acme"), run, stages=BEFORE_SWITCH)
    assert tenant_owned_by_run(places.directory.find("acme"), removing.run, "removing") == removing
