"""What the template promises: nothing but a tenant's own session reaches a tenant's data, and nothing lies open."""

from fnmatch import fnmatch
from typing import Any

import pytest

from onggi.steps.tenancy.tenants import Silo
from tests.deployment_template import (
    EARLIER_NAMES,
    as_list,
    grants,
    resources,
    role_statements,
    statements,
    template,
    tenant_stack,
)
from tests.handlers import routes

FUNCTIONS = resources("AWS::Serverless::Function")
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
    "AuditBucketName",
    "OperatorPolicyArn",
    "UserPoolId",
    "UserPoolClientId",
    "DashboardName",
}
TENANT_DATA_ROLE = {
    "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-tenant-data-${AWS::Region}"
}
TENANT_KEYS_ROLE = {
    "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-tenant-keys-${AWS::Region}"
}
OFFBOARDING_ROLE = {
    "Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-offboarding-${AWS::Region}"
}
SILO_ROLE = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/${AWS::StackName}-silo-${AWS::Region}"}
SILO_STACKS = {
    "Fn::Sub": "arn:${AWS::Partition}:cloudformation:${AWS::Region}:${AWS::AccountId}:stack/${AWS::StackName}-silo-*/*"
}
SESSION_ROLES = ("TenantDataRole", "TenantKeysRole", "OffboardingRole")
CONTROL_TABLE = {"Fn::GetAtt": "ControlTable.Arn"}
LOOK_AT_STACKS = {"cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"}
OPERATORS_RIGHTS = {
    "Tenants": [
        {"states:StartExecution"},
        {"states:DescribeExecution"},
        {"s3:PutObject", "s3:GetObject"},
        {"s3:ListBucket"},
    ],
    "ProvisionTenant": [
        {"s3vectors:CreateIndex"},
        {"kms:Decrypt", "kms:GenerateDataKey"},
        {
            "cloudformation:CreateStack",
            "cloudformation:DeleteStack",
            "cloudformation:DescribeStacks",
            "cloudformation:DescribeStackEvents",
            "cloudformation:TagResource",
        },
        {"iam:PassRole"},
    ],
    "ProcessDeferredEvents": [{"states:StartExecution"}, {"states:DescribeExecution"}],
    "RecordFailure": [
        {"states:StartExecution", "states:DescribeStateMachine"},
        {"states:DescribeExecution", "states:DescribeStateMachineForExecution"},
    ],
    "CountTenantData": [LOOK_AT_STACKS, {"states:DescribeExecution"}, {"cognito-idp:ListUsers"}],
    "RemoveTenantData": [LOOK_AT_STACKS, {"cognito-idp:ListUsers", "cognito-idp:AdminDeleteUser"}],
    "CloseTenant": [LOOK_AT_STACKS, {"cognito-idp:ListUsers"}],
    "CloseMove": [LOOK_AT_STACKS],
}
"""Rights besides sessions of tenants and the control table, and whose they are."""
ROLES_OF_SESSIONS = (*SESSION_ROLES, "SiloRole")
DELETABLE = {"WAITING#*", "TENANTS", "POOLS", "RECEIPT#*"}
"""Where functions may delete in the control table: never a key, which only a session of its tenant reaches."""
OFFBOARDING = {"CountTenantData", "RemoveTenantData", "CloseTenant", "CloseMove"}
WITHOUT_SESSIONS = {
    "Contract",
    "Authorize",
    "Tenants",
    "PlaceTenant",
    "ProvisionTenant",
    "ActivateTenant",
    "ProcessDeferredEvents",
    "ReleaseUploads",
    "RecordTenantFailure",
    "PauseUploads",
    "HoldUploads",
    "SwitchPlacement",
    "ExtractText",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_no_rights_on_tenants_data(name: str) -> None:
    for statement in statements(FUNCTIONS[name]):
        actions, resource = set(as_list(statement["Action"])), statement["Resource"]
        if actions == {"sts:AssumeRole", "sts:TagSession"}:
            assert resource in (TENANT_DATA_ROLE, TENANT_KEYS_ROLE, OFFBOARDING_ROLE)
        elif all(action.startswith("dynamodb:") for action in actions):
            assert resource == CONTROL_TABLE
            assert not any("*" in action or action == "dynamodb:Scan" for action in actions)
            if "dynamodb:DeleteItem" in actions:
                leading_keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                assert set(leading_keys) <= DELETABLE
        else:
            assert actions in OPERATORS_RIGHTS[EARLIER_NAMES.get(name, name)]
            if any(action.startswith("cloudformation:") for action in actions):
                assert resource == SILO_STACKS


@pytest.mark.parametrize(
    ("role", "arn", "expected"),
    [
        ("TenantDataRole", TENANT_DATA_ROLE, set(FUNCTIONS) - WITHOUT_SESSIONS - OFFBOARDING - {"Keys"}),
        ("TenantKeysRole", TENANT_KEYS_ROLE, {"Keys"}),
        ("OffboardingRole", OFFBOARDING_ROLE, OFFBOARDING),
    ],
)
def test_only_functions_that_need_it_may_take_a_tenants_session(
    role: str, arn: dict[str, str], expected: set[str]
) -> None:
    trust = resources("AWS::IAM::Role")[role]["AssumeRolePolicyDocument"]["Statement"]
    assert len(trust) == 1
    trusted = {principal["Fn::GetAtt"] for principal in trust[0]["Principal"]["AWS"]}
    users = {name for name in FUNCTIONS if any(s["Resource"] == arn for s in statements(FUNCTIONS[name]))}
    assert trusted == {f"{name}Role.Arn" for name in users}
    assert users == expected
    assert trust[0]["Condition"]["ForAllValues:StringEquals"] == {"aws:TagKeys": ["TenantId"]}
    assert trust[0]["Condition"]["StringLike"] == {"aws:RequestTag/TenantId": "?*"}


@pytest.mark.parametrize("role", SESSION_ROLES)
def test_every_right_of_a_tenants_session_is_bound_to_its_tag(role: str) -> None:
    policies = resources("AWS::IAM::Role")[role]["Policies"]
    for statement in (statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]):
        if as_list(statement["Action"]) == ["bedrock:InvokeModel"]:
            continue
        bound_by_name = all("aws:PrincipalTag/TenantId" in str(name) for name in as_list(statement["Resource"]))
        bound_by_condition = "${aws:PrincipalTag/TenantId}" in str(statement.get("Condition"))
        assert bound_by_name or bound_by_condition, statement["Sid"]
        assert not any(action.endswith("*") for action in as_list(statement["Action"])), statement["Sid"]


