"""Grants to read one document: what their sessions may do, and who can use them."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from onggi.adapters.aws import AwsSession
from onggi.adapters.grants import KmsReadingGrants, granted_session, pattern_of, session_policy
from onggi.domain.document import DocumentVersion, document_id_of
from onggi.domain.errors import GrantExpired, TenantMismatch
from onggi.domain.tenant import ChosenSettings, Placement, TenantContext
from onggi.steps.ingestion.grant_reading import grant_reading
from tests.unit.core.fakes import FakeGrants, FakeTenant, tenant_named, version_of

EXPIRES = 1_800_000_000
ROLE = "arn:aws:iam::123456789012:role/onggi-tenant-data-ap-northeast-2"
TOKEN = "IQoJb3JpZ2luX2VjE" * 400
SECRET = "wJalrXUtnFEMI/K7MDENG"
LONGEST_POLICY = 2048
"""Characters of a session policy (STS API reference, AssumeRole)."""
LONGEST_KEY = 1024
"""Bytes of a key (S3 user guide, "Naming Amazon S3 objects")."""
STS_CHARACTERS = re.compile(r"[\u0009\u000A\u000D\u0020-\u00FF]+")


class FakeSts:
    """STS whose tokens are longer than what KMS encrypts at a time."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def assume_role(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        expiration = datetime.fromtimestamp(EXPIRES, UTC)
        credentials = {"AccessKeyId": "ASIA", "SecretAccessKey": SECRET, "SessionToken": TOKEN}
        return {"Credentials": credentials | {"Expiration": expiration}}


class Own:
    """The function's own session."""

    def __init__(self) -> None:
        self.sts = FakeSts()
        self._kms = boto3.client("kms", region_name="us-east-1")

    def client(self, service: str) -> Any:
        return {"sts": self.sts, "kms": self._kms}[service]


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Own()


@pytest.fixture
def key(own: Any) -> str:
    return str(own.client("kms").create_key()["KeyMetadata"]["Arn"])


def issued(own: Any, key: str, tenant: TenantContext, document: DocumentVersion) -> list[str]:
    return KmsReadingGrants(own, ROLE, key, "onggi-TenantTable-1X").issue(tenant, document, [document.version])


def opened(own: Any, key: str, document: DocumentVersion, grant: list[str], **changes: Any) -> AwsSession:
    tenant = changes.pop("tenant", tenant_named("acme"))
    arguments: dict[str, Any] = {"seconds": 290.0, "clock": lambda: EXPIRES - 3600.0} | changes
    return granted_session(own, key, tenant, document, grant, **arguments)


def test_a_grant_is_the_session_that_was_assumed(own: Any, key: str) -> None:
    tenant, document = tenant_named("acme"), version_of(tenant_named("acme"))
    grant = issued(own, key, tenant, document)
    assert own.sts.asked["Tags"] == [{"Key": "TenantId", "Value": "acme"}]
    assert json.loads(own.sts.asked["Policy"])["Statement"]
    assert len(grant) > 1, "the token is longer than what KMS encrypts at a time"
    assert SECRET not in "".join(grant)
    assert TOKEN[:40] not in "".join(grant)
    credentials = opened(own, key, document, grant)._session.get_credentials()
    assert credentials is not None
    assert (credentials.access_key, credentials.secret_key, credentials.token) == ("ASIA", SECRET, TOKEN)


@pytest.mark.parametrize("other", ["tenant", "document", "version", "order"])
def test_a_grant_opens_for_its_document_only(own: Any, key: str, other: str) -> None:
    tenant = tenant_named("acme")
    document = version_of(tenant)
    grant = issued(own, key, tenant, document)
    if other == "tenant":
        tenant = tenant_named("other")
    elif other == "document":
        document = replace(document, document_id="0" * 32)
    elif other == "version":
        document = replace(document, version="v2")
    else:
        grant.reverse()
    with pytest.raises(TenantMismatch):
        opened(own, key, document, grant, tenant=tenant)


@pytest.mark.parametrize(("left", "is_over"), [(291, False), (289, True), (0, True), (-5, True)])
def test_a_grant_that_ends_before_the_function_may_is_over(own: Any, key: str, left: int, *, is_over: bool) -> None:
    document = version_of(tenant_named("acme"))
    grant = issued(own, key, tenant_named("acme"), document)
    if not is_over:
        opened(own, key, document, grant, clock=lambda: float(EXPIRES - left))
        return
    with pytest.raises(GrantExpired) as caught:
        opened(own, key, document, grant, clock=lambda: float(EXPIRES - left))
    assert SECRET not in str(caught.value)


def test_a_grant_names_every_id_under_which_the_version_may_lie(acme: FakeTenant) -> None:
    document = version_of(acme.context)
    assert acme.ledger.claim(document, "e1") == "claimed"
    acme.ledger.rows[document.document_id] = replace(
        acme.ledger.rows[document.document_id], copies={"c1": "v1", "c2": "v1", "other": "v0"}
    )
    grant = grant_reading(acme.context, document, acme.ports, FakeGrants(), 0)
    assert (grant.parts[2:], grant.number) == (["c2", "c1", "v1"], 1)


