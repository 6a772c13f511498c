"""A long workflow of a tenant continues in a further execution; the local cloud allows two loops in each."""

import re

from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Tenant

WAIT_SECONDS = 120.0
LINES = "\n\n".join(f"Heron number {number} stands in the rice field." for number in range(20))


def executions(product: Product, tenant_id: str) -> list[Json]:
    """Returns the executions of the offboarding workflow of a tenant, by number."""
    machine = product["IngestionStateMachineArn"].replace("-ingestion", "-offboarding")
    listed = product.root("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    own = [each for each in listed if re.fullmatch(rf"{tenant_id}-[0-9a-f]{{11}}(-\d+)?", each["name"])]
    return sorted(own, key=lambda each: (len(each["name"]), each["name"]))


def test_a_long_removal_continues_in_the_next_execution(product: Product, tenant: Tenant) -> None:
    functions = product.root("lambda")
    ready = tenant.ready("ready.txt", "The heron is grey.")
    embedding = product.resources["EmbedChunks"]
    functions.put_function_concurrency(FunctionName=embedding, ReservedConcurrentExecutions=0)
    try:
        tenant.drop("waiting.txt", LINES)
        tenant.wait_for_status(tenant.prefix + "waiting.txt", "processing")
        assert product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}").status == 202
        wait_for(lambda: len(executions(product, tenant.tenant_id)) >= 3, WAIT_SECONDS)
        again = product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}")
        assert (again.status, again.body["status"]) == (202, "removing")
    finally:
        functions.delete_function_concurrency(FunctionName=embedding)
    wait_for(lambda: product.tenant_record(tenant.tenant_id)["status"] == "removed", WAIT_SECONDS)
    first, *others = executions(product, tenant.tenant_id)
    numbers = [f"{first['name']}-{number}" for number in range(2, 2 + len(others))]
    assert [each["name"] for each in others] == numbers, "one run: the same request has not begun another"
    ended = [product.wait_for_execution(each["executionArn"])["status"] for each in (first, *others)]
    assert ended == ["SUCCEEDED"] * len(ended)
    assert "HandOver" in product.states_entered(first["executionArn"])
    counts = product.tenant_record(tenant.tenant_id)["receipt"]["before"]
    assert (counts["uploads"], counts["keys"]) == (2, 1)
    assert counts["vectors"] > ready["chunks"], "counted only after all processing has ended"
    assert not any(product.tenant_record(tenant.tenant_id)["receipt"]["after"].values())
