"""Loopback counts as TLS, and a state machine may be written in YAML."""

import json

from tests.integration.local_cloud import REGION, LocalCloud, wait_for
from tests.integration.patches.conftest import Stack

PASSING = """
Comment: Written in YAML, with a substitution.
StartAt: Greet
States:
  Greet:
    Type: Pass
    Result: {greeting: "${Greeting}"}
    End: true
"""


def test_a_bucket_that_demands_tls_can_be_used(cloud: LocalCloud, stack: Stack) -> None:
    root = cloud.client("s3")
    root.create_bucket(Bucket="tls-only", CreateBucketConfiguration={"LocationConstraint": REGION})
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    root.put_bucket_policy(Bucket="tls-only", Policy=json.dumps(policy))
    caller = cloud.client("s3", stack.role_session("tls-caller", ["s3:PutObject"], "arn:aws:s3:::tls-only/*"))

    assert caller.put_object(Bucket="tls-only", Key="a", Body=b"a")["ETag"]


def test_a_state_machine_in_yaml_runs(cloud: LocalCloud) -> None:
    s3, cloudformation, workflow = cloud.client("s3"), cloud.client("cloudformation"), cloud.client("stepfunctions")
    s3.create_bucket(Bucket="definitions", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="definitions", Key="greet.asl.yaml", Body=PASSING.encode())
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "RoleArn": "arn:aws:iam::000000000000:role/workflow",
            "DefinitionS3Location": {"Bucket": "definitions", "Key": "greet.asl.yaml"},
            "DefinitionSubstitutions": {"Greeting": "안녕"},
        },
    }
    cloudformation.create_stack(StackName="yaml", TemplateBody=json.dumps({"Resources": {"Greeter": machine}}))
    arn = wait_for(
        lambda: next(
            (
                resource["PhysicalResourceId"]
                for resource in cloudformation.describe_stack_resources(StackName="yaml")["StackResources"]
                if resource["ResourceStatus"] == "CREATE_COMPLETE"
            ),
            None,
        )
    )
    execution = workflow.start_execution(stateMachineArn=arn, input="{}")["executionArn"]

    output = wait_for(lambda: workflow.describe_execution(executionArn=execution).get("output"))

    assert json.loads(output) == {"greeting": "안녕"}
