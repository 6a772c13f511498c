"""Policy variables, leading keys, session tags: what keeps tenants apart."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.integration.patches.conftest import Stack

type Tenant = Callable[[str], boto3.Session]

DENIED = {"AccessDenied", "AccessDeniedException"}


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def key(tenant_id: str) -> dict[str, Any]:
    return {"pk": {"S": tenant_id}, "sk": {"S": "1"}}


def test_a_policy_variable_opens_the_own_prefix_only(stack: Stack, tenant: Tenant) -> None:
    s3 = stack.cloud.client("s3", tenant("acme"))
    s3.put_object(Bucket=stack["Documents"], Key="tenants/acme/own", Body=b"text")
    assert s3.get_object(Bucket=stack["Documents"], Key="tenants/acme/own")["Body"].read() == b"text"
    for foreign in ("tenants/beta/x", "tenants/acme-2/x", "tenants/x"):
        assert refused(s3.put_object, Bucket=stack["Documents"], Key=foreign, Body=b"") in DENIED
    source = {"Bucket": stack["Documents"], "Key": "tenants/beta/x"}
    assert refused(s3.copy_object, Bucket=stack["Documents"], Key="tenants/acme/copy", CopySource=source) in DENIED


def test_a_statement_whose_variable_has_no_value_matches_nothing(stack: Stack) -> None:
    resource = f"arn:aws:s3:::{stack['Documents']}/tenants/${{aws:PrincipalTag/TenantId}}/*"
    untagged = stack.role_session("contract-untagged", ["s3:*"], resource)
    s3 = stack.cloud.client("s3", untagged)
    for path in ("tenants/acme/own", "tenants//x", "tenants/${aws:PrincipalTag/TenantId}/x"):
        assert refused(s3.put_object, Bucket=stack["Documents"], Key=path, Body=b"") in DENIED


def test_a_tag_value_is_no_wildcard(stack: Stack, tenant: Tenant) -> None:
    stack.cloud.client("s3").put_object(Bucket=stack["Documents"], Key="tenants/beta/secret", Body=b"")
    with pytest.raises(ClientError) as caught:  # AWS allows no such character in a tag
        stack.cloud.client("s3", tenant("*")).get_object(Bucket=stack["Documents"], Key="tenants/beta/secret")
    assert caught.value.response["Error"]["Code"] in {*DENIED, "ValidationError"}


def test_leading_keys_of_items(stack: Stack, tenant: Tenant) -> None:
    table, dynamodb = stack["TableName"], stack.cloud.client("dynamodb", tenant("acme"))
    dynamodb.put_item(TableName=table, Item=key("acme"))
    assert dynamodb.get_item(TableName=table, Key=key("acme"))["Item"] == key("acme")
    assert refused(dynamodb.put_item, TableName=table, Item=key("beta")) in DENIED
    assert refused(dynamodb.get_item, TableName=table, Key=key("beta")) in DENIED
    assert refused(dynamodb.update_item, TableName=table, Key=key("beta")) in DENIED
    assert refused(dynamodb.delete_item, TableName=table, Key=key("beta")) in DENIED


def test_leading_keys_of_batches_and_transactions(stack: Stack, tenant: Tenant) -> None:
    table, dynamodb = stack["TableName"], stack.cloud.client("dynamodb", tenant("acme"))
    own, mixed = [{"PutRequest": {"Item": key("acme")}}], [{"DeleteRequest": {"Key": key("beta")}}]
    dynamodb.batch_write_item(RequestItems={table: own})
    assert refused(dynamodb.batch_write_item, RequestItems={table: own + mixed}) in DENIED
    found = dynamodb.batch_get_item(RequestItems={table: {"Keys": [key("acme")]}})["Responses"][table]
    assert found == [key("acme")]
    assert refused(dynamodb.batch_get_item, RequestItems={table: {"Keys": [key("acme"), key("beta")]}}) in DENIED
    writes = [{"Put": {"TableName": table, "Item": key(each)}} for each in ("acme", "beta")]
    dynamodb.transact_write_items(TransactItems=writes[:1])
    assert refused(dynamodb.transact_write_items, TransactItems=writes) in DENIED


@pytest.mark.parametrize(
    "query",
    [
        {"KeyConditionExpression": "pk = :p"},
        {"KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": "pk"}},
        {"KeyConditionExpression": "(sk >= :s) AND (#p=:p)", "ExpressionAttributeNames": {"#p": "pk"}},
    ],
)
def test_leading_keys_of_queries(stack: Stack, tenant: Tenant, query: dict[str, Any]) -> None:
    table, dynamodb = stack["TableName"], stack.cloud.client("dynamodb", tenant("acme"))
    dynamodb.put_item(TableName=table, Item=key("acme"))

    def values(tenant_id: str) -> dict[str, Any]:
        bound = {":p": {"S": tenant_id}, ":s": {"S": "1"}}
        return {name: value for name, value in bound.items() if name in query["KeyConditionExpression"]}

    found = dynamodb.query(TableName=table, ExpressionAttributeValues=values("acme"), **query)
    assert found["Items"] == [key("acme")]
    assert refused(dynamodb.query, TableName=table, ExpressionAttributeValues=values("beta"), **query) in DENIED


def test_leading_keys_of_a_sort_key_named_like_the_tenant(stack: Stack, tenant: Tenant) -> None:
    dynamodb = stack.cloud.client("dynamodb", tenant("acme"))
    code = refused(
        dynamodb.query,
        TableName=stack["TableName"],
        KeyConditionExpression="pk = :p AND sk = :s",
        ExpressionAttributeValues={":p": {"S": "beta"}, ":s": {"S": "acme"}},
    )
    assert code in DENIED


def test_leading_keys_of_legacy_conditions_and_partiql(stack: Stack, tenant: Tenant) -> None:
    table, dynamodb = stack["TableName"], stack.cloud.client("dynamodb", tenant("acme"))

    def condition(tenant_id: str) -> dict[str, Any]:
        return {"pk": {"AttributeValueList": [{"S": tenant_id}], "ComparisonOperator": "EQ"}}

    dynamodb.query(TableName=table, KeyConditions=condition("acme"))
    assert refused(dynamodb.query, TableName=table, KeyConditions=condition("beta")) in DENIED
    statement = f"SELECT * FROM \"{table}\" WHERE pk = 'beta'"  # noqa: S608  # no one's input
    assert refused(dynamodb.execute_statement, Statement=statement) in DENIED
    assert refused(dynamodb.scan, TableName=table) in DENIED


def test_tagging_a_session_needs_permission_in_both_policies(stack: Stack) -> None:
    tags = [{"Key": "TenantId", "Value": "acme"}]
    may_not_tag = stack.role_session("contract-no-tags", ["sts:AssumeRole"], stack["DataRole"])
    sts = stack.cloud.client("sts", may_not_tag)
    assert refused(sts.assume_role, RoleArn=stack["DataRole"], RoleSessionName="acme", Tags=tags) in DENIED
    may_tag = stack.role_session("contract-tags", ["sts:AssumeRole", "sts:TagSession"], stack["DataRole"])
    sts = stack.cloud.client("sts", may_tag)
    assert refused(sts.assume_role, RoleArn=stack["DataRole"], RoleSessionName="acme") in DENIED
    more = [*tags, {"Key": "Tier", "Value": "premium"}]
    assert refused(sts.assume_role, RoleArn=stack["DataRole"], RoleSessionName="acme", Tags=more) in DENIED
    reply = sts.assume_role(RoleArn=stack["DataRole"], RoleSessionName="acme", Tags=tags)
    identity = stack.cloud.client("sts", stack.cloud.session(reply["Credentials"])).get_caller_identity()
    assert identity["Arn"].endswith("/acme")


def test_a_chained_session_lasts_one_hour_at_most(stack: Stack) -> None:
    session = stack.role_session("contract-chain", ["sts:AssumeRole", "sts:TagSession"], stack["DataRole"])
    code = refused(
        stack.cloud.client("sts", session).assume_role,
        RoleArn=stack["DataRole"],
        RoleSessionName="acme",
        Tags=[{"Key": "TenantId", "Value": "acme"}],
        DurationSeconds=3601,
    )
    assert code == "ValidationError"


def test_vector_indexes(stack: Stack, tenant: Tenant) -> None:
    bucket = stack["VectorBucketArn"]
    for name in ("acme", "beta"):
        stack.cloud.client("s3vectors").create_index(
            vectorBucketArn=bucket, indexName=name, dataType="float32", dimension=2, distanceMetric="cosine"
        )
    acme, beta = (stack.cloud.client("s3vectors", tenant(name)) for name in ("acme", "beta"))
    vectors = [{"key": "k", "data": {"float32": [1.0, 0.0]}, "metadata": {"page": 1}}]
    question = {"topK": 1, "queryVector": {"float32": [1.0, 0.0]}}
    acme.put_vectors(indexArn=f"{bucket}/index/acme", vectors=vectors)
    assert refused(beta.put_vectors, indexArn=f"{bucket}/index/acme", vectors=vectors) in DENIED
    by_name = {"vectorBucketName": bucket.rsplit("/", 1)[-1], "indexName": "acme"}
    assert refused(beta.query_vectors, **by_name, **question) in DENIED
    assert refused(acme.list_vectors, indexArn=f"{bucket}/index/acme") in DENIED
    found = acme.query_vectors(**by_name, **question, returnMetadata=True)["vectors"]
    assert found == [{"key": "k", "metadata": {"page": 1}}]


def test_a_query_for_metadata_needs_get_vectors(stack: Stack, tenant: Tenant) -> None:
    bucket = stack.cloud.client("s3vectors")
    index = f"{stack['VectorBucketArn']}/index/gamma"
    bucket.create_index(
        vectorBucketArn=stack["VectorBucketArn"],
        indexName="gamma",
        dataType="float32",
        dimension=2,
        distanceMetric="cosine",
    )
    gamma = stack.cloud.client("s3vectors", tenant("gamma"))  # the role's policy lets acme alone get vectors
    question = {"indexArn": index, "topK": 1, "queryVector": {"float32": [1.0, 0.0]}}
    assert gamma.query_vectors(**question)["vectors"] == []
    assert refused(gamma.query_vectors, **question, returnMetadata=True) in DENIED
    assert refused(gamma.query_vectors, **question, filter={"page": {"$eq": 1}}) in DENIED


def test_models(stack: Stack, tenant: Tenant) -> None:
    bedrock = stack.cloud.client("bedrock-runtime", tenant("acme"))
    messages = [{"role": "user", "content": [{"text": "안녕하세요"}]}]
    reply = bedrock.converse(modelId="amazon.nova-lite-v1:0", messages=messages)
    assert reply["usage"]["inputTokens"] > 0
    assert refused(bedrock.converse, modelId="amazon.nova-pro-v1:0", messages=messages) in DENIED
    body = json.dumps({"inputText": "옹기", "dimensions": 256})
    embedded = json.loads(bedrock.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=body)["body"].read())
    assert len(embedded["embedding"]) == 256
    assert refused(bedrock.invoke_model, modelId="amazon.titan-embed-text-v1", body=body) in DENIED
    too_small = json.dumps({"inputText": "옹기", "dimensions": 3})
    code = refused(bedrock.invoke_model, modelId="amazon.titan-embed-text-v2:0", body=too_small)
    assert code == "ValidationException"
