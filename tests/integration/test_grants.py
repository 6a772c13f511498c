"""Grants in an execution's history are decrypted by one function only, for one document only."""

import base64
import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Tenant, refused_code
from tests.isolation.clients import opened_grant, role_of


@pytest.fixture
def state(tenant: Tenant) -> Json:
    """The output of an execution."""
    document = tenant.ready("granted.txt", "The kimchi of the cooperative is salted twice.")
    ended: Json = json.loads(tenant.execution(document["key"])["output"])
    return ended


def context_of(state: Json) -> dict[str, str]:
    registration = state["registration"]
    document = registration["document"]
    tenant_id = registration["tenant"]["tenant_id"]
    return {"tenant": tenant_id, "document": document["document_id"], "version": document["version"]}


def test_the_history_of_an_execution_contains_no_credential(product: Product, state: Json) -> None:
    opened = opened_grant(product, role_of(product, "ExtractText"), state["grant"]["parts"], context_of(state))
    history = json.dumps(state)
    assert not any(opened[name] in history for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))


@pytest.mark.parametrize("changed", ["tenant", "document", "version"])
def test_a_grant_is_decrypted_only_in_its_documents_context(product: Product, state: Json, changed: str) -> None:
    reader, parts = role_of(product, "ExtractText"), state["grant"]["parts"]
    with pytest.raises(ClientError) as caught:
        opened_grant(product, reader, parts, context_of(state) | {changed: "another"})
    assert refused_code(caught.value) == "InvalidCiphertextException"
    assert opened_grant(product, reader, parts, context_of(state))["SessionToken"]


def test_the_key_encrypts_no_grant_without_a_context(product: Product, state: Json) -> None:
    key, kms = product.resources["ReadingKey"], role_of(product, "GrantReading")["kms"]
    assert kms.encrypt(KeyId=key, Plaintext=b"grant", EncryptionContext=context_of(state))["CiphertextBlob"]
    contexts: list[dict[str, str]] = [{}, {"tenant": "acme"}]
    for context in contexts:
        with pytest.raises(ClientError) as caught:
            kms.encrypt(KeyId=key, Plaintext=b"grant", EncryptionContext=context)
        assert refused_code(caught.value) == "AccessDeniedException"


def test_grants_are_encrypted_and_decrypted_by_different_functions(product: Product, state: Json) -> None:
    key, context = product.resources["ReadingKey"], context_of(state) | {"part": "0"}
    part = base64.b64decode(state["grant"]["parts"][0])
    attempts: list[tuple[str, Any]] = [
        ("GrantReading", lambda kms: kms.decrypt(CiphertextBlob=part, EncryptionContext=context)),
        ("ExtractText", lambda kms: kms.encrypt(KeyId=key, Plaintext=b"grant", EncryptionContext=context)),
        ("ExtractText", lambda kms: kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)),
        ("ExtractText", lambda kms: kms.create_grant(KeyId=key, GranteePrincipal="a", Operations=["Decrypt"])),
    ]
    for function, attempt in attempts:
        with pytest.raises(ClientError) as caught:
            attempt(role_of(product, function)["kms"])
        assert refused_code(caught.value) == "AccessDeniedException", function


def earlier(definition: str) -> str:
    """The definition of the workflow before grants."""
    machine = copy.deepcopy(json.loads(definition))
    states = machine["States"]
    for name in ("GrantReading", "DecideByGrants", "BlameService"):
        del states[name]
    states["DecideByOutcome"]["Choices"][0]["Next"] = "ExtractText"
    extract = states["ExtractText"]
    del extract["Parameters"]["grant.$"]
    extract["Catch"] = [each for each in extract["Catch"] if each["ErrorEquals"] != ["GrantExpired"]]
    return json.dumps(machine)


def test_a_document_in_processing_is_ready_after_an_upgrade(product: Product, tenant: Tenant) -> None:
    """Executions still start with the earlier definition after the functions are updated."""
    states, machine = product.root("stepfunctions"), product["IngestionStateMachineArn"]
    present = states.describe_state_machine(stateMachineArn=machine)["definition"]
    states.update_state_machine(stateMachineArn=machine, definition=earlier(present))
    try:
        tenant.drop("in flight.txt", "The crane of the harbour was painted green.")
        key = tenant.prefix + "in flight.txt"
        row = tenant.wait_for_status(key, "processing")
        arn = product.execution_arn(row["execution"]["S"])
        wait_for(lambda: "RecordFailure" in str(states.get_execution_history(executionArn=arn)["events"]), 30)
        assert "GrantReading" not in states.describe_state_machine_for_execution(executionArn=arn)["definition"]
    finally:
        states.update_state_machine(stateMachineArn=machine, definition=present)
    found = tenant.wait_for_status(key, "ready")
    assert product.wait_for_execution(arn)["status"] == "SUCCEEDED", "no alarm is raised"
    assert "GrantReading" not in states.describe_state_machine_for_execution(executionArn=arn)["definition"]
    assert found["execution"]["S"].startswith("restarted-")
    assert tenant.metric("DocumentsFailed") == 0
