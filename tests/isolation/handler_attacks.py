"""Attacks on the functions' handlers: workflow states, events and verified claims that name two tenants."""

import json
from collections.abc import Callable
from typing import Any, Final

from tests.integration.product import Json
from tests.isolation.attacks import Attack, Layers, Scene
from tests.isolation.seeded_tenants import QUESTION

ALL_LAYERS: Final = tuple(Layers)
APPLICATION_LAYERS: Final = (Layers.BOTH, Layers.APPLICATION)
"""For attacks that only a check of the application can deny."""

type ExtraState = Callable[[Scene], Json]


def no_extra_state(_: Scene) -> Json:
    return {}


STEPS: Final[dict[str, ExtraState]] = {
    "grant_reading": lambda _: {"so_far": {}},
    "extract_text": lambda scene: {"grant": scene.own.state["grant"]},
    "chunk_text": no_extra_state,
    "embed_chunks": lambda _: {"batch": 0},
    "index_chunks": lambda _: {"batch": 0},
    "publish_document": lambda _: {
        "extraction": {"pages": 1, "characters": 10, "language": "en", "needs_ocr": 0},
        "chunking": {"chunks": 1, "batches": 1, "manifest_bucket": "manifests", "manifest_key": "1.jsonl"},
        "batches": [{"batch": 0, "embedded": 1, "reused": 0, "tokens": 1}],
    },
    "update_metadata": no_extra_state,
    "remove_document": lambda scene: {"versions": [scene.target.document["version"]]},
}
"""The input of each state of the workflow besides tenant and document."""


def state_of_two(step: str) -> Callable[[Scene], Any]:
    """Returns a call with the attacker as the tenant and the target's document."""

    def act(scene: Scene) -> Any:
        state = {"tenant": scene.own.context, "document": scene.target.registered_document, **STEPS[step](scene)}
        return scene.harness.call(step, state, scene.own, scene.target)

    return act


def state_with_own_key(step: str) -> Callable[[Scene], Any]:
    """Returns a call with the attacker's tenant and key, and the target's document id and version."""

    def act(scene: Scene) -> Any:
        document = scene.target.registered_document | {"key": scene.own.document["key"]}
        state = {"tenant": scene.own.context, "document": document, **STEPS[step](scene)}
        return scene.harness.call(step, state, scene.own, scene.target)

    return act


def state_with_another_placement(step: str) -> Callable[[Scene], Any]:
    """Returns a call with everything of the attacker except the placement."""

    def act(scene: Scene) -> Any:
        tenant = scene.own.context | {"placement": scene.target.placement}
        state = {"tenant": tenant, "document": scene.own.registered_document, **STEPS[step](scene)}
        return scene.harness.call(step, state, scene.own, scene.target)

    return act


def event_of(scene: Scene, **changes: str) -> Json:
    """Returns the event of the target's upload, with changes by the attacker."""
    version, key = scene.target.document["version"], scene.target.document["key"]
    detail = {
        "bucket": {"name": changes.get("bucket", scene.target.placement["documents_bucket"])},
        "object": {
            "key": changes.get("key", key),
            "version-id": version,
            "sequencer": changes.get("sequencer", "FF"),
            "size": 9,
        },
    }
    kind = changes.get("kind", "Object Created")
    return {"detail-type": kind, "source": "aws.s3", "time": "2026-01-01T00:00:00Z", "detail": detail}


def register(**changes: str) -> Callable[[Scene], Any]:
    def act(scene: Scene) -> Any:
        state = {"event": event_of(scene, **changes), "execution": "attack"}
        return scene.harness.call("register_document", state, scene.own, scene.target)

    return act


def register_from_another_bucket(scene: Scene) -> Any:
    return register(bucket=scene.own.placement["artifacts_bucket"])(scene)


def register_crafted_key(crafted_key: str) -> Callable[[Scene], Any]:
    def act(scene: Scene) -> Any:
        key = crafted_key.format(own=scene.own.tenant_id, target=scene.target.tenant_id)
        return register(key=key)(scene)

    return act


def fail(scene: Scene) -> Any:
    """Records a failure of the attacker's workflow with the target's event."""
    event = event_of(scene, bucket=scene.own.placement["artifacts_bucket"])
    claimed = {"outcome": "process", "document": {"version": scene.target.document["version"]}}
    state = {"event": event | {"registration": claimed}, "execution": "attack", "error": {"Error": "States.Timeout"}}
    return scene.harness.call("record_failure", state, scene.own, scene.target)


def fail_on_own_data(scene: Scene) -> Any:
    """Records the same failure with the correct bucket."""
    claimed = {"outcome": "process", "document": {"version": scene.target.document["version"]}}
    state = {"event": event_of(scene) | {"registration": claimed}, "execution": "x", "error": {"Error": "x"}}
    return scene.harness.call("record_failure", state, scene.own, scene.target)


