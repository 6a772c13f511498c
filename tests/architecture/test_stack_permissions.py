"""What CloudFormation may do, against the schemas of its resource types.

Each schema lists the permissions that the handlers of its type use. cfn-lint ships the schemas, in the environment of
`sam`.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from tests.deployment_template import REPOSITORY, resources, template, tenant_stack

REGION = "ap-northeast-2"
HANDLERS = ("create", "read", "delete")
"""What happens to the stack of a premium tenant, which is never updated or listed."""

PROPERTIES = {
    "kms:DisableKey": {"Enabled"},
    "iam:PassRole": {"ReplicationConfiguration"},
    "s3:CreateBucketMetadataTableConfiguration": {"MetadataTableConfiguration", "MetadataConfiguration"},
    "s3:GetBucketAcl": {"AccessControl", "LoggingConfiguration"},
    "s3:PutAccelerateConfiguration": {"AccelerateConfiguration"},
    "s3:PutAnalyticsConfiguration": {"AnalyticsConfigurations"},
    "s3:PutBucketAbac": {"AbacStatus"},
    "s3:PutBucketCORS": {"CorsConfiguration"},
    "s3:PutBucketLogging": {"LoggingConfiguration"},
    "s3:PutBucketObjectLockConfiguration": {"ObjectLockConfiguration", "ObjectLockEnabled"},
    "s3:PutBucketOwnershipControls": {"OwnershipControls"},
    "s3:PutBucketReplication": {"ReplicationConfiguration"},
    "s3:PutBucketWebsite": {"WebsiteConfiguration"},
    "s3:PutIntelligentTieringConfiguration": {"IntelligentTieringConfigurations"},
    "s3:PutInventoryConfiguration": {"InventoryConfigurations"},
    "s3:PutMetricsConfiguration": {"MetricsConfigurations"},
    "s3:PutObjectAcl": {"AccessControl"},
    "s3:PutObjectLockConfiguration": {"ObjectLockConfiguration", "ObjectLockEnabled"},
    "s3:PutReplicationConfiguration": {"ReplicationConfiguration"},
    "s3tables:*": {"MetadataTableConfiguration", "MetadataConfiguration"},
}
"""Permissions that a handler uses for some properties only, which a premium tenant's stack does not have."""

REFUSED = {"s3:DeleteObject"}
"""The handler that makes a bucket lists it, but a new bucket holds no object. The role may not delete uploads."""

SAM_MAKES = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::Events::Rule",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::StepFunctions::StateMachine",
}
"""What the resources of AWS::Serverless become."""

UNUSED_SERVICES = {
    *("ec2", "elasticfilesystem", "firehose", "kinesis", "s3files", "s3tables"),
    *("amplify", "apprunner", "appsync", "bedrock-agentcore", "elasticloadbalancing"),
}
"""They serve properties that the template does not have (networks, file systems, streams, tables of metadata), and
other things than an API that a web ACL can stand before."""


@cache
def schema(kind: str) -> dict[str, Any]:
    """The schema of a resource type in the region."""
    (folder,) = REPOSITORY.glob(".venvs/sam/lib/python3*/site-packages/cfnlint/data/schemas")
    known = json.loads((folder / "providers" / f"{REGION}.json").read_text(encoding="utf-8"))
    read: dict[str, Any] = json.loads((folder / "resources" / f"{known[kind]}.json").read_text(encoding="utf-8"))
    return read


def used(kind: str) -> set[str]:
    """The permissions that the handlers of a type use for a stack that is made and removed."""
    handlers = schema(kind)["handlers"]
    return {permission for name in HANDLERS for permission in handlers.get(name, {}).get("permissions", ())}


def silo_types() -> dict[str, set[str]]:
    """The types in a premium tenant's stack, and the properties that it gives any of them."""
    found: dict[str, set[str]] = {}
    for resource in tenant_stack()["Resources"].values():
        found.setdefault(resource["Type"], set()).update(resource.get("Properties", {}))
    return found


def granted() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each action that the stack's role is allowed, with its statement."""
    (policy,) = resources("AWS::IAM::Role")["SiloRole"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        assert statement["Effect"] == "Allow"
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            yield action, statement


def needless(permission: str, given: set[str]) -> bool:
    """Whether a permission serves only properties that are not given."""
    return any(fnmatchcase(permission, name) and not given & wanted for name, wanted in PROPERTIES.items())


@pytest.mark.parametrize("kind", sorted(silo_types()))
def test_the_role_of_a_premium_tenants_stack_may_what_its_handlers_use(kind: str) -> None:
    given, allowed = silo_types()[kind], {action for action, _ in granted()}
    needed = {permission for permission in used(kind) if not needless(permission, given)}
    assert needed - allowed - REFUSED == set()


def test_the_role_of_a_premium_tenants_stack_may_nothing_else() -> None:
    # S3 Vectors asks KMS to decrypt as well, by its user guide; the schema does not list it.
    named = {permission for kind in silo_types() for permission in used(kind)} | {"kms:Decrypt"}
    assert {action for action, _ in granted()} - named == set()
    assert REFUSED.isdisjoint(action for action, _ in granted())


def test_properties_that_permissions_serve_are_those_of_the_schemas() -> None:
    known = {name for kind in silo_types() for name in schema(kind)["properties"]}
    assert set().union(*PROPERTIES.values()) <= known
    every = {permission for kind in silo_types() for permission in used(kind)}
    assert {name for name in PROPERTIES if not any(fnmatchcase(each, name) for each in every)} == set()
    assert every >= REFUSED


def test_the_role_uses_the_keys_of_tenants_through_s3_vectors_alone() -> None:
    for wanted in ("kms:GenerateDataKey", "kms:Decrypt"):
        (statement,) = [each for action, each in granted() if action == wanted]
        assert statement["Condition"]["StringLike"] == {"aws:ResourceTag/TenantId": "?*"}
        via = statement["Condition"]["StringEquals"]["kms:ViaService"]
        assert via == {"Fn::Sub": "s3vectors.${AWS::Region}.amazonaws.com"}


def deployed_types() -> set[str]:
    """The types of the template that need no transform; SAM writes the others out when it deploys."""
    return {each["Type"] for each in template()["Resources"].values() if "::Serverless::" not in each["Type"]}


def deploying_services() -> set[str]:
    """The services that the one who deploys needs rights in, as the manual lists them."""
    text = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("To deploy the stack you need rights")]
    return set(line.split("`")[1::2])


@pytest.mark.parametrize("kind", sorted(deployed_types() | SAM_MAKES))
def test_who_deploys_knows_the_services_that_need_rights(kind: str) -> None:
    services = {permission.partition(":")[0] for permission in used(kind)}
    assert services
    assert services - UNUSED_SERVICES - deploying_services() == set()


def test_the_key_of_grants_lets_cloudformation_do_what_its_handlers_do() -> None:
    """Its policy names what the account may do, which is less than everything."""
    (key,) = resources("AWS::KMS::Key").values()
    (administration,) = [each for each in key["KeyPolicy"]["Statement"] if each["Sid"] == "Administration"]
    handlers = schema("AWS::KMS::Key")["handlers"]
    used_on_the_key = {
        permission
        for name in ("create", "read", "update", "delete")
        for permission in handlers[name]["permissions"]
        if permission.startswith("kms:")
    }
    assert used_on_the_key - set(administration["Action"]) <= {"kms:CreateKey"}, "which is on no key yet"
