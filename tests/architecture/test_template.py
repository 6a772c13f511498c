"""What the template promises: nothing but a tenant's own session reaches a tenant's data, and nothing lies open."""

from typing import Any

import pytest

from tests.deployment_template import resources, template

FUNCTIONS = resources("AWS::Serverless::Function")
BUCKETS = resources("AWS::S3::Bucket")
TABLES = resources("AWS::DynamoDB::Table")
OUTPUTS = {
    "ApiUrl",
    "DocumentsBucketName",
    "ArtifactsBucketName",
    "VectorBucketName",
    "IngestionStateMachineArn",
    "TenantDataRoleArn",
    "TenantTableName",
    "ControlTableName",
    "UserPoolId",
    "UserPoolClientId",
    "DashboardName",
}
TENANT_DATA_ROLE = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-tenant-data"}
CONTROL_TABLE = {"Fn::GetAtt": "ControlTable.Arn"}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(properties: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in properties["Policies"] for statement in policy["Statement"]]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_no_rights_on_tenants_data(name: str) -> None:
    for statement in statements(FUNCTIONS[name]):
        actions, resource = set(as_list(statement["Action"])), statement["Resource"]
        if actions == {"sts:AssumeRole", "sts:TagSession"}:
            assert resource == TENANT_DATA_ROLE
        elif all(action.startswith("dynamodb:") for action in actions):
            assert resource == CONTROL_TABLE
            assert not any("*" in action or action in {"dynamodb:Scan", "dynamodb:DeleteItem"} for action in actions)
        else:
            assert (name, actions) == ("Tenants", {"s3vectors:CreateIndex"})


def test_only_functions_that_need_it_may_take_a_tenants_session() -> None:
    trust = resources("AWS::IAM::Role")["TenantDataRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert len(trust) == 1
    trusted = {principal["Fn::GetAtt"] for principal in trust[0]["Principal"]["AWS"]}
    users = {name for name in FUNCTIONS if any(s["Resource"] == TENANT_DATA_ROLE for s in statements(FUNCTIONS[name]))}
    assert trusted == {f"{name}Role.Arn" for name in users}
    assert users == set(FUNCTIONS) - {"Authorize", "Tenants"}
    assert trust[0]["Condition"]["ForAllValues:StringEquals"] == {"aws:TagKeys": ["TenantId"]}
    assert trust[0]["Condition"]["StringLike"] == {"aws:RequestTag/TenantId": "?*"}


def test_every_right_of_a_tenants_session_is_bound_to_its_tag() -> None:
    policies = resources("AWS::IAM::Role")["TenantDataRole"]["Policies"]
    for statement in (statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]):
        if as_list(statement["Action"]) == ["bedrock:InvokeModel"]:
            continue
        bound_by_name = all("aws:PrincipalTag/TenantId" in str(name) for name in as_list(statement["Resource"]))
        bound_by_condition = "${aws:PrincipalTag/TenantId}" in str(statement.get("Condition"))
        assert bound_by_name or bound_by_condition, statement["Sid"]
        assert not any(action.endswith("*") for action in as_list(statement["Action"])), statement["Sid"]


def test_an_absent_leading_key_opens_nothing() -> None:
    # ForAllValues holds for a request without the key, which only the Null condition keeps out.
    everything = [statement for name in FUNCTIONS for statement in statements(FUNCTIONS[name])]
    for policy in resources("AWS::IAM::Role")["TenantDataRole"]["Policies"]:
        everything += policy["PolicyDocument"]["Statement"]
    guarded = [s["Condition"] for s in everything if "dynamodb:LeadingKeys" in str(s.get("Condition"))]
    assert guarded
    assert all(condition["Null"] == {"dynamodb:LeadingKeys": "false"} for condition in guarded)


def test_the_workflow_reads_manifests_and_no_tenants_data() -> None:
    machine = resources("AWS::Serverless::StateMachine")["IngestionStateMachine"]
    data = [s for s in statements(machine) if any(a.startswith(("s3:", "dynamodb:")) for a in as_list(s["Action"]))]
    assert [(s["Action"], s["Resource"]) for s in data] == [
        ("s3:GetObject", {"Fn::Sub": "${ArtifactsBucket.Arn}/manifests/*"})
    ]
    wild = {action for s in statements(machine) if s["Resource"] == "*" for action in as_list(s["Action"])}
    assert all(action.startswith(("logs:", "xray:")) for action in wild)