PROFILE = "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:inference-profile/${GenerationModelId}"
MODEL = "arn:${AWS::Partition}:bedrock:%s::foundation-model/%s"


def model_statements() -> list[dict[str, Any]]:
    (policy,) = resources("AWS::IAM::Role")["TenantDataRole"]["Policies"]
    return [s for s in policy["PolicyDocument"]["Statement"] if "bedrock:InvokeModel" in as_list(s["Action"])]


def test_a_session_may_use_the_models_of_the_stack_and_those_behind_its_profile() -> None:
    """A global profile also asks for the model's ARN without a region (Bedrock user guide)."""
    direct, earlier, behind = model_statements()
    assert [each["Fn::Sub"] for each in direct["Resource"]] == [
        MODEL % ("${AWS::Region}", "${EmbeddingModelId}"),
        MODEL % ("${AWS::Region}", "${GenerationModelId}"),
        PROFILE,
    ]
    assert earlier["Resource"] == {"Fn::Sub": MODEL % ("${AWS::Region}", "${EarlierEmbeddingModelIds}")}
    assert [each["Fn::Sub"] for each in behind["Resource"]] == [MODEL % ("*", "*"), MODEL % ("", "*")]
    assert behind["Condition"] == {"StringEquals": {"bedrock:InferenceProfileArn": {"Fn::Sub": PROFILE}}}


def test_every_function_that_answers_requests_ends_behind_the_gateway() -> None:
    """API Gateway waits for 29 s; a function that Lambda ends before says nothing."""
    loaded = template()
    assert loaded["Globals"]["Function"]["Timeout"] == 30
    answering = [name for name, function in FUNCTIONS.items() if "'Api'" in str(function.get("Events"))]
    assert {"Query", "Documents", "Tenants", "Keys"} <= set(answering)
    assert not [name for name in answering if "Timeout" in FUNCTIONS[name]]
    assert "TimeoutInMillis" not in str(loaded["Resources"])


