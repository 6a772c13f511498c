"""Attacks by calls of AWS under a tenant's session, past the application: every action that can reach data."""

from collections.abc import Callable
from typing import Any, Final

from tests.isolation.attacks import Attack, Layers, Scene, SessionAct
from tests.isolation.audit_session_attacks import AUDIT, AUDIT_NEVER
from tests.isolation.dynamodb_session_attacks import DYNAMODB, DYNAMODB_NEVER
from tests.isolation.s3_session_attacks import S3, S3_NEVER
from tests.isolation.service_session_attacks import KMS, KMS_NEVER, OTHERS_NEVER, S3_VECTORS, S3_VECTORS_NEVER


def _under_session(act: SessionAct) -> Callable[[Scene], Any]:
    return lambda scene: act(scene.own.session, scene)


def _under_key_session(act: SessionAct) -> Callable[[Scene], Any]:
    return lambda scene: act(scene.own.key_session, scene)


def _attacks(
    service: str,
    acts: dict[str, SessionAct],
    *,
    own: bool,
    under: Callable[[SessionAct], Callable[[Scene], Any]] = _under_session,
) -> list[Attack]:
    layers = (Layers.IAM, Layers.NEITHER)
    return [
        Attack("session", f"{service} {name}".strip(), call, layers, strict=True, own=call if own else None)
        for name, act in acts.items()
        for call in [under(act)]
    ]


SESSION_ATTACKS: Final = [
    *_attacks("S3", S3, own=True),
    *_attacks("S3", S3_NEVER, own=False),
    *_attacks("DynamoDB", DYNAMODB, own=True),
    *_attacks("DynamoDB", DYNAMODB_NEVER, own=False),
    *_attacks("S3 Vectors", S3_VECTORS, own=True),
    *_attacks("S3 Vectors", S3_VECTORS_NEVER, own=False),
    *_attacks("KMS", KMS, own=True),
    *_attacks("KMS", KMS_NEVER, own=False),
    *_attacks("", OTHERS_NEVER, own=False),
    *_attacks("audit trail", AUDIT | AUDIT_NEVER, own=False),
    *_attacks("audit trail by an owner's session", AUDIT, own=True, under=_under_key_session),
    *_attacks("audit trail by an owner's session", AUDIT_NEVER, own=False, under=_under_key_session),
]
