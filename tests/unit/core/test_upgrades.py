"""An execution that an upgrade has overtaken begins again under the new definition, and its document does not fail."""

import copy
import re
from dataclasses import replace
from typing import Any

import pytest

from onggi.domain.errors import GrantExpired, TransientError
from onggi.domain.upload import ObjectEvent
from onggi.steps.ingestion.defer_event import defer_event, owner_of
from onggi.steps.ingestion.register_document import register_document
from onggi.steps.ingestion.restart_ingestion import began_before_an_upgrade, restart_ingestion
from tests.deployment_template import state_machine
from tests.statemachines import interpreter
from tests.unit.core.fakes import FakeDeferredEvents, FakeTenant, FakeWorkflow
from tests.unit.core.test_handlers import TEXT, Functions, functions, log
from tests.unit.core.test_interruptions import registered, row, uploaded

__all__ = ["functions", "log"]  # fixtures

type Json = dict[str, Any]

KEY = "tenants/acme/a.txt"
ENVELOPE = {"version": "0", "id": "1", "account": "123456789012", "region": "ap-northeast-2", "resources": ["bucket"]}


def begun(acme: FakeTenant, execution: str = "e1") -> Json:
    """The state of an execution that has registered an upload."""
    raw = acme.documents.upload(KEY, b"kimchi\nsalt") | ENVELOPE
    event = interpreted(raw)
    registration = register_document(event, execution, owner_of(event, acme.directory), acme.ports_of, 100)
    assert registration.outcome == "process"
    return raw | {"registration": registration.to_dict(), "error": {"Error": "GrantExpired"}}


def interpreted(raw: Json) -> ObjectEvent:
    return ObjectEvent.from_eventbridge(raw)


def restarted(acme: FakeTenant, state: Json, ingestion: FakeWorkflow, execution: str = "e1") -> bool:
    return restart_ingestion(state, execution, acme.directory, acme.ports_of, ingestion)


@pytest.fixture
def ingestion() -> FakeWorkflow:
    workflow = FakeWorkflow()
    workflow.outdated.add("e1")
    return workflow


def test_the_same_event_is_processed_by_a_new_execution(acme: FakeTenant, ingestion: FakeWorkflow) -> None:
    state = begun(acme)
    assert restarted(acme, state, ingestion)
    ((name, event),) = ingestion.started.items()
    assert re.fullmatch("restarted-[0-9a-f]{48}", name)
    assert event == {field: state[field] for field in state if field not in {"registration", "error"}}
    assert (
        register_document(
            interpreted(dict(event)), name, owner_of(interpreted(dict(event)), acme.directory), acme.ports_of, 100
        ).outcome
        == "process"
    )
    assert (row(acme).status, row(acme).execution) == ("processing", name)


def test_an_upload_of_nobody_is_not_processed_again(acme: FakeTenant, ingestion: FakeWorkflow) -> None:
    state = begun(acme)
    acme.directory.records.clear()
    assert restarted(acme, state, ingestion) is False
    assert ingestion.started == {}


def test_until_the_definition_is_replaced_the_execution_waits(acme: FakeTenant, ingestion: FakeWorkflow) -> None:
    state = begun(acme)
    ingestion.outdated.clear()
    with pytest.raises(TransientError):
        restarted(acme, state, ingestion)
    assert ingestion.started == {}
    assert (row(acme).status, row(acme).execution) == ("processing", "e1")


def test_after_a_crash_in_between_it_is_started_once(acme: FakeTenant, ingestion: FakeWorkflow) -> None:
    state = begun(acme)
    ingestion.fault = TransientError("throttled")
    with pytest.raises(TransientError):
        restarted(acme, state, ingestion)
    ingestion.fault = None
    assert restarted(acme, state, ingestion)
    assert restarted(acme, state, ingestion)
    assert len(ingestion.started) == 1