def test_where_answers_may_come_from_is_said_where_the_model_is_chosen() -> None:
    parameter = template()["Parameters"]["GenerationModelId"]
    assert parameter["Default"].startswith("global.")
    assert "any commercial region" in parameter["Description"]


def test_an_absent_leading_key_opens_nothing() -> None:
    # ForAllValues holds for a request without the key, which only the Null condition keeps out.
    everything = [statement for name in FUNCTIONS for statement in statements(FUNCTIONS[name])]
    for role in SESSION_ROLES:
        for policy in resources("AWS::IAM::Role")[role]["Policies"]:
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


def test_questions_are_logged_by_one_function_and_only_if_asked_for() -> None:
    switch = template()["Parameters"]["LogQuestions"]
    assert (switch["Default"], switch["AllowedValues"]) == ("false", ["true", "false"])
    environments = {name: each.get("Environment", {}).get("Variables", {}) for name, each in FUNCTIONS.items()}
    switched = {
        name: variables["LOG_QUESTIONS"] for name, variables in environments.items() if "LOG_QUESTIONS" in variables
    }
    assert switched == {"Query": {"Ref": "LogQuestions"}}
    assert "LOG_QUESTIONS" not in template()["Globals"]["Function"]["Environment"]["Variables"]


def test_the_outputs_are_those_of_the_contract() -> None:
    assert set(template()["Outputs"]) == OUTPUTS


AUTHORIZED = {"operator", "anyone"}


def test_operators_routes_take_signatures_and_all_others_the_tenants_credential() -> None:
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            authorizer = event["Properties"].get("Auth", {}).get("Authorizer")
            path = event["Properties"]["Path"]
            expected = "NONE" if path == "/v1/openapi.json" else "AWS_IAM" if "/admin/" in path else None
            assert authorizer == expected, name
    assert resources("AWS::Serverless::Api")["Api"]["Auth"]["DefaultAuthorizer"] == "Tenant"


def api_events() -> list[tuple[str, str, dict[str, Any]]]:
    """Function, kind of role and properties of every route in the template."""
    found = []
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            authorizer = event["Properties"].get("Auth", {}).get("Authorizer")
            found.append(
                (name, {"AWS_IAM": "operator", "NONE": "anyone"}.get(authorizer, "tenant"), event["Properties"])
            )
    return found


def test_the_template_has_the_routes_that_the_functions_declare() -> None:
    declared = {(route.method, route.path, route.role if route.role in AUTHORIZED else "tenant") for route in routes()}
    given = {(event["Method"].upper(), event["Path"], kind) for _, kind, event in api_events()}
    assert {each for each in given if each[0] != "ANY"} == declared


def test_every_path_takes_any_method_under_the_same_authorisation() -> None:
    """API Gateway would answer 403 for a method that a path does not have; so the function answers 405."""
    for name, kind, event in api_events():
        assert (name, kind, event["Path"]) in {
            (other, its, each["Path"]) for other, its, each in api_events() if each["Method"] == "any"
        }, event


def test_nobody_may_write_where_the_audit_trail_was() -> None:
    """PutItem replaces what is there, and IAM cannot demand a condition of it."""
    everything = [statement for function in FUNCTIONS.values() for statement in statements(function)]
    everything += [statement for role in SESSION_ROLES for statement in role_statements(role)]
    altering = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}
    found = [s for s in everything if altering & set(as_list(s["Action"])) and s["Resource"] == CONTROL_TABLE]
    assert found
    for statement in found:
        operators = statement["Condition"].values()
        reached = [key for operator in operators for key in as_list(operator.get("dynamodb:LeadingKeys", []))]
        patterns = [key.replace("${aws:PrincipalTag/TenantId}", "acme") for key in reached if key != "false"]
        assert patterns
        assert not any(fnmatch("AUDIT#acme", pattern) for pattern in patterns), statement["Sid"]


