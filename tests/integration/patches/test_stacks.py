"""CloudFormation: SAM's transform knows the parameters, and policies may ask for a stack's tags."""

import json
from collections.abc import Callable

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.integration.local_cloud import LocalCloud, wait_for
from tests.integration.patches.conftest import create_stack, finished

API = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Seconds: {Type: Number, Default: 60}
Resources:
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      Auth:
        DefaultAuthorizer: Tenant
        Authorizers:
          Tenant:
            FunctionArn: !Sub "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:authorize"
            Identity: {ReauthorizeEvery: !Ref Seconds}
      DefinitionBody: {swagger: "2.0", paths: {/: {get: {responses: {}}}}}
"""
TOPIC = "Resources: {Topic: {Type: AWS::SNS::Topic}}"


def test_what_sam_writes_into_an_api_has_the_values_of_the_deployment(cloud: LocalCloud) -> None:
    api = create_stack(cloud, "short-memory", API, {"Seconds": "5"}).resources["Api"]
    (authorizer,) = cloud.client("apigateway").get_authorizers(restApiId=api)["items"]
    assert authorizer["authorizerResultTtlInSeconds"] == 5


@pytest.fixture
def session(cloud: LocalCloud) -> Callable[[str], boto3.Session]:
    """Sessions of one role that may delete the stacks of its own tag."""
    iam, sts = cloud.client("iam"), cloud.client("sts")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    role = iam.create_role(
        RoleName="stacks", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    allowed = {
        "Effect": "Allow",
        "Action": "cloudformation:DeleteStack",
        "Resource": "arn:aws:cloudformation:*:*:stack/tagged-*/*",
        "Condition": {"StringEquals": {"aws:ResourceTag/TenantId": "${aws:PrincipalTag/TenantId}"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="stacks", PolicyName="own", PolicyDocument=document)

    def assumed(tenant: str) -> boto3.Session:
        tags = [{"Key": "TenantId", "Value": tenant}]
        return cloud.session(sts.assume_role(RoleArn=role, RoleSessionName=tenant, Tags=tags)["Credentials"])

    return assumed


def test_a_policy_may_ask_for_the_tags_of_a_stack(cloud: LocalCloud, session: Callable[[str], boto3.Session]) -> None:
    cloudformation = cloud.client("cloudformation")
    tags = [{"Key": "TenantId", "Value": "acme"}]
    cloudformation.create_stack(StackName="tagged-acme", TemplateBody=TOPIC, Tags=tags)
    wait_for(lambda: finished(cloudformation, "tagged-acme"))
    with pytest.raises(ClientError, match="AccessDenied"):
        cloud.client("cloudformation", session("bravo")).delete_stack(StackName="tagged-acme")
    cloud.client("cloudformation", session("acme")).delete_stack(StackName="tagged-acme")
    with pytest.raises(ClientError, match="does not exist"):
        wait_for(lambda: not cloudformation.describe_stacks(StackName="tagged-acme")["Stacks"])
