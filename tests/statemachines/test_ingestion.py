"""What only the ingestion workflow promises."""

from tests.deployment_template import state_machine

MAP = state_machine("ingestion")["States"]["EmbedAndIndex"]


def test_batches_come_from_the_manifest_and_carry_no_content() -> None:
    assert MAP["ItemReader"]["ReaderConfig"] == {"InputType": "JSONL"}
    assert set(MAP["ItemSelector"]) == {"tenant.$", "document.$", "batch.$"}
    assert MAP["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