DATA_ACTIONS = ("s3:", "dynamodb:", "s3vectors:", "kms:", "bedrock:")
TENANT_RESOURCES = ("DocumentsBucket", "TenantTable", "VectorBucket", "ArtifactsBucket", "-pool-", "-silo-", ":key/")
VECTOR_BUCKETS = "arn:${AWS::Partition}:s3vectors:${AWS::Region}:${AWS::AccountId}:bucket/${AWS::StackName}"
ANY_KEY = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"
OUTSIDE_TENANTS = {
    ("IngestionStateMachine", "s3:GetObject", "${ArtifactsBucket.Arn}/manifests/*"),
    ("ProvisionTenant", "s3vectors:CreateIndex", "VectorBucket.VectorBucketArn"),
    ("ProvisionTenant", "s3vectors:CreateIndex", "${VectorBucket.VectorBucketArn}/index/*"),
    ("ProvisionTenant", "s3vectors:CreateIndex", VECTOR_BUCKETS + "-pool-*"),
    ("ProvisionTenant", "s3vectors:CreateIndex", VECTOR_BUCKETS + "-silo-*"),
    ("ProvisionTenant", "kms:Decrypt", ANY_KEY),
    ("ProvisionTenant", "kms:GenerateDataKey", ANY_KEY),
}
"""Numbers of batches, which the workflow's Map reads, and the making of new, empty indexes, by S3 Vectors under the
keys of their tenants."""
WORKERS = {**FUNCTIONS, **resources("AWS::Serverless::StateMachine")}


@pytest.mark.parametrize("name", WORKERS)
def test_no_role_of_a_function_or_a_workflow_reaches_a_tenants_data(name: str) -> None:
    reaching = {
        (name, action, resource)
        for action, resource in grants(WORKERS[name])
        if action.startswith(DATA_ACTIONS) and (resource == "*" or any(each in resource for each in TENANT_RESOURCES))
    }
    assert reaching <= OUTSIDE_TENANTS
    assert not any("*" in action for action, _ in grants(WORKERS[name]))
    wild = {action.partition(":")[0] for action, resource in grants(WORKERS[name]) if resource == "*"}
    assert wild <= {"logs", "xray"}


@pytest.mark.parametrize("name", WORKERS)
def test_a_role_has_no_rights_but_those_written_here(name: str) -> None:
    """What SAM's policy templates, managed policies and connectors give would be seen by no test of this file."""
    assert not {"Role", "PermissionsBoundary", "Connectors"} & WORKERS[name].keys()
    for policy in WORKERS[name]["Policies"]:
        assert policy.keys() == {"Version", "Statement"}
        assert all("NotAction" not in each and "NotResource" not in each for each in policy["Statement"])


def test_nothing_else_is_trusted_with_a_tenants_session() -> None:
    roles = resources("AWS::IAM::Role")
    assert set(roles) == {*SESSION_ROLES, "SiloRole", "ApiGatewayLogRole"}
    assert roles["ApiGatewayLogRole"].keys() == {"Description", "AssumeRolePolicyDocument", "ManagedPolicyArns"}
    assert not resources("AWS::IAM::Policy")
    assert set(resources("AWS::IAM::ManagedPolicy")) == {"OperatorPolicy"}


@pytest.mark.parametrize("role", ROLES_OF_SESSIONS)
def test_buckets_by_pattern_are_those_of_this_account(role: str) -> None:
    """The name of a bucket tells no account: another one could have made a bucket of that name before."""
    for statement in role_statements(role):
        by_pattern = [each for each in as_list(statement["Resource"]) if ":s3:::" in str(each)]
        if by_pattern and statement["Sid"] != "NewBuckets":
            account = statement["Condition"]["StringEquals"]["aws:ResourceAccount"]
            assert account == {"Ref": "AWS::AccountId"}, statement["Sid"]
    new = [statement for statement in role_statements(role) if statement["Sid"] == "NewBuckets"]
    assert [set(each["Action"]) for each in new] == [{"s3:CreateBucket", "s3:TagResource"}] * (role == "SiloRole")


