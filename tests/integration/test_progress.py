"""The progress of a document in processing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.demo.pdf import make_pdf
from tests.integration.local_cloud import wait_for
from tests.integration.product import READY_SECONDS, Product, Tenant

PAGES = 10
LONG = make_pdf(
    [
        "\n".join(f"Valve {page * 40 + line} of hall {page} opens at {line * 7 + page} bar." for line in range(40))
        for page in range(1, PAGES + 1)
    ],
    "Valves",
)
SHORT = make_pdf(["The keeper of the old hall is called Seo Jiwoo, and she comes on Mondays."], "Keeper")
QUESTION = "How is the keeper of the old hall called?"


@pytest.fixture
def small_chunks(product: Product, tenant: Tenant) -> Tenant:
    """A tenant with small chunks, which are embedded quickly."""
    settings = {"settings": {"chunk_size": 200}}
    changed = product.as_operator("PATCH", f"/admin/tenants/{tenant.tenant_id}", settings)
    assert changed.status == 200, changed
    return tenant


class StateRecorder:
    """Records the states of a document that the API shows."""

    def __init__(self, tenant: Tenant, document_id: str, version: str) -> None:
        self._tenant = tenant
        self._document_id = document_id
        self._version = version
        self.observed: list[Any] = []

    def until(self, condition: Callable[[Any], bool]) -> Any:
        """Waits until the document fulfils a condition; returns it."""

        def poll() -> Any:
            shown = self._tenant.document(self._document_id)
            if shown["version"] != self._version:
                return None
            assert shown["status"] in {"processing", "ready"}, shown
            if shown not in self.observed:
                self.observed.append(shown)
            return shown if condition(shown) else None

        return wait_for(poll, 2 * READY_SECONDS)


def progress_item(tenant: Tenant, document_id: str) -> Any:
    found = tenant.product.root("dynamodb").get_item(
        TableName=tenant.product["TenantTableName"],
        Key={"pk": {"S": tenant.tenant_id}, "sk": {"S": f"PROGRESS#{document_id}"}},
        ConsistentRead=True,
    )
    return found["Item"]


def test_a_replaced_document_shows_progress_while_its_live_version_is_cited(
    small_chunks: Tenant,
) -> None:
    tenant = small_chunks
    old = tenant.ready("valves.pdf", SHORT)
    assert "progress" not in old
    recorder = StateRecorder(tenant, old["document_id"], tenant.drop("valves.pdf", LONG))
    recorder.until(lambda shown: shown["progress"]["chunks"] is not None)
    assert "Seo Jiwoo" in tenant.ask(QUESTION)["answer"]
    (listed,) = tenant.call("GET", "/documents", status="processing").body["documents"]
    assert listed["progress"]["chunks"] > old["chunks"]
    ready = recorder.until(lambda shown: shown["status"] == "ready")
    assert (ready["pages"], "progress" in ready) == (PAGES, False)

    *processing, _ = recorder.observed
    for shown in processing:
        assert (shown["pages"], shown["chunks"], shown["current_version"]) == (1, old["chunks"], old["version"])
        assert shown["progress"]["pages"] in {None, PAGES}
        assert shown["progress"]["chunks"] in {None, ready["chunks"]}
    embedded = [shown["progress"]["embedded_chunks"] for shown in processing]
    assert embedded == sorted(embedded)
    assert any(0 < count < ready["chunks"] for count in embedded)
    assert embedded[-1] <= ready["chunks"]


def test_a_batch_that_is_embedded_again_is_counted_once(product: Product, small_chunks: Tenant) -> None:
    tenant = small_chunks
    lines = "\n\n".join(f"Room {number} holds {number * 3} pots of kimchi. " * 5 for number in range(40))
    document = tenant.ready("rooms.txt", lines)
    before = progress_item(tenant, document["document_id"])
    batches = {number: int(count["N"]) for number, count in before["embedded"]["M"].items()}
    assert len(batches) > 1
    assert (int(before["chunks"]["N"]), sum(batches.values())) == (document["chunks"], document["chunks"])
    registration = tenant.state(document)["registration"]
    for batch in (0, 1):
        state = {"tenant": registration["tenant"], "document": registration["document"], "batch": batch}
        reply = product.root("lambda").invoke(
            FunctionName=product.resources["EmbedChunks"], Payload=json.dumps(state).encode()
        )
        assert json.loads(reply["Payload"].read())["batch"] == batch
    assert progress_item(tenant, document["document_id"]) == before
