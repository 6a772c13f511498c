"""An upload that names another tenant stays its uploader's, whatever its headers, its sidecar or its event say."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from tests.integration.product import Json
from tests.isolation.attacks import Walls
from tests.isolation.conftest import IDS, Clouds, rules_of
from tests.isolation.jars import UNTOUCHED, Jar

OWN, TARGET = UNTOUCHED[0], IDS[1]
TEXT: Final = "The granary of the brewery opens at noon only."


@pytest.fixture(params=[Walls.BOTH, Walls.APPLICATION], ids=["both walls", "application alone"])
def jars(clouds: Clouds, request: pytest.FixtureRequest) -> Iterator[tuple[Jar, Jar]]:
    """Who uploads, and who is named, on a cloud that passes events on."""
    own, target = clouds.jar(request.param, OWN), clouds.jar(request.param, TARGET)
    target.remember()
    events, rules = own.product.root("events"), rules_of(own.product)
    assert rules
    for rule in rules:
        events.enable_rule(Name=rule)
    yield own, target
    for rule in rules:
        events.disable_rule(Name=rule)


def test_attributes_that_name_another_tenant_move_nothing(jars: tuple[Jar, Jar]) -> None:
    own, target = jars
    headers = {"tenant-id": target.tenant_id, "tenant_id": target.tenant_id, "key": target.document["key"]}
    sidecar = {"metadataAttributes": {"tenant": target.tenant_id, "index": target.tenant_id}}
    own.tenant.drop("granary.txt.metadata.json", json.dumps(sidecar))
    document = own.tenant.ready("granary.txt", TEXT, Metadata=headers)
    assert document["key"] == own.tenant.prefix + "granary.txt"
    assert document["metadata"]["tenant_id"] == document["metadata"]["tenant"] == target.tenant_id
    assert [passage["text"] for passage in own.tenant.retrieve("granary", top_k=1)["passages"]] == [TEXT]
    found = target.tenant.retrieve("When does the granary of the brewery open?", top_k=50)["passages"]
    assert {passage["document_id"] for passage in found} <= {each["document_id"] for each in target.documents}
    assert target.things() == target.before


def test_attributes_that_are_the_indexs_own_are_refused(jars: tuple[Jar, Jar]) -> None:
    own, target = jars
    document = own.tenant.ingest("named.txt", TEXT, Metadata={"document_id": target.document["document_id"]})
    assert (document["status"], document["error"]["code"]) == ("failed", "invalid_metadata")
    assert target.things() == target.before


def planted_registration(own: Jar, target: Jar, event: Json) -> Json:
    """What RegisterDocument would say of the target, as if it had spoken already."""
    registered = own.state["registration"] | {"document": target.registered, "outcome": "remove", "versions": ["x"]}
    return event | {"registration": registered, "tenant": own.context}


def other_bucket(own: Jar, _: Jar, event: Json) -> Json:
    return event | {"detail": event["detail"] | {"bucket": {"name": own.placement["artifacts_bucket"]}}}


@pytest.mark.parametrize("forge", [planted_registration, other_bucket])
def test_a_forged_execution_changes_nothing(jars: tuple[Jar, Jar], forge: Callable[[Jar, Jar, Json], Any]) -> None:
    own, target = jars
    event = target.tenant.event(target.document)
    target.product.ended(target.product.start(forge(own, target, event)))
    assert target.things() == target.before