@pytest.mark.parametrize("role", SESSION_ROLES)
def test_a_tenants_session_is_taken_with_its_tag_and_nothing_besides(role: str) -> None:
    properties = resources("AWS::IAM::Role")[role]
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust.keys() == {"Effect", "Principal", "Action", "Condition"}
    assert trust["Principal"].keys() == {"AWS"}
    assert set(trust["Action"]) == {"sts:AssumeRole", "sts:TagSession"}
    assert not {"ManagedPolicyArns", "PermissionsBoundary"} & properties.keys()


def test_keys_of_tenants_serve_no_function_but_through_s3_vectors() -> None:
    (statement,) = [s for s in statements(FUNCTIONS["ProvisionTenant"]) if "kms:Decrypt" in as_list(s["Action"])]
    assert statement["Condition"] == {
        "StringLike": {"aws:ResourceTag/TenantId": "?*"},
        "StringEquals": {"kms:ViaService": {"Fn::Sub": "s3vectors.${AWS::Region}.amazonaws.com"}},
    }


def silo_statements() -> dict[str, dict[str, Any]]:
    (policy,) = resources("AWS::IAM::Role")["SiloRole"]["Policies"]
    return {statement["Sid"]: statement for statement in policy["PolicyDocument"]["Statement"]}


def test_only_cloudformation_takes_the_role_of_silos_and_only_one_function_gives_it() -> None:
    role = resources("AWS::IAM::Role")["SiloRole"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "cloudformation.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }, "no condition key is documented for the role of a stack, so that none may ever be met"
    assert not {"ManagedPolicyArns", "PermissionsBoundary"} & role.keys()
    passing = [
        (name, s) for name in WORKERS for s in statements(WORKERS[name]) if "iam:PassRole" in as_list(s["Action"])
    ]
    ((name, statement),) = passing
    assert (name, statement["Resource"]) == ("ProvisionTenant", SILO_ROLE)
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}


SETTINGS_OF_BUCKETS = {
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetEncryptionConfiguration",
    "s3:PutEncryptionConfiguration",
}


def test_the_role_of_silos_reads_no_object_and_touches_nothing_shared() -> None:
    for sid, statement in silo_statements().items():
        actions = set(as_list(statement["Action"]))
        assert not any("*" in action for action in actions)
        data = {"Object", "Vectors", "Index", "Decrypt", "Encrypt", "GenerateDataKey", "ReEncrypt", "Grant"}
        found = {action for action in actions - SETTINGS_OF_BUCKETS if any(word in action for word in data)}
        assert found == ({"kms:Decrypt", "kms:GenerateDataKey"} if sid == "VectorBucketsUnderTenantsKeys" else set())
        condition = statement.get("Condition", {}).get("StringLike", {})
        tagged = {"aws:RequestTag/TenantId", "aws:ResourceTag/TenantId"} & condition.keys()
        for resource in as_list(statement["Resource"]):
            own_bucket = "${AWS::StackName}-silo-*" in str(resource)
            assert own_bucket or (tagged and condition[tagged.pop()] == "?*"), sid


def of_silo(kind: str) -> dict[str, dict[str, Any]]:
    return {name: each["Properties"] for name, each in tenant_stack()["Resources"].items() if each["Type"] == kind}


def test_everything_of_a_premium_tenant_lies_under_its_own_key() -> None:
    key = {"Fn::GetAtt": "Key.Arn"}
    for bucket in of_silo("AWS::S3::Bucket").values():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        assert rule["BucketKeyEnabled"] is True
    (vectors,) = of_silo("AWS::S3Vectors::VectorBucket").values()
    assert vectors["EncryptionConfiguration"] == {"SseType": "aws:kms", "KmsKeyArn": key}


