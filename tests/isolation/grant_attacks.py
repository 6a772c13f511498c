"""Attacks by the function that reads files: under the grant for one document, and by the function's role."""

from collections.abc import Callable
from typing import Any, Final

from tests.deployment_template import resources
from tests.integration.product import Json
from tests.isolation.attacks import Attack, Layers, Scene, SessionAct
from tests.isolation.clients import role_of
from tests.isolation.dynamodb_session_attacks import DYNAMODB, new_row, partition, tenants
from tests.isolation.s3_session_attacks import S3
from tests.isolation.service_session_attacks import KMS, S3_VECTORS, assume_target

BY_IAM: Final = (Layers.IAM, Layers.NEITHER)
READER: Final = "ExtractText"
OTHERS: Final = sorted(resources("AWS::Serverless::Function").keys() - {READER})


def _under_grant(act: SessionAct) -> Callable[[Scene], Any]:
    return lambda scene: act(scene.own.granted, scene)


def _decrypted_by(function: str) -> Callable[[Scene], Any]:
    return lambda scene: scene.target.opened_by(role_of(scene.own.product, function))


def _assumed_by(function: str) -> Callable[[Scene], Any]:
    return lambda scene: assume_target()(role_of(scene.own.product, function), scene)


GRANT_ATTACKS: Final = [
    *(
        Attack("grant", f"{service} {name}", _under_grant(act), BY_IAM, strict=True, own=None)
        for service, acts in (("S3", S3), ("DynamoDB", DYNAMODB), ("S3 Vectors", S3_VECTORS), ("KMS", KMS))
        for name, act in acts.items()
    ),
    Attack("grant", "STS assume the target's role", _under_grant(assume_target()), BY_IAM, strict=True, own=None),
    Attack(
        "grant",
        f"{READER} assumes the target's role",
        _assumed_by(READER),
        BY_IAM,
        strict=True,
        own=_assumed_by("GrantReading"),
    ),
    *(
        Attack(
            "grant",
            f"{name} decrypts that of the target",
            _decrypted_by(name),
            BY_IAM,
            strict=True,
            own=_decrypted_by(READER),
        )
        for name in OTHERS
    ),
]

# ── on its own data: a grant is for a single document ────────────────────────────────────────────────────────────────


def own_upload(scene: Scene) -> Json:
    return {"Bucket": scene.own.placement["documents_bucket"], "Key": scene.own.document["key"]}


def own_version(scene: Scene) -> Json:
    return own_upload(scene) | {"VersionId": scene.own.document["version"]}


def other_version(scene: Scene) -> Json:
    other = scene.own.documents[1]
    return own_upload(scene) | {"Key": other["key"], "VersionId": other["version"]}


def artifact(scene: Scene, name: str, number: int = 0) -> Json:
    """Returns an artifact of a document of the tenant; the grant is for the document with the number 0."""
    document = scene.own.documents[number]
    key = f"{scene.own.tenant.prefix}{document['document_id']}/{document['version']}/{name}"
    return {"Bucket": scene.own.placement["artifacts_bucket"], "Key": key}


def own_row(scene: Scene) -> Json:
    return {"pk": {"S": scene.own.tenant_id}, "sk": {"S": f"DOCUMENT#{scene.own.document['document_id']}"}}


GRANTED: Final[dict[str, SessionAct]] = {
    "read its version": lambda clients, scene: clients["s3"].get_object(**own_version(scene)),
    "list its versions": lambda clients, scene: clients["s3"].list_object_versions(
        Bucket=own_upload(scene)["Bucket"], Prefix=scene.own.document["key"]
    ),
    "write its text": lambda clients, scene: clients["s3"].put_object(**artifact(scene, "text.txt"), Body=b"text"),
    "delete its text": lambda clients, scene: clients["s3"].delete_object(**artifact(scene, "text.json")),
    "get its row": lambda clients, scene: clients["dynamodb"].get_item(**tenants(scene), Key=own_row(scene)),
}
"""The actions that a grant permits."""
NOT_GRANTED: Final[dict[str, SessionAct]] = {
    "read another document": lambda clients, scene: clients["s3"].get_object(**other_version(scene)),
    "read the newest of another document": lambda clients, scene: clients["s3"].get_object(
        **own_upload(scene) | {"Key": scene.own.documents[1]["key"]}
    ),
    "read the newest of its own": lambda clients, scene: clients["s3"].get_object(**own_upload(scene)),
    "list documents": lambda clients, scene: clients["s3"].list_objects_v2(
        Bucket=own_upload(scene)["Bucket"], Prefix=scene.own.tenant.prefix
    ),
    "list versions": lambda clients, scene: clients["s3"].list_object_versions(
        Bucket=own_upload(scene)["Bucket"], Prefix=scene.own.tenant.prefix
    ),
    "list artifacts": lambda clients, scene: clients["s3"].list_objects_v2(
        Bucket=artifact(scene, "")["Bucket"], Prefix=scene.own.tenant.prefix
    ),
    "replace its upload": lambda clients, scene: clients["s3"].put_object(**own_upload(scene), Body=b"planted"),
    "delete its upload": lambda clients, scene: clients["s3"].delete_object(**own_upload(scene)),
    "read its text": lambda clients, scene: clients["s3"].get_object(**artifact(scene, "text.txt")),
    "write its chunks": lambda clients, scene: clients["s3"].put_object(
        **artifact(scene, "chunks/00000.json"), Body=b"planted"
    ),
    "read another's text": lambda clients, scene: clients["s3"].get_object(**artifact(scene, "text.txt", 1)),
    "write another's text": lambda clients, scene: clients["s3"].put_object(
        **artifact(scene, "text.txt", 1), Body=b"planted"
    ),
    "delete another's text": lambda clients, scene: clients["s3"].delete_object(**artifact(scene, "text.txt", 1)),
    "query rows": lambda clients, scene: clients["dynamodb"].query(**tenants(scene), **partition(scene.own.tenant_id)),
    "add a row": lambda clients, scene: clients["dynamodb"].put_item(
        **tenants(scene), Item=new_row(scene.own.tenant_id)
    ),
    "change its row": DYNAMODB["update"],
    "query vectors": S3_VECTORS["query"],
    "get vectors": S3_VECTORS["get"],
    "delete vectors": S3_VECTORS["delete"],
    "decrypt": KMS["decrypt"],
    "assume the tenant's role": assume_target(),
}
"""Actions that a tenant's session permits and a grant does not."""
GRANT_CONTROLS: Final = [
    Attack("grant on its own data", name, _under_grant(act), BY_IAM, strict=True, own=None)
    for name, act in GRANTED.items()
]
GRANT_ATTACKS_ON_OWN_DATA: Final = [
    *(
        Attack("grant on its own data", name, _under_grant(act), BY_IAM, strict=True, own=None)
        for name, act in NOT_GRANTED.items()
    ),
    Attack(
        "grant on its own data",
        f"{READER} assumes its tenant's role",
        _assumed_by(READER),
        BY_IAM,
        strict=True,
        own=None,
    ),
]
