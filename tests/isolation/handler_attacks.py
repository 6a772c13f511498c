"""Attacks on the functions' handlers: workflow states, events and verified claims that name two tenants."""

import json
from collections.abc import Callable
from typing import Any, Final

from tests.integration.product import Json
from tests.isolation.attacks import Attack, Scene, Walls
from tests.isolation.jars import QUESTION

ALL: Final = tuple(Walls)
CHECKED: Final = (Walls.BOTH, Walls.APPLICATION)
"""For what nothing but a check of the application could let through."""

type Rest = Callable[[Scene], Json]


def nothing_more(_: Scene) -> Json:
    return {}


STEPS: Final[dict[str, Rest]] = {
    "grant_reading": lambda _: {"so_far": {}},
    "extract_text": lambda scene: {"grant": scene.own.state["grant"]},
    "chunk_text": nothing_more,
    "embed_chunks": lambda _: {"batch": 0},
    "index_chunks": lambda _: {"batch": 0},
    "publish_document": lambda _: {
        "extraction": {"pages": 1, "language": "en", "needs_ocr": 0},
        "chunking": {"chunks": 1},
        "batches": [{"tokens": 1}],
    },
    "update_metadata": nothing_more,
    "remove_document": lambda scene: {"versions": [scene.target.document["version"]]},
}
"""What each state of the workflow takes besides tenant and document."""


def state_of_two(step: str) -> Callable[[Scene], Any]:
    """The attacker as tenant, the target's document."""

    def act(scene: Scene) -> Any:
        state = {"tenant": scene.own.context, "document": scene.target.registered, **STEPS[step](scene)}
        return scene.bench.call(step, state, scene.own, scene.target)

    return act


def state_with_own_key(step: str) -> Callable[[Scene], Any]:
    """The attacker's tenant and key, the target's document id and version."""

    def act(scene: Scene) -> Any:
        document = scene.target.registered | {"key": scene.own.document["key"]}
        state = {"tenant": scene.own.context, "document": document, **STEPS[step](scene)}
        return scene.bench.call(step, state, scene.own, scene.target)

    return act


def state_with_a_place(step: str) -> Callable[[Scene], Any]:
    """All is the attacker's but the place where its things are said to lie."""

    def act(scene: Scene) -> Any:
        tenant = scene.own.context | {"placement": scene.target.placement}
        state = {"tenant": tenant, "document": scene.own.registered, **STEPS[step](scene)}
        return scene.bench.call(step, state, scene.own, scene.target)

    return act


def event_of(scene: Scene, **changes: str) -> Json:
    """The event of the target's upload, as if it came from a place of the attacker's choice."""
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


def registered(**changes: str) -> Callable[[Scene], Any]:
    def act(scene: Scene) -> Any:
        state = {"event": event_of(scene, **changes), "execution": "attack"}
        return scene.bench.call("register_document", state, scene.own, scene.target)

    return act


def registered_at_a_foreign_bucket(scene: Scene) -> Any:
    return registered(bucket=scene.own.placement["artifacts_bucket"])(scene)


def registered_under_a_trick(trick: str) -> Callable[[Scene], Any]:
    def act(scene: Scene) -> Any:
        key = trick.format(own=scene.own.tenant_id, target=scene.target.tenant_id)
        return registered(key=key)(scene)

    return act


def failed(scene: Scene) -> Any:
    """A failure of the attacker's workflow that is told with the target's event."""
    event = event_of(scene, bucket=scene.own.placement["artifacts_bucket"])
    claimed = {"outcome": "process", "document": {"version": scene.target.document["version"]}}
    state = {"event": event | {"registration": claimed}, "execution": "attack", "error": {"Error": "States.Timeout"}}
    return scene.bench.call("record_failure", state, scene.own, scene.target)


def failed_at_home(scene: Scene) -> Any:
    """The same failure with the bucket that it should have."""
    claimed = {"outcome": "process", "document": {"version": scene.target.document["version"]}}
    state = {"event": event_of(scene) | {"registration": claimed}, "execution": "x", "error": {"Error": "x"}}
    return scene.bench.call("record_failure", state, scene.own, scene.target)