def test_the_buckets_of_a_premium_tenant_are_versioned_and_closed() -> None:
    buckets = of_silo("AWS::S3::Bucket")
    policies = {each["Bucket"]["Ref"]: each["PolicyDocument"] for each in of_silo("AWS::S3::BucketPolicy").values()}
    assert policies.keys() == buckets.keys() == {"Documents", "Artifacts"}
    for name, bucket in buckets.items():
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        (statement,) = policies[name]["Statement"]
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        assert statement["Resource"] == [{"Fn::GetAtt": f"{name}.Arn"}, {"Fn::Sub": f"${{{name}.Arn}}/*"}]
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    notified = {name for name, bucket in buckets.items() if "NotificationConfiguration" in bucket}
    assert notified == {"Documents"}, "artifacts would start nothing but cost"
    told = buckets["Documents"]["NotificationConfiguration"]
    assert told == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_the_key_of_a_premium_tenant_names_its_tenant_and_serves_no_other_account() -> None:
    (key,) = of_silo("AWS::KMS::Key").values()
    assert key["Tags"] == [{"Key": "TenantId", "Value": {"Ref": "TenantId"}}]
    assert key["EnableKeyRotation"] is True
    account, indexing = key["KeyPolicy"]["Statement"]
    assert account["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    assert (indexing["Principal"], indexing["Action"]) == (
        {"Service": "indexing.s3vectors.amazonaws.com"},
        "kms:Decrypt",
    )
    condition = indexing["Condition"]
    assert condition["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert condition["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(":bucket/${AWS::StackName}-vectors*")


def test_names_in_a_tenants_stack_are_those_of_its_place() -> None:
    placement = Silo("onggi-silo-").place("acme")
    names = {
        kind: [each[field]["Fn::Sub"].replace("${AWS::StackName}", placement.stack) for each in of_silo(kind).values()]
        for kind, field in (("AWS::S3::Bucket", "BucketName"), ("AWS::S3Vectors::VectorBucket", "VectorBucketName"))
    }
    assert names["AWS::S3::Bucket"] == [placement.documents_bucket, placement.artifacts_bucket]
    assert names["AWS::S3Vectors::VectorBucket"] == [placement.vector_bucket]
    prefix = FUNCTIONS["Tenants"]["Environment"]["Variables"]["SILO_PREFIX"]
    assert prefix == {"Fn::Sub": "${AWS::StackName}-silo-"}, "IAM knows the names by it"


def test_what_goes_with_a_tenants_stack_goes_for_good() -> None:
    kept = {
        name for name, each in tenant_stack()["Resources"].items() if each.get("DeletionPolicy", "Delete") != "Delete"
    }
    assert kept == set()


def test_uploads_of_premium_tenants_start_the_workflow() -> None:
    """The rule hears silos' buckets as well as the shared one."""
    machine = resources("AWS::Serverless::StateMachine")["IngestionStateMachine"]
    (event,) = machine["Events"].values()
    names = event["Properties"]["Pattern"]["detail"]["bucket"]["name"]
    assert {"Ref": "DocumentsBucket"} in names
    assert {"prefix": {"Fn::Sub": "${AWS::StackName}-silo-"}} in names, (
        "of those only the ones of uploads tell EventBridge"
    )


def test_every_end_of_an_execution_but_success_is_heard_of() -> None:
    """The children of the Map are executions of another name, `<machine>/<label>`, and their end is the Map's."""
    (event,) = resources("AWS::Serverless::StateMachine")["InterruptionStateMachine"]["Events"].values()
    assert event["Type"] == "EventBridgeRule"
    assert event["Properties"]["Pattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [{"Ref": "IngestionStateMachine"}],
            "status": ["ABORTED", "TIMED_OUT", "FAILED"],
        },
    }


@pytest.mark.parametrize(
    ("machine", "queue"),
    [("IngestionStateMachine", "UndeliveredEvents"), ("InterruptionStateMachine", "UndeliveredInterruptions")],
)
def test_an_event_is_delivered_for_a_day_and_then_kept_with_an_alarm(machine: str, queue: str) -> None:
    ((name, event),) = resources("AWS::Serverless::StateMachine")[machine]["Events"].items()
    assert event["Properties"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert event["Properties"]["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": f"{queue}.Arn"}}
    sending, unencrypted = resources("AWS::SQS::QueuePolicy")[f"{queue}Policy"]["PolicyDocument"]["Statement"]
    assert sending["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": f"{machine}{name}.Arn"}}}
    assert (unencrypted["Effect"], unencrypted["Principal"]) == ("Deny", "*")
    watched = resources("AWS::CloudWatch::Alarm")[f"{queue}Alarm"]["Dimensions"]
    assert watched == [{"Name": "QueueName", "Value": {"Fn::GetAtt": f"{queue}.QueueName"}}]


