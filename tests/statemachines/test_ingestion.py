"""What only the ingestion workflow promises."""

from typing import Any

import pytest

from onggi.steps.ingestion.record_failure import Failure
from tests.deployment_template import state_machine
from tests.statemachines.interpreter import FunctionError, Run

STATES = state_machine("ingestion")["States"]
MAP = state_machine("ingestion")["States"]["EmbedAndIndex"]


def test_batches_come_from_the_manifest_and_carry_no_content() -> None:
    assert MAP["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert set(MAP["ItemSelector"]) == {"tenant.$", "document.$", "batch.$"}
    assert MAP["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"


def test_children_may_wait_longer_than_an_express_execution_lives() -> None:
    """An EXPRESS execution ends after five minutes, whatever its Retry says; docs/decisions holds the arithmetic."""
    assert MAP["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "STANDARD"


def test_a_retry_of_a_batch_knows_that_it_is_one() -> None:
    parameters = MAP["ItemProcessor"]["States"]["EmbedChunks"]["Parameters"]
    assert parameters["retries.$"] == "$$.State.RetryCount"


@pytest.mark.parametrize("name", ["ExtractText", "ChunkText"])
def test_a_file_that_cannot_be_read_in_time_is_named_as_such(name: str) -> None:
    catch = STATES[name]["Catch"][0]
    assert catch == {
        "ErrorEquals": ["States.Timeout", "Sandbox.Timedout", "ReadingTimeout"],
        "ResultPath": "$.error",
        "Next": "BlameFile",
    }
    blame = STATES["BlameFile"]
    assert (blame["Type"], blame["ResultPath"], blame["Next"]) == ("Pass", "$.error", "RecordFailure")
    assert Failure.from_catch(blame["Result"]).code == "timeout"


def test_no_other_state_blames_the_file() -> None:
    blaming = {
        name for name, state in STATES.items() for catch in state.get("Catch", []) if catch["Next"] == "BlameFile"
    }
    assert blaming == {"ExtractText", "ChunkText"}


type Json = dict[str, Any]

REGISTRATION: Json = {"outcome": "process", "tenant": {"tenant_id": "acme"}, "document": {"key": "a"}, "versions": []}


def answers(expired: int) -> Any:
    """Functions of which ExtractText finds so many grants expired, and then a file that is damaged."""
    grants = iter(range(1, 100))
    tries = iter(range(100))

    def answer(name: str, given: Json) -> Json:
        if name == "RegisterDocument":
            return REGISTRATION
        if name == "GrantReading":
            return {"parts": ["part"], "number": next(grants)}
        if name == "ExtractText":
            raise FunctionError("GrantExpired" if next(tries) < expired else "BadDocument")
        assert name == "RecordFailure"
        return {"alarm": given["error"]["Error"] != "BadDocument"}

    return answer


def test_files_are_read_under_a_grant_and_nothing_else_gets_it() -> None:
    run = Run("ingestion", answers(expired=0))
    assert run.start("e1", {"detail": {}}) == "Done"
    assert run.tasks == ["RegisterDocument", "GrantReading", "ExtractText", "RecordFailure"]
    assert run.inputs[2]["grant"] == {"parts": ["part"], "number": 1}
    users = [name for name, state in STATES.items() if "$.grant" in str(state.get("Parameters"))]
    assert users == ["ExtractText"]


@pytest.mark.parametrize("expired", [1, 5])
def test_an_expired_grant_is_followed_by_a_new_one(expired: int) -> None:
    run = Run("ingestion", answers(expired))
    assert run.start("e1", {"detail": {}}) == "Done"
    assert run.tasks[1:-1] == ["GrantReading", "ExtractText"] * (expired + 1)
    before = [given["so_far"].get("grant", {}).get("number", 0) for given in run.inputs if "so_far" in given]
    assert before == list(range(expired + 1))


def test_after_six_grants_the_service_is_at_fault() -> None:
    run = Run("ingestion", answers(expired=99))
    assert run.start("e1", {"detail": {}}) == "Failed"
    assert run.tasks.count("GrantReading") == 6
    failure = Failure.from_catch(run.inputs[-1]["error"])
    assert (failure.code, failure.ours) == ("unavailable", True)