def longest() -> tuple[TenantContext, DocumentVersion]:
    """A tenant and a document whose names are as long as they may be, in Korean."""
    tenant_id = "a" + "-b" * 30
    stack = "s" * 30 + "-silo-"
    placement = Placement(
        stack.ljust(53, "d") + "-documents", stack.ljust(53, "a") + "-artifacts", stack.ljust(63, "v"), tenant_id, stack
    )
    tenant = TenantContext(tenant_id, "긴", "premium", placement, ChosenSettings(ocr=True))
    room = LONGEST_KEY - len(tenant.prefix)
    name = "규" * (room // 3) + "a" * (room % 3)
    document = replace(
        version_of(tenant), key=tenant.prefix + name, document_id=document_id_of(tenant, tenant.prefix + name)
    )
    return tenant, replace(document, version="V" * 32)


def test_the_longest_policy_is_one_that_sts_takes() -> None:
    tenant, document = longest()
    assert len(document.key.encode()) == LONGEST_KEY
    assert len(tenant.placement.documents_bucket) == 63
    objects = [f"{number:032}" for number in range(20)]
    policy = session_policy(tenant, document, objects, "aws-us-gov", "t" * 255)
    assert len(policy) <= LONGEST_POLICY
    assert STS_CHARACTERS.fullmatch(policy)


def statements(policy: str) -> dict[str, dict[str, Any]]:
    found = {}
    for statement in json.loads(policy)["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert action not in found
            found[action] = statement
    return found


def test_a_session_may_read_its_document_and_write_its_text() -> None:
    tenant = tenant_named("acme")
    document = version_of(tenant)
    allowed = statements(session_policy(tenant, document, ["c1", "v1"], "aws", "tenants"))
    assert set(allowed) == {
        "s3:GetObjectVersion",
        "s3:ListBucketVersions",
        "s3:PutObject",
        "s3:DeleteObject",
        "dynamodb:GetItem",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }
    read = allowed["s3:GetObjectVersion"]
    assert read["Condition"] == {"StringEquals": {"s3:VersionId": ["c1", "v1"]}}
    assert read["Resource"] == f"arn:aws:s3:::{tenant.placement.documents_bucket}/tenants/acme/*"
    text = f"arn:aws:s3:::{tenant.placement.artifacts_bucket}/tenants/acme/{document.document_id}/v1/text"
    assert allowed["s3:PutObject"]["Resource"] == [f"{text}.txt", f"{text}.json"]
    assert allowed["kms:Decrypt"]["Condition"] == {"StringLike": {"kms:ViaService": "s3.*"}}


@pytest.mark.parametrize("ocr", [False, True])
def test_a_session_calls_models_only_where_pages_are_recognised(*, ocr: bool) -> None:
    tenant = replace(tenant_named("acme"), chosen_settings=ChosenSettings(ocr=ocr))
    allowed = statements(session_policy(tenant, version_of(tenant), ["v1"], "aws", "tenants"))
    assert ("bedrock:InvokeModel" in allowed) == ocr


def matches(pattern: str, value: str) -> bool:
    """Whether IAM's `StringLike` holds, for a pattern whose only variables are escapes."""
    parts = re.findall(r"\$\{[*?$]\}|.", pattern, re.DOTALL)
    wild = {"*": ".*", "?": "."}
    expression = "".join(wild.get(part) or re.escape(part[2] if len(part) > 1 else part) for part in parts)
    return re.fullmatch(expression, value, re.DOTALL) is not None


KEYS = st.text(st.sampled_from(["*", "?", "$", "{", "}", "a", "규", "😀", '"', "\\", "/", "\u200b"]), min_size=1)


@given(KEYS, KEYS)
def test_a_short_pattern_matches_its_key_and_no_other(name: str, other: str) -> None:
    key = f"tenants/acme/{name[:20]}"
    assert matches(pattern_of(key), key)
    assert matches(pattern_of(key), f"tenants/acme/{other}") == (f"tenants/acme/{other}" == key)


@pytest.mark.parametrize("name", ["${aws:PrincipalTag/TenantId}", "*", "?", "a*b?c", "$", "${*}", "$${?}"])
def test_characters_that_mean_something_are_escaped(name: str) -> None:
    key = f"tenants/acme/{name}"
    pattern = pattern_of(key)
    assert matches(pattern, key)
    assert not matches(pattern, "tenants/acme/anything")
    left = re.sub(r"\$\{[*?$]\}", "", pattern)
    assert not set("*?$") & set(left)


@given(st.text(min_size=300, max_size=600))
def test_a_long_pattern_stays_within_what_its_key_begins_with(name: str) -> None:
    key = f"tenants/acme/{name}"
    pattern = pattern_of(key)
    assert matches(pattern, key)
    assert len(json.dumps(pattern)) - 2 <= 200
    literal = re.sub(r"\$\{([*?$])\}", r"\1", pattern.removesuffix("*"))
    assert key.startswith(literal)
    assert literal.startswith("tenants/acme/")


def test_the_pattern_of_the_longest_key_of_the_longest_tenant_keeps_to_the_tenant() -> None:
    tenant, document = longest()
    assert pattern_of(document.key).startswith(tenant.prefix)


def test_patterns_of_keys_that_grow_go_on_matching() -> None:
    keys = ["tenants/acme/" + "가" * length for length in range(1, 60)]
    for shorter, longer in pairwise(keys):
        assert matches(pattern_of(longer), longer)
        assert matches(pattern_of(shorter), longer) == pattern_of(shorter).endswith("*")