def interrupted(**changes: str) -> Callable[[Scene], Any]:
    """The end of an execution of the attacker's that had been started with a newer event of the target's key."""

    def act(scene: Scene) -> Any:
        event = event_of(scene, sequencer="FF" * 8, **changes)
        state = {"input": json.dumps(event), "execution": "attack", "status": "ABORTED"}
        return scene.bench.call("record_interruption", state, scene.own, scene.target)

    return act


def interrupted_at_a_foreign_bucket(scene: Scene) -> Any:
    return interrupted(bucket=scene.own.placement["artifacts_bucket"])(scene)


def requested(
    function: str, method: str, resource: str, of: Callable[[Scene], Json] = nothing_more
) -> Callable[[Scene], Any]:
    """A request with the attacker's verified claims; `of` says what it asks for."""

    def act(scene: Scene) -> Any:
        asked = of(scene)
        tenant = json.dumps(scene.own.context | asked.pop("claims", {}))
        claims = {"tenant": tenant, "status": "active", "role": "owner"}  # so that no role is what denies
        event = {"httpMethod": method, "resource": resource, "requestContext": {"requestId": "x", "authorizer": claims}}
        body = asked.pop("body", None)
        return scene.bench.call(function, event | {"body": json.dumps(body)} | asked, scene.own, scene.target)

    return act


def by_id(scene: Scene) -> Json:
    return {"pathParameters": {"id": scene.target.document["document_id"]}}


def at_a_cursor(scene: Scene) -> Json:
    return {"queryStringParameters": {"cursor": scene.target.cursor}}


def question(_: Scene) -> Json:
    return {"body": {"question": QUESTION}}


def question_about_one(scene: Scene) -> Json:
    return {"body": {"question": QUESTION, "filter": {"document_id": {"$eq": scene.target.document["document_id"]}}}}


def question_at_a_place(scene: Scene) -> Json:
    return question(scene) | {"claims": {"placement": scene.target.placement}}


ROUTES: Final[dict[str, Callable[[Scene], Any]]] = {
    "show": requested("documents", "GET", "/v1/documents/{id}", by_id),
    "delete": requested("documents", "DELETE", "/v1/documents/{id}", by_id),
    "list": requested("documents", "GET", "/v1/documents"),
    "list at a cursor": requested("documents", "GET", "/v1/documents", at_a_cursor),
    "retrieve": requested("query", "POST", "/v1/retrieve", question),
    "retrieve by document": requested("query", "POST", "/v1/retrieve", question_about_one),
    "query": requested("query", "POST", "/v1/query", question),
    "query by document": requested("query", "POST", "/v1/query", question_about_one),
    "retrieve with the claim of a place": requested("query", "POST", "/v1/retrieve", question_at_a_place),
    "query with the claim of a place": requested("query", "POST", "/v1/query", question_at_a_place),
}

KEY_TRICKS: Final = (
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
        Attack("handlers", f"{step}, tenant and document differ", act, ALL, strict=True, own=act)
        for step in STEPS
        for act in [state_of_two(step)]
    ),
    *(
        Attack("handlers", f"{step}, key and id differ", act, CHECKED, strict=True, own=act)
        for step in STEPS
        for act in [state_with_own_key(step)]
    ),
    *(
        Attack("handlers", f"{step}, placement of another", act, CHECKED, strict=True, own=act)
        for step in STEPS
        for act in [state_with_a_place(step)]
    ),
    *(Attack("handlers", name, act, ALL, strict=False, own=act) for name, act in ROUTES.items()),
    Attack("handlers", "register_document, other bucket", registered_at_a_foreign_bucket, ALL, True, registered()),
    Attack("handlers", "record_failure, other bucket", failed, ALL, strict=False, own=failed_at_home),
    Attack("handlers", "record_interruption, other bucket", interrupted_at_a_foreign_bucket, ALL, False, interrupted()),
    *(
        Attack("handlers", f"register_document, {trick}", act, CHECKED, strict=False, own=registered())
        for trick in KEY_TRICKS
        for act in [registered_under_a_trick(trick)]
    ),
]
