"""A stack that is upgraded in place keeps what it holds: CloudFormation replaces what has another id, name or key."""

from typing import Any

import pytest

from tests.deployment_template import EARLIER_NAMES, template, tenant_stack

type Json = dict[str, Any]

NAMING = ("BucketName", "TableName", "KeySchema", "VectorBucketName", "UserPoolName")
"""Properties whose change makes CloudFormation replace a resource that holds data."""
HOLDS_DATA = (
    "AWS::S3::Bucket",
    "AWS::S3Vectors::VectorBucket",
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
    "AWS::KMS::Key",
    "AWS::SQS::Queue",
)
KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
LANDED: dict[str, dict[str, Json]] = {
    "stack": {
        "DocumentsBucket": {},
        "ArtifactsBucket": {},
        "VectorBucket": {},
        "ControlTable": {"KeySchema": KEYS},
        "TenantTable": {"KeySchema": KEYS},
        "UndeliveredEvents": {},
        "UserPool": {"UserPoolName": {"Fn::Sub": "${AWS::StackName}-users"}},
    },
    "tenant stack": {
        "Key": {},
        "Documents": {"BucketName": {"Fn::Sub": "${AWS::StackName}-documents"}},
        "Artifacts": {"BucketName": {"Fn::Sub": "${AWS::StackName}-artifacts"}},
        "Vectors": {"VectorBucketName": {"Fn::Sub": "${AWS::StackName}-vectors"}},
    },
}
"""What holds data in the stacks of version 0.1.0, by logical id, with the properties that would replace it."""
LANDED_WORKFLOWS: dict[str, str] = {
    "Ingestion": "RegisterDocument ExtractText ChunkText EmbedChunks IndexChunks PublishDocument DescribeDocument "
    "RemoveDocument RecordFailure",
    "Onboarding": "ValidateTenant PlaceTenant ProvisionTenant VerifyTenant ActivateTenant ReleaseUploads "
    "RecordTenantFailure",
    "Resumption": "ReleaseUploads RecordTenantFailure",
    "Relocation": "PlaceTenant ProvisionTenant VerifyTenant HoldUploads CountTenantData CopyTenantData SwitchPlacement "
    "CarryOverUploads ReleaseUploads RemoveTenantData CloseMove RecordTenantFailure",
    "Offboarding": "CountTenantData ExportTenantData RemoveTenantData CloseTenant RecordTenantFailure",
}
"""The functions that the workflows of version 0.1.0 call, by their logical ids."""
TEMPLATES = {"stack": template()["Resources"], "tenant stack": tenant_stack()["Resources"]}


@pytest.mark.parametrize(("stack", "name"), [(stack, name) for stack, landed in LANDED.items() for name in landed])
def test_what_holds_data_is_updated_in_place(stack: str, name: str) -> None:
    properties = TEMPLATES[stack][name].get("Properties", {})
    landed = LANDED[stack][name]
    assert {field: properties[field] for field in NAMING if field in properties} == landed


@pytest.mark.parametrize("stack", TEMPLATES)
def test_what_is_replaced_all_the_same_is_not_lost(stack: str) -> None:
    holding = {name: each for name, each in TEMPLATES[stack].items() if each["Type"] in HOLDS_DATA}
    assert holding.keys() >= LANDED[stack].keys()
    assert {name for name, each in holding.items() if each.get("UpdateReplacePolicy") != "Retain"} == set()


@pytest.mark.parametrize("workflow", LANDED_WORKFLOWS)
def test_executions_in_flight_still_find_their_functions(workflow: str) -> None:
    """They follow the definition and the role with which they began (Step Functions developer guide, "Updating")."""
    machine = TEMPLATES["stack"][f"{workflow}StateMachine"]["Properties"]
    assert "Role" not in machine  # SAM makes one by the machine's logical id, which CloudFormation updates in place
    statements = machine["Policies"][0]["Statement"]
    (allowed,) = [each["Resource"] for each in statements if each["Action"] == "lambda:InvokeFunction"]
    for function in LANDED_WORKFLOWS[workflow].split():
        assert TEMPLATES["stack"][function]["Type"] == "AWS::Serverless::Function"
        assert "FunctionName" not in TEMPLATES["stack"][function]["Properties"]
        assert {"Fn::GetAtt": f"{function}.Arn"} in allowed or {"Fn::GetAtt": [function, "Arn"]} in allowed


@pytest.mark.parametrize(("earlier", "present"), EARLIER_NAMES.items())
def test_a_function_is_the_same_under_its_earlier_name(earlier: str, present: str) -> None:
    kept, function = TEMPLATES["stack"][earlier], TEMPLATES["stack"][present]
    assert kept["Metadata"] == function["Metadata"]
    described = {"Description": kept["Properties"]["Description"]}
    assert kept["Properties"] == function["Properties"] | described


def test_users_keep_their_attributes() -> None:
    """An attribute of a user pool can be added, but not changed or taken away (Cognito developer guide)."""
    (attribute,) = TEMPLATES["stack"]["UserPool"]["Properties"]["Schema"]
    assert (attribute["Name"], attribute["AttributeDataType"], attribute["Mutable"]) == ("tenant_id", "String", False)


def needed_first(name: str) -> set[str]:
    """The resources that CloudFormation updates before this one."""
    resource = TEMPLATES["stack"][name]
    named = resource.get("DependsOn", [])
    return {named} if isinstance(named, str) else set(named)


def test_an_upgrade_replaces_what_reads_files_before_it_takes_its_role_away() -> None:
    """Executions in flight run by definitions that know no grants; RecordFailure lets them begin again.

    So its new code is there first, then that of ExtractText, which refuses them. Only then the role for tenants' data
    trusts ExtractText no more, and the new definition comes last, when the role trusts whatever it calls.
    """
    assert "RecordFailure" in needed_first("ExtractText")
    assert "ExtractText" in needed_first("TenantDataRole")
    assert "TenantDataRole" in needed_first("IngestionStateMachine")
