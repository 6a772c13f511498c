"""The suite detects holes: each is planted, and an attack that was denied is reported as allowed."""

import json
from collections.abc import Iterator
from typing import Final

import pytest

from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.adapters.s3 import S3ArtifactStore, S3DocumentStore
from onggi.domain.document import DocumentVersion
from onggi.domain.tenant import TenantContext
from tests.isolation.attacks import Attack, Layers, fault, run_attack
from tests.isolation.conftest import IDS, Clouds
from tests.isolation.handler_attacks import HANDLER_ATTACKS
from tests.isolation.harness import unchecked_context
from tests.isolation.port_attacks import PORT_ATTACKS
from tests.isolation.session_attacks import SESSION_ATTACKS

ATTACKS: Final = {str(attack): attack for attack in (*HANDLER_ATTACKS, *PORT_ATTACKS, *SESSION_ATTACKS)}
OWN, TARGET = IDS[:2]
POLICY: Final = "a-hole"


def verdict(clouds: Clouds, layers: Layers, attack: Attack) -> str:
    return fault(run_attack(attack, attack.act, clouds.scene(layers, OWN, TARGET)), layers)


@pytest.fixture
def role(clouds: Clouds) -> Iterator[str]:
    """The role of all tenants' sessions; a policy that a test adds to it is removed afterwards."""
    product = clouds.tenant(Layers.IAM, OWN).product
    name = product["TenantDataRoleArn"].rpartition("/")[2]
    yield name
    product.root("iam").delete_role_policy(RoleName=name, PolicyName=POLICY)


@pytest.mark.parametrize(
    ("action", "attack"),
    [
        ("s3:GetObject", "session: S3 get upload"),
        ("s3:GetObject", "ports: read a text"),
        ("s3:PutObject", "session: S3 put upload"),
        ("dynamodb:Query", "session: DynamoDB query the index"),
        ("dynamodb:GetItem", "ports: row"),
        ("dynamodb:*", "session: DynamoDB PartiQL"),
        ("s3vectors:*", "session: S3 Vectors query for metadata"),
        ("lambda:InvokeFunction", "session: Lambda invoke with the target's state"),
    ],
)
def test_a_wildcard_in_the_policy_is_detected(clouds: Clouds, role: str, action: str, attack: str) -> None:
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    product = clouds.tenant(Layers.IAM, OWN).product
    product.root("iam").put_role_policy(RoleName=role, PolicyName=POLICY, PolicyDocument=policy)
    assert verdict(clouds, Layers.IAM, ATTACKS[attack]) == "allowed"


def test_a_store_without_a_prefix_is_detected(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(S3DocumentStore, "_at", lambda store, key: {"Bucket": store._bucket, "Key": key})
    for name in ("ports: facts of an upload", "ports: download", "ports: delete an upload", "ports: sign an upload"):
        assert verdict(clouds, Layers.APPLICATION, ATTACKS[name]) == "allowed", name


def test_artifacts_of_a_wrong_tenant_are_detected(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    target = unchecked_context(clouds.tenant(Layers.APPLICATION, TARGET).context)
    bind = S3ArtifactStore.__init__
    monkeypatch.setattr(
        S3ArtifactStore, "__init__", lambda store, session, _, bucket: bind(store, session, target, bucket)
    )
    assert verdict(clouds, Layers.APPLICATION, ATTACKS["ports: read a text"]) == "allowed"


def test_a_ledger_of_a_wrong_partition_is_detected(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"pk": {"S": TARGET}}
    monkeypatch.setattr(DynamoDocumentLedger, "_key", lambda _, sort_key: key | {"sk": {"S": sort_key}})
    for name in ("ports: row", "handlers: show"):
        assert verdict(clouds, Layers.APPLICATION, ATTACKS[name]) == "allowed", name


def test_an_unchecked_state_is_detected(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TenantContext, "for_document", staticmethod(lambda data, _: unchecked_context(data)))
    monkeypatch.setattr(DocumentVersion, "from_dict", staticmethod(lambda _, data: DocumentVersion(**data)))
    attack = ATTACKS["handlers: remove_document, tenant and document differ"]
    assert verdict(clouds, Layers.APPLICATION, attack) == "allowed"


def test_an_unchecked_claim_is_detected(clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TenantContext, "from_dict", staticmethod(unchecked_context))
    attack = ATTACKS["handlers: index_chunks, placement of another"]
    assert verdict(clouds, Layers.APPLICATION, attack) == "allowed"
