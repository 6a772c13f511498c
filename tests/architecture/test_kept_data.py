"""What the template keeps: no bucket lies open or is lost by mistake, and no entry of the audit trail is replaced."""

import tomllib
from typing import Any

import pytest

from tests.deployment_template import REPOSITORY, grants, resources, role_statements, template

BUCKETS = resources("AWS::S3::Bucket")
SHARED_BUCKETS = ("DocumentsBucket", "ArtifactsBucket")
WORKERS = {**resources("AWS::Serverless::Function"), **resources("AWS::Serverless::StateMachine")}
ROLES = ("TenantDataRole", "TenantKeysRole", "OffboardingRole", "SiloRole")


def bucket_policy(name: str) -> list[dict[str, Any]]:
    policy = resources("AWS::S3::BucketPolicy")[f"{name}Policy"]
    assert policy["Bucket"] == {"Ref": name}
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def whole(name: str) -> list[dict[str, str]]:
    """A bucket and all that is in it."""
    return [{"Fn::GetAtt": f"{name}.Arn"}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_versioned_encrypted_and_closed(name: str) -> None:
    bucket = BUCKETS[name]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    tls = bucket_policy(name)[0]
    assert (tls["Effect"], tls["Principal"], tls["Action"], tls["Resource"]) == ("Deny", "*", "s3:*", whole(name))
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@pytest.mark.parametrize("name", SHARED_BUCKETS)
def test_a_bucket_of_tenants_tells_eventbridge(name: str) -> None:
    notified = BUCKETS[name]["NotificationConfiguration"]["EventBridgeConfiguration"]
    assert notified == {"EventBridgeEnabled": True}


@pytest.mark.parametrize("name", SHARED_BUCKETS)
def test_a_bucket_is_protected_by_the_parameter_as_tables_are(name: str) -> None:
    """CloudFormation removes a policy before its bucket, so that the policy has to be retained."""
    _, protection = bucket_policy(name)
    condition, statement, otherwise = protection["Fn::If"]
    assert (condition, otherwise) == ("Protected", {"Ref": "AWS::NoValue"})
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert (statement["Action"], statement["Resource"]) == ("s3:DeleteBucket", {"Fn::GetAtt": f"{name}.Arn"})
    assert template()["Resources"][f"{name}Policy"]["DeletionPolicy"] == "RetainExceptOnCreate"


def test_what_holds_data_is_protected_in_production() -> None:
    samconfig = tomllib.loads((REPOSITORY / "samconfig.toml").read_text(encoding="utf-8"))
    overrides = samconfig["prod"]["deploy"]["parameters"]["parameter_overrides"]
    assert "DeletionProtection=true" in overrides
    assert template()["Conditions"]["Protected"] == {"Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]}
    pool = resources("AWS::Cognito::UserPool")["UserPool"]
    assert pool["DeletionProtection"] == {"Fn::If": ["Protected", "ACTIVE", "INACTIVE"]}


def test_the_bucket_of_the_audit_trail_takes_new_objects_and_loses_none() -> None:
    _, new, removal, writers = bucket_policy("AuditBucket")
    assert {each["Effect"] for each in (new, removal, writers)} == {"Deny"}
    assert (new["Principal"], new["Action"], new["Resource"]) == ("*", "s3:PutObject", whole("AuditBucket")[1])
    assert new["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert (removal["Principal"], removal["Resource"]) == ("*", whole("AuditBucket"))
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:DeleteBucket"} == set(removal["Action"])
    assert removal.keys() == {"Sid", "Effect", "Principal", "Action", "Resource"}, "no condition opens it"
    assert writers["Principal"] == {"AWS": [{"Fn::GetAtt": "TenantsRole.Arn"}, {"Fn::GetAtt": "TenantKeysRole.Arn"}]}
    assert set(writers["NotAction"]) == {"s3:PutObject", "s3:GetObject", "s3:ListBucket"}
    assert writers["Resource"] == whole("AuditBucket")
    assert "LifecycleConfiguration" not in BUCKETS["AuditBucket"]


def test_the_audit_trail_outlives_the_stack() -> None:
    for name in ("AuditBucket", "AuditBucketPolicy"):
        resource = template()["Resources"][name]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_nobody_but_operators_and_owners_reaches_the_bucket_of_the_audit_trail() -> None:
    reaching = {
        (name, action, resource)
        for name, worker in WORKERS.items()
        for action, resource in grants(worker)
        if "AuditBucket" in resource
    }
    assert reaching == {
        ("Tenants", "s3:PutObject", "${AuditBucket.Arn}/*"),
        ("Tenants", "s3:GetObject", "${AuditBucket.Arn}/*"),
        ("Tenants", "s3:ListBucket", "AuditBucket.Arn"),
    }
    sessions = [(role, s) for role in ROLES for s in role_statements(role) if "AuditBucket" in str(s)]
    ((role, statement),) = sessions
    assert (role, statement["Action"]) == ("TenantKeysRole", "s3:PutObject")
    assert statement["Resource"] == {"Fn::Sub": "${AuditBucket.Arn}/${!aws:PrincipalTag/TenantId}/*"}