def interrupt(**changes: str) -> Callable[[Scene], Any]:
    """Returns a call that records the end of the attacker's execution with a newer event of the target's key."""

    def act(scene: Scene) -> Any:
        event = event_of(scene, sequencer="FF" * 8, **changes)
        state = {"input": json.dumps(event), "execution": "attack", "status": "ABORTED"}
        return scene.harness.call("record_interruption", state, scene.own, scene.target)

    return act


def interrupt_from_another_bucket(scene: Scene) -> Any:
    return interrupt(bucket=scene.own.placement["artifacts_bucket"])(scene)


def request(
    function: str, method: str, resource: str, of: Callable[[Scene], Json] = no_extra_state
) -> Callable[[Scene], Any]:
    """Returns a request with the attacker's verified claims; `of` returns its parameters."""

    def act(scene: Scene) -> Any:
        parameters = of(scene)
        tenant = json.dumps(scene.own.context | parameters.pop("claims", {}))
        claims = {"tenant": tenant, "status": "active", "role": "owner"}  # so that no role denies it
        event = {"httpMethod": method, "resource": resource, "requestContext": {"requestId": "x", "authorizer": claims}}
        body = parameters.pop("body", None)
        return scene.harness.call(function, event | {"body": json.dumps(body)} | parameters, scene.own, scene.target)

    return act


def by_id(scene: Scene) -> Json:
    return {"pathParameters": {"id": scene.target.document["document_id"]}}


def at_a_cursor(scene: Scene) -> Json:
    return {"queryStringParameters": {"cursor": scene.target.cursor}}


def question(_: Scene) -> Json:
    return {"body": {"question": QUESTION}}


def question_about_one(scene: Scene) -> Json:
    return {"body": {"question": QUESTION, "filter": {"document_id": {"$eq": scene.target.document["document_id"]}}}}


def question_with_another_placement(scene: Scene) -> Json:
    return question(scene) | {"claims": {"placement": scene.target.placement}}


ROUTES: Final[dict[str, Callable[[Scene], Any]]] = {
    "show": request("documents", "GET", "/v1/documents/{id}", by_id),
    "delete": request("documents", "DELETE", "/v1/documents/{id}", by_id),
    "list": request("documents", "GET", "/v1/documents"),
    "list at a cursor": request("documents", "GET", "/v1/documents", at_a_cursor),
    "retrieve": request("query", "POST", "/v1/retrieve", question),
    "retrieve by document": request("query", "POST", "/v1/retrieve", question_about_one),
    "query": request("query", "POST", "/v1/query", question),
    "query by document": request("query", "POST", "/v1/query", question_about_one),
    "retrieve with another placement in the claim": request(
        "query", "POST", "/v1/retrieve", question_with_another_placement
    ),
    "query with another placement in the claim": request("query", "POST", "/v1/query", question_with_another_placement),
}

CRAFTED_KEYS: Final = (
    "tenants/{own}/../{target}/vault.txt",
    "tenants/{own}%2F..%2F{target}/vault.txt",
    "tenants//{target}/vault.txt",
    "/tenants/{target}/vault.txt",
    "tenants/{target}%00/vault.txt",
    "Tenants/{target}/vault.txt",
    "tenants\\{target}\\vault.txt",
    "tenants/{own}\uff0f{target}/vault.txt",
)

HANDLER_ATTACKS: Final = [
    *(
        Attack("handlers", f"{step}, tenant and document differ", act, ALL_LAYERS, strict=True, own=act)
        for step in STEPS
        for act in [state_of_two(step)]
    ),
    *(
        Attack("handlers", f"{step}, key and id differ", act, APPLICATION_LAYERS, strict=True, own=act)
        for step in STEPS
        for act in [state_with_own_key(step)]
    ),
    *(
        Attack("handlers", f"{step}, placement of another", act, APPLICATION_LAYERS, strict=True, own=act)
        for step in STEPS
        for act in [state_with_another_placement(step)]
    ),
    *(Attack("handlers", name, act, ALL_LAYERS, strict=False, own=act) for name, act in ROUTES.items()),
    Attack("handlers", "register_document, other bucket", register_from_another_bucket, ALL_LAYERS, True, register()),
    Attack("handlers", "record_failure, other bucket", fail, ALL_LAYERS, strict=False, own=fail_on_own_data),
    Attack(
        "handlers", "record_interruption, other bucket", interrupt_from_another_bucket, ALL_LAYERS, False, interrupt()
    ),
    *(
        Attack("handlers", f"register_document, {crafted_key}", act, APPLICATION_LAYERS, strict=False, own=register())
        for crafted_key in CRAFTED_KEYS
        for act in [register_crafted_key(crafted_key)]
    ),
]
