"""The logs contain ids and numbers, and no content."""

import json

from tests.integration.product import Product, Tenant

MARKER = "Quixotic-Zebra-4711"
STEPS = {"RegisterDocument", "ExtractText", "ChunkText", "EmbedChunks", "IndexChunks", "PublishDocument", "Query"}


def test_logs_and_workflow_states_contain_ids_and_no_content(product: Product, tenant: Tenant) -> None:
    document = tenant.ready("logged.txt", f"The codeword {MARKER} is written above the door of the mill.")
    tenant.ask(f"Where is the codeword {MARKER} written?")
    tenant.retrieve(f"Who reads {MARKER} over the door?")
    tenant.ingest("broken.pdf", f"%PDF-1.7 {MARKER} and nothing else")
    forged = f"onggi_{tenant.tenant_id}_{'a' * 12}{MARKER.ljust(43, 'x')}"  # in the format of a key
    product.send("GET", product.url("/me"), {"authorization": f"Bearer {forged}"})
    tenant.call("POST", "/query", {"question": MARKER, "filter": {MARKER: {"$like": 1}}})
    lines = list(product.log_messages())
    assert [line for line in lines if MARKER in line] == []
    assert [line for line in lines if tenant.api_key[-43:] in line] == []
    assert [line for line in lines if document["document_id"] in line]
    entries = [json.loads(line) for line in lines if line.startswith("{") and tenant.tenant_id in line]
    services = {each.get("service") for each in entries if "level" in each}
    assert services == {"onggi"}
    states = product.root("stepfunctions")
    for execution in product.executions_of(document["key"]):
        history = states.get_execution_history(executionArn=execution["executionArn"], includeExecutionData=True)
        assert MARKER not in json.dumps(history, default=str)
        assert MARKER not in json.dumps(execution, default=str)