@pytest.mark.parametrize("name", BUCKETS)
def test_a_bucket_is_versioned_encrypted_closed_and_tells_eventbridge(name: str) -> None:
    bucket = BUCKETS[name]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["NotificationConfiguration"]["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}
    policy = resources("AWS::S3::BucketPolicy")[f"{name}Policy"]["PolicyDocument"]["Statement"]
    assert [(s["Effect"], s["Condition"]) for s in policy] == [("Deny", {"Bool": {"aws:SecureTransport": "false"}})]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_recoverable_encrypted_and_protected_by_a_parameter(name: str) -> None:
    table = TABLES[name]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


def test_every_log_is_forgotten_one_day() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert {group["RetentionInDays"]["Ref"] for group in groups.values()} == {"RetentionDays"}
    written = {function["LoggingConfig"]["LogGroup"]["Ref"] for function in FUNCTIONS.values()}
    assert written <= set(groups)


def test_the_outputs_are_those_of_the_contract() -> None:
    assert set(template()["Outputs"]) == OUTPUTS


def test_operators_routes_take_signatures_and_all_others_the_tenants_credential() -> None:
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            authorizer = event["Properties"].get("Auth", {}).get("Authorizer")
            assert authorizer == ("AWS_IAM" if "/admin/" in event["Properties"]["Path"] else None), name
    assert resources("AWS::Serverless::Api")["Api"]["Auth"]["DefaultAuthorizer"] == "Tenant"


DATA_ACTIONS = ("s3:", "dynamodb:", "s3vectors:", "kms:", "bedrock:")
TENANT_RESOURCES = ("DocumentsBucket", "TenantTable", "VectorBucket", "ArtifactsBucket")
OUTSIDE_TENANTS = {
    ("IngestionStateMachine", "s3:GetObject", "${ArtifactsBucket.Arn}/manifests/*"),
    ("Tenants", "s3vectors:CreateIndex", "VectorBucket.VectorBucketArn"),
    ("Tenants", "s3vectors:CreateIndex", "${VectorBucket.VectorBucketArn}/index/*"),
}
"""Numbers of batches, which the workflow's Map reads, and the making of new, empty indexes."""
ROLES = {**FUNCTIONS, **resources("AWS::Serverless::StateMachine")}


def grants(properties: dict[str, Any]) -> list[tuple[str, str]]:
    """Every pair of an action and a resource that a role of a function or state machine is allowed."""
    allowed = [statement for statement in statements(properties) if statement["Effect"] == "Allow"]
    return [
        (action, resource if isinstance(resource, str) else str(next(iter(resource.values()))))
        for statement in allowed
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    ]


@pytest.mark.parametrize("name", ROLES)
def test_no_role_of_a_function_or_a_workflow_reaches_a_tenants_data(name: str) -> None:
    reaching = {
        (name, action, resource)
        for action, resource in grants(ROLES[name])
        if action.startswith(DATA_ACTIONS) and (resource == "*" or any(each in resource for each in TENANT_RESOURCES))
    }
    assert reaching <= OUTSIDE_TENANTS
    assert not any("*" in action for action, _ in grants(ROLES[name]))
    wild = {action.partition(":")[0] for action, resource in grants(ROLES[name]) if resource == "*"}
    assert wild <= {"logs", "xray"}


@pytest.mark.parametrize("name", ROLES)
def test_a_role_has_no_rights_but_those_written_here(name: str) -> None:
    """What SAM's policy templates, managed policies and connectors give would be seen by no test of this file."""
    assert not {"Role", "PermissionsBoundary", "Connectors"} & ROLES[name].keys()
    for policy in ROLES[name]["Policies"]:
        assert policy.keys() == {"Version", "Statement"}
        assert all("NotAction" not in each and "NotResource" not in each for each in policy["Statement"])


def test_nothing_else_is_trusted_with_a_tenants_session() -> None:
    roles = resources("AWS::IAM::Role")
    assert set(roles) == {"TenantDataRole", "ApiGatewayLogRole"}
    (trust,) = roles["TenantDataRole"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust.keys() == {"Effect", "Principal", "Action", "Condition"}
    assert trust["Principal"].keys() == {"AWS"}
    assert set(trust["Action"]) == {"sts:AssumeRole", "sts:TagSession"}
    assert not {"ManagedPolicyArns", "PermissionsBoundary"} & roles["TenantDataRole"].keys()
    assert roles["ApiGatewayLogRole"].keys() == {"Description", "AssumeRolePolicyDocument", "ManagedPolicyArns"}
    assert not resources("AWS::IAM::Policy") and not resources("AWS::IAM::ManagedPolicy")  # noqa: PT018 - one statement
