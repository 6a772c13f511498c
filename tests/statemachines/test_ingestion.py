"""What only the ingestion workflow promises."""

import pytest

from onggi.steps.record_failure import Failure
from tests.deployment_template import state_machine

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