@pytest.mark.parametrize("machine", [name for name in WORKERS if name.endswith("StateMachine")])
def test_a_workflow_that_fails_raises_an_alarm(machine: str) -> None:
    """That of onboarding is seen by the operator who has asked for it: the tenant says `failed`."""
    watched = [
        alarm["Dimensions"][0]["Value"]
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "ExecutionsFailed"
    ]
    assert ({"Ref": machine} in watched) == (machine != "OnboardingStateMachine")


ANSWERS_WHEN_A_FUNCTION_DOES_NOT = (
    "INTEGRATION_TIMEOUT",
    "INTEGRATION_FAILURE",
    "AUTHORIZER_FAILURE",
    "AUTHORIZER_CONFIGURATION_ERROR",
)


@pytest.mark.parametrize("kind", ANSWERS_WHEN_A_FUNCTION_DOES_NOT)
def test_a_function_that_does_not_answer_is_a_503_to_try_again(kind: str) -> None:
    response = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"][kind]
    headers = response["ResponseParameters"]["Headers"]
    assert (response["StatusCode"], headers["retry-after"]) == (503, "'1'")
    assert headers["Content-Type"] == "'application/problem+json'"


def test_the_gateway_gives_up_before_a_function_of_the_api_is_ended() -> None:
    """A function that is ended is a 502 that nothing can shape; 29 s is how long the gateway waits by default."""
    default = template()["Globals"]["Function"]["Timeout"]
    of_the_api = {
        name: function.get("Timeout", default)
        for name, function in FUNCTIONS.items()
        if any(event["Type"] == "Api" for event in function.get("Events", {}).values())
    }
    assert of_the_api
    assert {name for name, seconds in of_the_api.items() if seconds <= 29} == set()


READERS_OF_FILES = "ExtractText"
GRANTOR = "GrantReading"
USES_OF_A_KEY = {"kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:CreateGrant"}
GENERATED = ("kms:GenerateDataKey", "kms:GenerateMac", "kms:Sign", "kms:DeriveSharedSecret")


def reading_key() -> dict[str, dict[str, Any]]:
    """The statements of the policy of the key that grants lie under, by their ids."""
    (key,) = resources("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True
    return {statement["Sid"]: statement for statement in key["KeyPolicy"]["Statement"]}


def test_what_parses_files_has_no_rights_of_its_own() -> None:
    assert FUNCTIONS[READERS_OF_FILES]["Policies"] == []
    variables = {name: each.get("Environment", {}).get("Variables", {}) for name, each in FUNCTIONS.items()}
    assert {name for name, each in variables.items() if "READING_KEY" in each} == {GRANTOR, READERS_OF_FILES}


def test_one_function_issues_grants_and_one_uses_them() -> None:
    statements = reading_key()
    users = {
        (statement["Principal"]["AWS"]["Fn::GetAtt"], statement["Action"])
        for sid, statement in statements.items()
        if sid != "Administration"
    }
    assert users == {(f"{GRANTOR}Role.Arn", "kms:Encrypt"), (f"{READERS_OF_FILES}Role.Arn", "kms:Decrypt")}
    for sid in statements.keys() - {"Administration"}:
        names = {name.rpartition(":")[2] for name in statements[sid]["Condition"]["Null"]}
        assert {"tenant", "document", "version"} == names
        assert set(statements[sid]["Condition"]["Null"].values()) == {"false"}


def test_nobody_else_uses_the_key_and_its_policy_can_be_changed() -> None:
    """KMS refuses a policy after which its maker could not change it (KMS API reference, CreateKey)."""
    administration = reading_key()["Administration"]
    assert administration["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    actions = set(administration["Action"])
    assert {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} <= actions
    assert not actions & USES_OF_A_KEY
    assert not any("*" in action or action.startswith(GENERATED) for action in actions)
    allowed = {action for name in WORKERS for action, _ in grants(WORKERS[name]) if action.startswith("kms:")}
    assert not allowed - {"kms:Decrypt", "kms:GenerateDataKey"}, "of tenants' keys, which alone have a tag"


def test_the_key_of_grants_carries_no_tenants_tag() -> None:
    """Tenants' sessions may use every key that carries their tag."""
    (key,) = resources("AWS::KMS::Key").values()
    assert "Tags" not in key
