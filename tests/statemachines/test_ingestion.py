"""Rules of the ingestion workflow."""

from typing import Any

import pytest

from onggi.steps.ingestion.record_failure import Failure
from tests.deployment_template import state_machine
from tests.statemachines.interpreter import FunctionError, Run

STATES = state_machine("ingestion")["States"]
MAP = state_machine("ingestion")["States"]["EmbedAndIndex"]


def test_batches_come_from_the_manifest_and_contain_no_content() -> None:
    assert MAP["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert set(MAP["ItemSelector"]) == {"tenant.$", "document.$", "batch.$"}
    assert MAP["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"


def test_child_executions_are_standard() -> None:
    """An EXPRESS execution times out after five minutes, whatever its Retry; docs/decisions has the calculation."""
    assert MAP["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "STANDARD"


def test_a_batch_gets_its_retry_count() -> None:
    parameters = MAP["ItemProcessor"]["States"]["EmbedChunks"]["Parameters"]
    assert parameters["retries.$"] == "$$.State.RetryCount"


@pytest.mark.parametrize("name", ["ExtractText", "ChunkText"])
def test_a_file_that_cannot_be_read_in_time_fails_with_timeout(name: str) -> None:
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


def responses(expired: int) -> Any:
    """Returns functions in which ExtractText finds `expired` grants expired, and then a damaged file."""
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


def test_only_extract_text_gets_the_grant() -> None:
    run = Run("ingestion", responses(expired=0))
    assert run.start("e1", {"detail": {}}) == "Done"
    assert run.tasks == ["RegisterDocument", "GrantReading", "ExtractText", "RecordFailure"]
    assert run.inputs[2]["grant"] == {"parts": ["part"], "number": 1}
    users = [name for name, state in STATES.items() if "$.grant" in str(state.get("Parameters"))]
    assert users == ["ExtractText"]


@pytest.mark.parametrize("expired", [1, 5])
def test_an_expired_grant_is_replaced(expired: int) -> None:
    run = Run("ingestion", responses(expired))
    assert run.start("e1", {"detail": {}}) == "Done"
    assert run.tasks[1:-1] == ["GrantReading", "ExtractText"] * (expired + 1)
    before = [given["so_far"].get("grant", {}).get("number", 0) for given in run.inputs if "so_far" in given]
    assert before == list(range(expired + 1))


def test_the_service_fails_after_six_grants() -> None:
    run = Run("ingestion", responses(expired=99))
    assert run.start("e1", {"detail": {}}) == "Failed"
    assert run.tasks.count("GrantReading") == 6
    failure = Failure.from_catch(run.inputs[-1]["error"])
    assert (failure.code, failure.ours) == ("unavailable", True)