@pytest.mark.parametrize("overtaken", ["newer event", "new execution", "deleted row", "failed"])
def test_what_it_has_no_claim_on_any_more_is_left_alone(
    acme: FakeTenant, ingestion: FakeWorkflow, overtaken: str
) -> None:
    state = begun(acme)
    if overtaken == "newer event":
        registered(acme, uploaded(acme, b"soy sauce"), "e2")
    elif overtaken == "new execution":
        assert restarted(acme, state, ingestion)
        ((name, event),) = ingestion.started.items()
        register_document(
            interpreted(dict(event)), name, owner_of(interpreted(dict(event)), acme.directory), acme.ports_of, 100
        )
        ingestion.started.clear()
    elif overtaken == "deleted row":
        acme.ledger.rows.clear()
    else:
        acme.ledger.rows[row(acme).document_id] = replace(row(acme), status="failed")
    before = dict(acme.ledger.rows)
    assert not restarted(acme, state, ingestion)
    assert (ingestion.started, acme.ledger.rows) == ({}, before)


def test_an_event_that_waits_meanwhile_is_processed_once_it_is_released(
    acme: FakeTenant, ingestion: FakeWorkflow
) -> None:
    """A tenant may have been suspended since: the new execution only notes the event, and another processes it."""
    state = begun(acme)
    assert restarted(acme, state, ingestion)
    ((name, raw),) = ingestion.started.items()
    event = interpreted(dict(raw))
    waiting = FakeDeferredEvents()
    acme.directory.set_status("acme", "suspended")
    assert defer_event(event, dict(raw), name, acme.directory, waiting).outcome == "deferred"
    acme.directory.set_status("acme", "active")
    assert (
        register_document(event, "released-1", owner_of(event, acme.directory), acme.ports_of, 100).outcome == "process"
    )


def test_only_the_error_of_old_definitions_is_taken_for_one() -> None:
    assert began_before_an_upgrade({"Error": GrantExpired.__name__, "Cause": "{}"})
    assert not began_before_an_upgrade({"Error": "TransientError"})
    assert not began_before_an_upgrade({})


def earlier_definition() -> Json:
    """The workflow as it was before there were grants, up to the chunks."""
    machine = copy.deepcopy(state_machine("ingestion"))
    states = machine["States"]
    for name in ("GrantReading", "DecideByGrants", "BlameService"):
        del states[name]
    states["DecideByOutcome"]["Choices"][0]["Next"] = "ExtractText"
    del states["ExtractText"]["Parameters"]["grant.$"]
    states["ExtractText"]["Catch"] = [
        each for each in states["ExtractText"]["Catch"] if each["ErrorEquals"] != ["GrantExpired"]
    ]
    return machine


def up_to_chunks(machine: Json) -> Json:
    machine["States"]["ChunkText"]["Next"] = "Done"
    return machine


def test_an_execution_in_flight_begins_again_after_the_upgrade(
    functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = {"ingestion": up_to_chunks(earlier_definition())}
    monkeypatch.setattr(interpreter, "definition", lambda name: definitions[name])

    def answer(name: str, given: Json) -> Json:
        folder = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
        try:
            return functions.call(folder, given)
        except GrantExpired as error:
            raise interpreter.FunctionError("GrantExpired") from error

    event = functions.acme.documents.upload("tenants/acme/규정/휴가 규정.md", TEXT.encode(), "text/markdown") | ENVELOPE
    functions.ingestion.outdated.add("e1")
    old = interpreter.Run("ingestion", answer)
    assert old.start("e1", event) == "Done", "no alarm is raised"
    assert old.tasks == ["RegisterDocument", "ExtractText", "RecordFailure"]
    ((name, started),) = functions.ingestion.started.items()
    definitions["ingestion"] = up_to_chunks(copy.deepcopy(state_machine("ingestion")))
    new = interpreter.Run("ingestion", answer)
    assert new.start(name, dict(started)) == "Done"
    assert new.tasks == ["RegisterDocument", "GrantReading", "ExtractText", "ChunkText"]
    (found,) = functions.acme.ledger.rows.values()
    assert (found.status, found.execution, functions.acme.meter.total("DocumentsFailed")) == ("processing", name, 0)
