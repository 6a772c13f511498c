"""An upload belongs to its uploader, even if its headers, sidecar or event name another tenant."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.integration.product import Json
from tests.isolation.attacks import Layers
from tests.isolation.conftest import IDS, Clouds, rules_of
from tests.isolation.seeded_tenants import UNTOUCHED, SeededTenant

OWN, TARGET = UNTOUCHED[0], IDS[1]
TEXT: Final = "The granary of the brewery opens at noon only."


@pytest.fixture(params=[Layers.BOTH, Layers.APPLICATION], ids=["both layers", "application alone"])
def tenants(clouds: Clouds, request: pytest.FixtureRequest) -> Iterator[tuple[SeededTenant, SeededTenant]]:
    """The uploading and the named tenant, on a cloud with event rules enabled."""
    own, target = clouds.tenant(request.param, OWN), clouds.tenant(request.param, TARGET)
    target.read_initial_data()
    events, rules = own.product.root("events"), rules_of(own.product)
    assert rules
    for rule in rules:
        events.enable_rule(Name=rule)
    yield own, target
    for rule in rules:
        events.disable_rule(Name=rule)


def test_attributes_that_name_another_tenant_have_no_effect(tenants: tuple[SeededTenant, SeededTenant]) -> None:
    own, target = tenants
    headers = {"tenant-id": target.tenant_id, "tenant_id": target.tenant_id, "key": target.document["key"]}
    sidecar = {"metadataAttributes": {"tenant": target.tenant_id, "index": target.tenant_id}}
    own.tenant.drop("granary.txt.metadata.json", json.dumps(sidecar))
    document = own.tenant.ready("granary.txt", TEXT, Metadata=headers)
    assert document["key"] == own.tenant.prefix + "granary.txt"
    assert document["metadata"]["tenant_id"] == document["metadata"]["tenant"] == target.tenant_id
    assert [passage["text"] for passage in own.tenant.retrieve("granary", top_k=1)["passages"]] == [TEXT]
    found = target.tenant.retrieve("When does the granary of the brewery open?", top_k=50)["passages"]
    assert {passage["document_id"] for passage in found} <= {each["document_id"] for each in target.documents}
    assert target.read_data() == target.initial_data


def test_reserved_attributes_are_rejected(tenants: tuple[SeededTenant, SeededTenant]) -> None:
    own, target = tenants
    document = own.tenant.ingest("named.txt", TEXT, Metadata={"document_id": target.document["document_id"]})
    assert (document["status"], document["error"]["code"]) == ("failed", "invalid_metadata")
    assert target.read_data() == target.initial_data


def planted_registration(own: SeededTenant, target: SeededTenant, event: Json) -> Json:
    """Returns the event with a forged output of RegisterDocument for the target."""
    registered = own.state["registration"] | {
        "document": target.registered_document,
        "outcome": "remove",
        "versions": ["x"],
    }
    return event | {"registration": registered, "tenant": own.context}


def other_bucket(own: SeededTenant, _: SeededTenant, event: Json) -> Json:
    return event | {"detail": event["detail"] | {"bucket": {"name": own.placement["artifacts_bucket"]}}}


@pytest.mark.parametrize("forge", [planted_registration, other_bucket])
def test_a_forged_execution_changes_nothing(
    tenants: tuple[SeededTenant, SeededTenant], forge: Callable[[SeededTenant, SeededTenant, Json], Any]
) -> None:
    own, target = tenants
    event = target.tenant.event(target.document)
    target.product.wait_for_execution(target.product.start(forge(own, target, event)))
    assert target.read_data() == target.initial_data
